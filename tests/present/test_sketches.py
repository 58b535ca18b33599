"""Curves in characters: decode the dots and compare with the means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pilotlight.core.report import Report
from pilotlight.present.sketches import sketches
from pilotlight.present.spread import spreads

WIDTH = 60
HEIGHTS = {
    1 << bit: level for level, bits in enumerate([(6, 7), (2, 5), (1, 4), (0, 3)]) for bit in bits
}
"""Braille's own numbering: bits 6 and 7 are the lowest row, bits 0 and 3 the highest."""


def drawn(report: Report, ascii_only: bool, metric: str = "validation_accuracy") -> list[str]:
    """The strips of a report."""
    wide = max(map(len, report.comparisons))
    names = {c: c.ljust(wide) for c in report.comparisons}
    return sketches(report, metric, names, WIDTH, ascii_only)


def tops(lines: list[str], start: int) -> list[int | None]:
    """The highest dot of each character of a strip, from the bottom."""
    cells = [line.ljust(WIDTH)[start:] for line in lines]
    found: list[int | None] = []
    for i in range(WIDTH - start):
        levels = [
            4 * (len(lines) - 1 - k) + height
            for k, line in enumerate(cells)
            for bit, height in HEIGHTS.items()
            if line[i] != " " and (ord(line[i]) - 0x2800) & bit
        ]
        found.append(max(levels, default=None))
    return found


def test_the_dots_follow_the_mean(statistical: Report):
    _, scale, *rows = drawn(statistical, ascii_only=False)
    means = [s.mean for s in spreads(statistical, "validation_accuracy")]
    low, high = np.concatenate(means).min(), np.concatenate(means).max()
    assert scale.strip() == f"each strip from {low:.2f} to {high:.2f}"
    for k, mean in enumerate(means):
        found = tops(rows[3 * k : 3 * k + 3], start=13)
        at = np.linspace(0, 15, len(found))
        expected = 12 * (np.interp(at, range(16), mean) - low) / (high - low)
        assert None not in found
        assert np.abs(np.array(found) + 0.5 - expected).max() < 1.6


def test_a_strip_has_a_name_an_edge_and_three_lines(statistical: Report):
    head, _, *rows = drawn(statistical, ascii_only=False)
    assert head == "mean validation accuracy, epoch 0 to 15"
    assert len(rows) == 9
    assert [r[:12].strip() for r in rows[::3]] == ["plain", "heavy_ball", "larger_step"]
    assert [r[12] for r in rows[:3]] == list("╭│╰")


def test_plain_characters_follow_the_mean_too(statistical: Report):
    rows = [line.ljust(WIDTH)[13:] for line in drawn(statistical, ascii_only=True)[2:5]]
    assert "".join(rows).isascii()
    found = [
        max(3 * (2 - k) + ".-'".index(row[i]) for k, row in enumerate(rows) if row[i] != " ")
        for i in range(WIDTH - 13)
    ]
    means = [s.mean for s in spreads(statistical, "validation_accuracy")]
    low, high = np.concatenate(means).min(), np.concatenate(means).max()
    at = np.linspace(0, 15, len(found))
    expected = 9 * (np.interp(at, range(16), means[0]) - low) / (high - low)
    assert np.abs(np.array(found) + 0.5 - expected).max() < 1.1


@pytest.mark.parametrize(("count", "lines"), [(4, 12), (6, 12), (7, 7), (12, 12), (13, 0)])
def test_all_strips_fit_in_twelve_lines(statistical: Report, count, lines):
    first = statistical.members[0]
    rows = tuple(replace(first, comparison=f"c{k:02}") for k in range(count))
    found = drawn(replace(statistical, members=rows), ascii_only=False)
    assert len(found[2:]) == lines


def test_decades_are_drawn_on_a_logarithmic_scale(statistical: Report):
    falling = [10.0 ** (2 - k / 3) for k in range(16)]
    row = statistical.members[0]
    row = replace(row, curves=row.curves | {"loss": falling})
    _, scale, *rows = drawn(replace(statistical, members=(row,)), False, "loss")
    assert scale.endswith("logarithmic")
    found = np.array(tops(rows, start=7), dtype=float)
    straight = np.linspace(11.5, -0.5, len(found))
    assert np.abs(found - straight).max() < 1.6


def test_a_shorter_curve_leaves_the_rest_empty(statistical: Report):
    plain, ball = statistical.members[0], statistical.members[5]
    short = replace(ball, curves={k: v[:6] for k, v in ball.curves.items()})
    rows = drawn(replace(statistical, members=(plain, short)), ascii_only=False)[2:]
    found = tops(rows[3:], start=12)
    assert found[5] is not None
    assert found[-1] is None


def test_one_evaluation_is_no_curve(statistical: Report):
    rows = tuple(
        replace(m, curves={k: v[:1] for k, v in m.curves.items()}) for m in statistical.members
    )
    assert drawn(replace(statistical, members=rows), ascii_only=False) == []

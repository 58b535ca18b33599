"""Mean curves in plain characters: a strip of braille dots, or of dashes, for each comparison."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
from rich.cells import cell_len

from pilotlight.core.report import Report
from pilotlight.present.spread import Floats, Spread, axis_of, spreads
from pilotlight.present.words import alike, metric_words

MOST_LINES, STRIP_LINES = 12, 3
"""All strips together have at most so many lines, or are left out; one has at most so many."""
LOG_FROM = 100.0
"""Positive means that span more than this factor are drawn on a logarithmic scale."""
EDGES = {1: "│", 2: "╭╰", 3: "╭│╰"}
"""The left edge of a strip, by its number of lines."""
DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Braille: the bit of each dot, by column and by height from the bottom."""
DASHES = ".-'"
"""One third of a line each, from the bottom."""


def sketches(
    report: Report, metric: str, names: Mapping[str, str], width: int, ascii_only: bool
) -> list[str]:
    """Lines of text: a heading, then one strip per comparison, all on the same scale.

    Empty where nothing has a curve, or where there are too many comparisons for the lines.
    """
    found = [s for s in spreads(report, metric) if len(s.x) > 1]
    if not found or len(found) > MOST_LINES:
        return []
    lines = min(STRIP_LINES, MOST_LINES // len(found))
    blank = " " * cell_len(next(iter(names.values())))
    start, end = min(s.x[0] for s in found), max(s.x[-1] for s in found)
    means = np.concatenate([s.mean for s in found])
    low, high = alike(float(means.min()), float(means.max()))
    log = means.min() > 0 and means.max() / means.min() > LOG_FROM
    at = np.linspace(start, end, 2 * (width - len(blank) - 2))
    rows = [
        f"mean {metric_words(metric)}, {axis_of(report)} {start:g} to {end:g}",
        f"  each strip from {low} to {high}{', logarithmic' if log else ''}",
    ]
    for spread in found:
        heights = _heights(spread, at, means, bool(log))
        drawn = _dashes(heights, lines) if ascii_only else _braille(heights, lines)
        edges = "|" * lines if ascii_only else EDGES[lines]
        sides = [names[spread.comparison], *[blank] * (lines - 1)]
        rows += [f"{s} {e}{d}" for s, e, d in zip(sides, edges, drawn, strict=True)]
    return rows


def _heights(spread: Spread, at: Floats, means: Floats, log: bool) -> Floats:
    """The mean at each of `at`, from 0 to 1 of the strip; NaN where the curve has ended."""
    mean, low, high = spread.mean, means.min(), means.max()
    if log:
        mean, low, high = np.log(mean), np.log(low), np.log(high)
    values = np.interp(at, spread.x, mean, left=np.nan, right=np.nan)
    return np.asarray((values - low) / ((high - low) or 1.0), dtype=np.float64)


def _dots(heights: Floats, levels: int) -> Iterator[tuple[int, int]]:
    """(point, level) of each dot; a point reaches to its neighbour's level, so no gap shows."""
    before = math.nan
    for i, height in enumerate(heights):
        if not math.isnan(height):
            level = min(int(height * levels), levels - 1)
            near = level if math.isnan(before) else int(before + np.sign(level - before))
            yield from ((i, k) for k in range(min(near, level), max(near, level) + 1))
            before = level


def _braille(heights: Floats, lines: int) -> list[str]:
    cells = np.zeros((lines, len(heights) // 2), dtype=int)
    for i, level in _dots(heights, 4 * lines):
        cells[lines - 1 - level // 4, i // 2] |= DOTS[i % 2][level % 4]
    return ["".join(chr(0x2800 + c) if c else " " for c in row) for row in cells]


def _dashes(heights: Floats, lines: int) -> list[str]:
    cells = np.full((lines, len(heights) // 2), " ")
    for i, level in _dots(heights[::2], len(DASHES) * lines):
        cells[lines - 1 - level // len(DASHES), i] = DASHES[level % len(DASHES)]
    return ["".join(row) for row in cells]

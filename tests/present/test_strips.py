"""The small plot in characters stands where the numbers say."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

from pilotlight.core.report import Report
from pilotlight.present.strips import plot


def row_of(text: str, name: str) -> str:
    """The first row that starts with a name."""
    return next(line for line in text.splitlines() if line.startswith(name))


def column_of(text: str, value: float) -> float:
    """The column where a value must stand, from the first and last number on the axis."""
    lines = text.splitlines()
    ruler = next(i for i, line in enumerate(lines) if "+---" in line)
    ticks = [i for i, c in enumerate(lines[ruler]) if c == "+"]
    labels = [float(t) for t in lines[ruler + 1].split()]
    share = (value - labels[0]) / (labels[-1] - labels[0])
    return ticks[0] + share * (ticks[-1] - ticks[0])


@pytest.mark.parametrize("name", ["plain", "heavy_ball"])
def test_ends_and_median_stand_at_their_numbers(statistical: Report, name):
    text = plot(statistical, ascii_only=True)
    row = row_of(text, name)
    values = [m.final["test_accuracy"] for m in statistical.members if m.comparison == name]
    assert row.index("|") == pytest.approx(column_of(text, min(values)), abs=0.51)
    assert row.rindex("|") == pytest.approx(column_of(text, max(values)), abs=0.51)
    assert row.rindex("o") == pytest.approx(column_of(text, float(np.median(values))), abs=0.51)


def test_the_box_is_the_middle_half(statistical: Report):
    first = statistical.members[0]
    values = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 1.0]
    rows = tuple(replace(first, seed=k, final={"test_accuracy": v}) for k, v in enumerate(values))
    text = plot(replace(statistical, members=rows), ascii_only=True)
    row = row_of(text, "plain")
    low, high = np.percentile(values, [25, 75])
    assert row.index("=") == pytest.approx(column_of(text, low), abs=0.51)
    assert row.rindex("=") == pytest.approx(column_of(text, high), abs=0.51)


def test_it_says_what_it_shows(statistical: Report):
    text = plot(statistical, ascii_only=False)
    assert text.startswith("test accuracy at the end, over seeds")
    assert "├──┤ lowest to highest, ━━ middle half, ● median" in text
    assert row_of(text, "larger_step").endswith("1 of 5 diverged")
    assert "mean validation accuracy, epoch 0 to 15" in text


@pytest.mark.parametrize("width", [50, 72, 100])
@pytest.mark.parametrize("kind", ["statistical", "exploring", "stopped", "hostile"])
def test_it_keeps_to_its_width(kind, width, request):
    text = plot(request.getfixturevalue(kind), width=width, ascii_only=False)
    assert text
    assert max(cell_len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("kind", ["statistical", "exploring", "stopped", "hostile"])
def test_plain_streams_get_plain_characters(kind, request):
    text = plot(request.getfixturevalue(kind), ascii_only=True)
    assert text.isascii()
    assert "nan" not in text.lower()


def test_the_stream_decides_unless_told(statistical: Report, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    assert plot(statistical).isascii()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert not plot(statistical).isascii()


def test_an_exact_lab_has_no_plot(exact: Report):
    assert plot(exact) == ""


def test_one_network_each_is_a_dot(exploring: Report):
    text = plot(exploring, ascii_only=True)
    assert "o one network" in text
    assert row_of(text, "plain").split() == ["plain", "o"]


def test_equal_values_still_have_an_axis(statistical: Report):
    rows = tuple(replace(m, final={"test_accuracy": 0.5}) for m in statistical.members)
    text = plot(replace(statistical, members=rows), ascii_only=True)
    assert column_of(text, 0.5) == pytest.approx(row_of(text, "plain").rindex("o"), abs=0.51)


@pytest.mark.parametrize("scale", [1e-7, 1e-3, 1.0, 1e6])
def test_the_axis_holds_any_scale(statistical: Report, scale):
    rows = tuple(
        replace(m, final={"test_accuracy": (0.5 + m.index / 7) * scale})
        for m in statistical.members
    )
    text = plot(replace(statistical, members=rows), ascii_only=True)
    lines = text.splitlines()
    ruler = next(i for i, line in enumerate(lines) if "+---" in line)
    labels = [float(t.replace(",", "")) for t in lines[ruler + 1].split()]
    assert labels[0] <= 0.5 * scale
    assert labels[-1] >= 2.5 * scale
    assert len(labels) >= 2

"""Small plots in plain characters: a metric's spread over seeds, and its mean along the way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len, set_cell_size

from pilotlight.core.report import Report
from pilotlight.present.labels import shortened
from pilotlight.present.spread import (
    Floats,
    Spread,
    along_the_way,
    axis_of,
    finals,
    main_metric,
    spreads,
)
from pilotlight.present.words import alike, metric_words, networks_of

MOST_LINES = 12
"""Curves take at most so many lines, or are left out."""
LOG_FROM = 100.0
EDGES = {1: "│", 2: "╭╰", 3: "╭│╰"}
"""The left edge of a strip, by its number of lines."""
_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Braille: the bit of each dot, by column and by height from the bottom."""


@dataclass(frozen=True)
class Marks:
    """The characters of a spread and of an axis."""

    start: str
    end: str
    line: str
    box: str
    middle: str
    axis: str
    tick: str


LINES = Marks("├", "┤", "─", "━", "●", "─", "┴")
ASCII = Marks("|", "|", "-", "=", "o", "-", "+")


def plot(report: Report, width: int = 72, ascii_only: bool = False) -> str:
    """The first claim's metric over seeds, and its mean curves, at most `width` characters wide.

    Empty for a run without networks. `ascii_only` is for streams that cannot write UTF-8.
    """
    if not report.members:
        return ""
    marks = ASCII if ascii_only else LINES
    metric = main_metric(report)
    at_end = metric if any(finals(report, metric or "").values()) else along_the_way(report, metric)
    parts = [_spread_rows(report, at_end, width, marks)] if at_end else []
    along = along_the_way(report, metric)
    if along:
        parts.append(_curve_rows(report, along, width, ascii_only))
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _names(report: Report, ascii_only: bool = False) -> dict[str, str]:
    """Comparison names of one width."""
    short = {c: shortened(c, 20) for c in report.comparisons}
    if ascii_only:
        short = {c: n.encode("ascii", "replace").decode() for c, n in short.items()}
    wide = max(map(cell_len, short.values()))
    return {c: set_cell_size(n, wide) for c, n in short.items()}


def _blank(names: Mapping[str, str]) -> str:
    return " " * cell_len(next(iter(names.values())))


def _spread_rows(report: Report, metric: str, width: int, marks: Marks) -> list[str]:
    values = finals(report, metric)
    every = [v for found in values.values() for v in found]
    if not every:
        return []
    names = _names(report, marks is ASCII)
    gone = {c: _diverged(report, c) for c in report.comparisons}
    blank = _blank(names)
    room = width - len(blank) - 1
    room -= max(len(g) + 1 if g else 0 for g in gone.values())
    step, ticks = _ticks(min(every), max(every), max(room // 14, 2))
    low, high = ticks[0], ticks[-1]

    def column(value: float) -> int:
        return round((value - low) / (high - low) * (room - 1))

    key = f"{marks.start}{marks.line}{marks.line}{marks.end} lowest to highest"
    if max(map(len, values.values())) > 1:
        key += f", {marks.box}{marks.box} middle half, {marks.middle} median"
    else:
        key = f"{marks.middle} one network"
    rows = [f"{metric_words(metric)} at the end, over seeds", f"  {key}"]
    for name, found in values.items():
        strip = _strip([column(v) for v in _five(found)] if found else [], room, marks)
        rows.append(f"{names[name]} {strip} {gone[name]}".rstrip())
    places = [column(t) for t in ticks]
    ruler = "".join(marks.tick if i in places else marks.axis for i in range(room))
    labels = _labels(places, [_tick_words(t, step) for t in ticks], room)
    return [*rows, f"{blank} {ruler}", f"{blank} {labels}".rstrip()]


def _diverged(report: Report, comparison: str) -> str:
    rows = networks_of(report, comparison)
    gone = sum(r.diverged_at is not None for r in rows)
    return f"{gone} of {len(rows)} diverged" if gone else ""


def _five(values: Sequence[float]) -> list[float]:
    """Lowest, lower quartile, median, upper quartile, highest."""
    return [float(v) for v in np.percentile(values, [0, 25, 50, 75, 100])]


def _strip(columns: Sequence[int], room: int, marks: Marks) -> str:
    cells = [" "] * room
    if columns:
        low, first, middle, last, high = columns
        cells[low : high + 1] = marks.line * (high - low + 1)
        cells[first : last + 1] = marks.box * (last - first + 1)
        cells[low], cells[high] = marks.start, marks.end
        cells[middle] = marks.middle
    return "".join(cells)


def _ticks(low: float, high: float, most: int) -> tuple[float, list[float]]:
    """A step of 1, 2 or 5 times a power of ten, and multiples of it that hold low..high."""
    width = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(width / most))
    for step in (power, 2 * power, 5 * power, 10 * power):
        first, last = math.floor(low / step), math.ceil(high / step)
        if last - first <= most:
            break
    return step, [k * step for k in range(first, max(last, first + 1) + 1)]


def _tick_words(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step)))
    return f"{value:,.{decimals}f}" if decimals <= 5 else f"{value:.1e}"


def _labels(places: Sequence[int], texts: Sequence[str], room: int) -> str:
    """Texts centred under their places; one that would touch its neighbour is left out."""
    line, free = [" "] * room, 0
    for place, text in zip(places, texts, strict=True):
        start = min(max(place - len(text) // 2, 0), room - len(text))
        if start >= free:
            line[start : start + len(text)] = text
            free = start + len(text) + 1
    return "".join(line)


def _curve_rows(report: Report, metric: str, width: int, ascii_only: bool) -> list[str]:
    found = [s for s in spreads(report, metric) if len(s.x) > 1]
    if not found or len(found) > MOST_LINES:
        return []
    names = _names(report, ascii_only)
    blank = _blank(names)
    lines = min(3, MOST_LINES // len(found))
    means = np.concatenate([s.mean for s in found])
    log = means.min() > 0 and means.max() / means.min() > LOG_FROM
    start, end = min(s.x[0] for s in found), max(s.x[-1] for s in found)
    low, high = alike(float(means.min()), float(means.max()))
    scale = ", logarithmic" if log else ""
    rows = [
        f"mean {metric_words(metric)}, {axis_of(report)} {start:g} to {end:g}",
        f"  each strip from {low} to {high}{scale}",
    ]
    for spread in found:
        heights = _heights(spread, (start, end), means, bool(log), width - len(blank) - 2, lines)
        drawn = _dashes(heights, lines) if ascii_only else _braille(heights, lines)
        sides = [names[spread.comparison], *[blank] * (lines - 1)]
        edges = "|" * lines if ascii_only else EDGES[lines]
        rows += [f"{s} {e}{d}".rstrip() for s, e, d in zip(sides, edges, drawn, strict=True)]
    return rows


def _heights(
    spread: Spread, span: tuple[float, float], means: Floats, log: bool, columns: int, lines: int
) -> Floats:
    """The mean at each half column, from 0 to 1 of the strip; NaN where the curve has ended."""
    at = np.linspace(*span, 2 * columns)
    shape = np.log if log else np.asarray
    mean, low, high = shape(spread.mean), shape(means.min()), shape(means.max())
    values = np.interp(at, spread.x, mean, left=np.nan, right=np.nan)
    return np.asarray((values - low) / ((high - low) or 1.0), dtype=np.float64)


def _levels(heights: Floats, levels: int) -> list[tuple[int, int] | None]:
    """For each point the dots from its neighbour's height to its own, so that no gap shows."""
    found: list[tuple[int, int] | None] = []
    before: int | None = None
    for height in heights:
        if math.isnan(height):
            found.append(None)
            before = None
            continue
        level = min(int(height * levels), levels - 1)
        near = level if before is None else before + (level > before) - (level < before)
        found.append((min(near, level), max(near, level)))
        before = level
    return found


def _braille(heights: Floats, lines: int) -> list[str]:
    cells = np.zeros((lines, len(heights) // 2), dtype=int)
    for i, span in enumerate(_levels(heights, 4 * lines)):
        for level in range(span[0], span[1] + 1) if span else ():
            cells[lines - 1 - level // 4, i // 2] |= _DOTS[i % 2][level % 4]
    return ["".join(chr(0x2800 + c) if c else " " for c in row) for row in cells]


def _dashes(heights: Floats, lines: int) -> list[str]:
    cells = [[" "] * (len(heights) // 2) for _ in range(lines)]
    for i, span in enumerate(_levels(heights[::2], 3 * lines)):
        for level in range(span[0], span[1] + 1) if span else ():
            cells[lines - 1 - level // 3][i] = ".-'"[level % 3]
    return ["".join(row) for row in cells]

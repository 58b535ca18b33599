"""Small plots in plain characters: a metric's spread over seeds, and its mean along the way."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len, set_cell_size

from pilotlight.core.report import Report
from pilotlight.present.sketches import sketches
from pilotlight.present.spread import along_the_way, finals, main_metric
from pilotlight.present.words import metric_words, networks_of, shortened


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


def plot(report: Report, width: int = 72, ascii_only: bool | None = None) -> str:
    """The first claim's metric over seeds, and its mean curves, at most `width` characters wide.

    Empty for a run without networks. `ascii_only` is for streams that cannot write UTF-8; unless
    it is given, stdout decides.
    """
    if ascii_only is None:
        ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    encoding = "ascii" if ascii_only else "utf-8"
    names = _names(report, encoding)
    metric = main_metric(report)
    along = along_the_way(report, metric)
    at_end = metric if any(finals(report, metric or "").values()) else along
    parts: list[list[str]] = []
    if at_end:
        parts.append(_spread_rows(report, at_end, names, width, ASCII if ascii_only else LINES))
    if along:
        parts.append(sketches(report, along, names, width, ascii_only))
    text = "\n\n".join("\n".join(line.rstrip() for line in lines) for lines in parts if lines)
    return text.encode(encoding, "replace").decode(encoding)


def _names(report: Report, encoding: str) -> dict[str, str]:
    """Comparison names of one width in columns, in characters that the stream can write."""
    short = {
        c: shortened(c, 20).encode(encoding, "replace").decode(encoding) for c in report.comparisons
    }
    wide = max(map(cell_len, short.values()), default=0)
    return {c: set_cell_size(n, wide) for c, n in short.items()}


@dataclass(frozen=True)
class _Axis:
    """`room` columns from the first tick to the last."""

    ticks: Sequence[float]
    step: float
    room: int

    def column(self, value: float) -> int:
        """The column of a value."""
        share = (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])
        return round(share * (self.room - 1))

    def drawn(self, marks: Marks) -> list[str]:
        """A ruler and, under it, the numbers of its ticks."""
        places = [self.column(t) for t in self.ticks]
        ruler = (marks.tick if i in places else marks.axis for i in range(self.room))
        decimals = max(0, -math.floor(math.log10(self.step)))
        form = f",.{decimals}f" if decimals <= 5 else ".1e"
        texts = [format(t, form) for t in self.ticks]
        return ["".join(ruler), _labels(places, texts, self.room)]


def _spread_rows(
    report: Report, metric: str, names: dict[str, str], width: int, marks: Marks
) -> list[str]:
    """A heading, a key, one row per comparison and the axis that they share."""
    values = finals(report, metric)
    every = [v for found in values.values() for v in found]
    if not every:
        return []
    gone = {c: _diverged(report, c) for c in values}
    blank = " " * cell_len(next(iter(names.values())))
    room = width - len(blank) - 1 - max(len(g) + bool(g) for g in gone.values())
    step, ticks = _ticks(min(every), max(every), max(room // 14, 2))
    axis = _Axis(ticks, step, room)
    rows = [f"{metric_words(metric)} at the end, over seeds", f"  {_key(values.values(), marks)}"]
    for name, found in values.items():
        strip = _strip([axis.column(v) for v in _five(found)], room, marks)
        rows.append(f"{names[name]} {strip} {gone[name]}")
    return [*rows, *(f"{blank} {line}" for line in axis.drawn(marks))]


def _key(values: Iterable[Sequence[float]], marks: Marks) -> str:
    if max(map(len, values)) == 1:
        return f"{marks.middle} one network"
    ends = f"{marks.start}{2 * marks.line}{marks.end}"
    return f"{ends} lowest to highest, {2 * marks.box} middle half, {marks.middle} median"


def _diverged(report: Report, comparison: str) -> str:
    rows = networks_of(report, comparison)
    gone = sum(r.diverged_at is not None for r in rows)
    return f"{gone} of {len(rows)} diverged" if gone else ""


def _five(values: Sequence[float]) -> list[float]:
    """Lowest, lower quartile, median, upper quartile, highest; nothing of nothing."""
    return [float(v) for v in np.percentile(values, [0, 25, 50, 75, 100])] if values else []


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
    for step in (power, 2 * power, 5 * power, 10 * power, 20 * power):
        first, last = math.floor(low / step), math.ceil(high / step)
        if last - first <= most:
            break
    return step, [k * step for k in range(first, max(last, first + 1) + 1)]


def _labels(places: Sequence[int], texts: Sequence[str], room: int) -> str:
    """Texts centred under their places; one that would touch its neighbour is left out."""
    line, free = [" "] * room, 0
    for place, text in zip(places, texts, strict=True):
        start = min(max(place - len(text) // 2, 0), room - len(text))
        if start >= free:
            line[start : start + len(text)] = text
            free = start + len(text) + 1
    return "".join(line)

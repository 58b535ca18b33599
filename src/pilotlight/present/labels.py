"""Text in figures: names at the ends of lines that do not overlap, statements broken into lines."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from pilotlight.present.palette import INK, QUIET

Canvas = Figure | SubFigure
"""What is drawn into: a whole figure or a part of one."""
EM = 0.62
"""Mean width of a character of matplotlib's own font, in font sizes."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def text_inches(text: str, size: float) -> float:
    """About how wide a line of text is, in inches; `size` in points."""
    return len(text) * EM * size / 72


def wrapped(text: str, inches: float, size: float, lines: int = 3) -> list[str]:
    """`text` in at most so many lines of a width; the last one ends with ... where it is cut."""
    columns = max(int(inches / text_inches("x", size)), 8)
    return textwrap.wrap(text, columns, max_lines=lines, placeholder=" ...")


def power_of_ten(value: float, _position: int = 0) -> str:
    """A tick on a logarithmic axis: 0.01, 1, 100, 10⁻⁹."""
    exponent = round(math.log10(value))
    if not math.isclose(value, 10.0**exponent):
        return ""
    return f"{value:g}" if -3 <= exponent <= 3 else "10" + str(exponent).translate(_RAISED)


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones, at least `gap` apart and inside low..high where they fit.

    Neighbours that are too near become a block around their mean, and blocks that then touch
    become one (the pool-adjacent-violators idea).
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    blocks: list[tuple[float, int]] = []  # (place of the first, how many)
    for i in order:
        first, size = min(max(wanted[i], low), high), 1
        while blocks and blocks[-1][0] + blocks[-1][1] * gap > first:
            before, more = blocks.pop()
            first = (before * more + (first - gap * more) * size) / (size + more)
            size += more
            first = max(min(first, high - (size - 1) * gap), low)
        blocks.append((first, size))
    places = [first + k * gap for first, size in blocks for k in range(size)]
    return [places[order.index(i)] for i in range(len(wanted))]


def end_labels(
    axes: Axes,
    ends: Sequence[tuple[float, float, str, tuple[str, str]]],
    height: float,
    size: float = 9.5,
) -> None:
    """Name lines at their right ends: (x and y in axes fractions, name, (colour, dash)).

    A thin lead joins each end to its name. `height` is that of the axes in points.
    """
    spots = apart([y for _, y, _, _ in ends], 1.35 * size / height, 0.02, 0.98)
    for (x, y, name, (colour, dash)), spot in zip(ends, spots, strict=True):
        axes.plot(
            [x, max(x, 1.01), 1.03, 1.05],
            [y, y, spot, spot],
            dash,
            color=colour,
            linewidth=1.0,
            alpha=0.9,
            transform=axes.transAxes,
            clip_on=False,
        )
        axes.text(1.06, spot, name, transform=axes.transAxes, va="center", color=INK, fontsize=size)


def inches(figure: Canvas) -> tuple[float, float]:
    """Width and height of a figure, or of the part of one that is drawn into."""
    return figure.bbox.width / figure.dpi, figure.bbox.height / figure.dpi


def place(figure: Canvas, left: float, bottom: float, right: float, top: float) -> Axes:
    """Axes with these margins, in inches."""
    width, height = inches(figure)
    box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
    return figure.add_axes(box)


def write(figure: Canvas, left: float, top: float, text: str, **style: Any) -> None:
    """Text whose upper left corner lies so many inches from the upper left corner."""
    width, height = inches(figure)
    usual: dict[str, Any] = {"va": "top", "color": QUIET, "fontsize": 8.5}
    figure.text(left / width, 1 - top / height, text, **(usual | style))

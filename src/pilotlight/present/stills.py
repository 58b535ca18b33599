"""The last frame of what was kept along the way: who is taken for whom, and where each class wins.

Of one network of each comparison, that of the run's first seed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from pilotlight.core.drawing import drawing_of
from pilotlight.core.report import MemberRow, Report
from pilotlight.present.figures import WIDTH, to_svg
from pilotlight.present.palette import LINES, PAPER, QUIET, STYLE
from pilotlight.present.words import shortened

MOST, MOST_LARGE = 12, 4
"""Drawings in a figure, small and large ones; of more comparisons, those that the claims name."""
FEW_CLASSES, MOST_NUMBERED = 4, 12
"""Tables of few classes are small; those of more than the second hold no numbers."""
Still = tuple[str, str, str]
"""Title, caption and SVG."""


def stills(report: Report) -> list[Still]:
    """(title, caption, SVG) of each figure; none for a run of which nothing of this was kept."""
    found = []
    for kind, title, caption, draw in KINDS:
        last = _last(report, kind)
        if last:
            figure = _figure(last, draw)
            seeds = {member.seed for member, _ in last}
            told = f"{caption} Of one network of each comparison, seed {min(seeds)}."
            found.append((title, told, to_svg(figure)))
    return found


def _last(report: Report, kind: str) -> list[tuple[MemberRow, dict[str, Any]]]:
    """What was kept last, of the first network of each comparison."""
    named = [side for claim in report.claims for side in (claim.left, claim.right)]
    found: dict[str, tuple[MemberRow, dict[str, Any]]] = {}
    for member in report.members:
        drawings = (drawing_of(s[kind]) for s in reversed(member.snapshots) if kind in s)
        drawing = next((d for d in drawings if d and d["kind"] == kind), None)
        if drawing is not None:
            found.setdefault(member.comparison, (member, drawing))
    most = MOST_LARGE if any(_is_large(drawing) for _, drawing in found.values()) else MOST
    first = [name for name in dict.fromkeys((*named, *found)) if name in found][:most]
    return [found[name] for name in found if name in first]


def _is_large(drawing: Mapping[str, Any]) -> bool:
    return len(drawing.get("counts", ())) > FEW_CLASSES


def _figure(last: Sequence[tuple[MemberRow, Mapping[str, Any]]], draw: Draw) -> Figure:
    is_large = _is_large(last[0][1])
    columns = min(len(last), 2 if is_large else 4)
    side = WIDTH / (2 if is_large else 4)
    rows = -(-len(last) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, rows * (side + 0.2)), facecolor=PAPER)
        for place, (member, drawing) in enumerate(last):
            row, column = divmod(place, columns)
            left, top = column * side + 0.35, row * (side + 0.2) + 0.45
            size = side - 0.55
            height = figure.get_figheight()
            corner = (left / WIDTH, 1 - (top + size) / height, size / WIDTH, size / height)
            axes = figure.add_axes(corner)
            axes.set_title(shortened(member.comparison), fontsize=9.5)
            axes.grid(visible=False)
            draw(axes, drawing)
    return figure


def _confusion(axes: Axes, drawing: Mapping[str, Any]) -> None:
    counts = np.array(drawing["counts"])
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    classes = len(counts)
    picture = np.zeros((classes, classes, 4))
    picture[..., :3] = to_rgb(LINES[1])
    picture[np.eye(classes, dtype=bool), :3] = to_rgb(LINES[0])
    picture[..., 3] = np.where(shares > 0, 0.06 + 0.4 * np.sqrt(shares), 0)
    axes.imshow(picture, interpolation="none")
    if classes <= MOST_NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                axes.text(column, row, str(count), ha="center", va="center", fontsize=9)
    every = range(0, classes, -(-classes // MOST_NUMBERED))
    axes.set(xticks=every, yticks=every)
    axes.tick_params(length=0)
    axes.set_ylabel("class", fontsize=9, labelpad=1)
    axes.set_xlabel("taken for", fontsize=9, labelpad=1)


def _surface(axes: Axes, drawing: Mapping[str, Any]) -> None:
    axes.imshow(
        shades(drawing),
        interpolation="none",
        origin="lower",
        extent=(*drawing["x"], *drawing["y"]),
        aspect="auto",
    )
    axes.tick_params(labelsize=9, color=QUIET)
    axes.locator_params(nbins=3)


def shades(drawing: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """The cells of a surface as colours [y, x, 4]: that of the winner, the stronger the surer."""
    side, classes = int(drawing["side"]), int(drawing["classes"])
    cells = np.frombuffer(base64.b64decode(drawing["cells"]), np.uint8).reshape(side, side)
    levels = 256 // classes
    inks = np.array([to_rgb(LINES[k % len(LINES)]) for k in range(classes)])
    strength = 0.1 + 0.62 * (cells % levels) / (levels - 1)
    found: npt.NDArray[np.float64] = np.dstack([inks[cells // levels], strength])
    return found


Draw = Callable[[Axes, Mapping[str, Any]], None]
KINDS: tuple[tuple[str, str, str, Draw], ...] = (
    (
        "surface",
        "Where each class wins",
        "At each place the colour of the winning class, the stronger the surer, at the end.",
        _surface,
    ),
    (
        "confusion",
        "Which class is taken for which",
        "Held-out rows by their class (down) and by what the network takes them for (across), at "
        "the end. Blue is right, orange is wrong.",
        _confusion,
    ),
)

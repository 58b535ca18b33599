"""The colours and the style of every figure and page; told apart by colour-blind readers too.

Each colour has a partner for dark backgrounds, which the page puts in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cycler import cycler

INK, QUIET, RULE, PAPER = "#1d2430", "#5a6472", "#dde2e8", "#ffffff"

LINES = ("#1f5fbf", "#c9540a", "#00866f", "#a83f8e", "#ab8a00", "#2f98c9", "#3a4350", "#7d2238")
"""One colour per comparison, in order. The first four are solid lines, the next four dashed."""

VERDICTS = {"supported": LINES[2], "refuted": LINES[1], "undecided": QUIET}

_DARK = ("#6ea8ff", "#ff8f50", "#2fc4a4", "#e58ad0", "#e3c34f", "#a5e0fb", "#c9d1db", "#c8546c")
DARK = {
    "#000000": "#e8ebf0",
    INK: "#e8ebf0",
    QUIET: "#a3adba",
    RULE: "#38414d",
    PAPER: "#14181d",
    **dict(zip(LINES, _DARK, strict=True)),
}
"""Light colour -> its partner on a dark page."""

STYLE: Any = {
    "axes.edgecolor": QUIET,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=LINES),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "font.size": 10,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "image.interpolation": "none",  # an image's own pixels: a small drawing, sharp at any size
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}
"""matplotlib settings in force while a figure is drawn, a lab's own picture too."""


def line_styles(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """A colour and a dash for each name, in order, so that colour alone never tells them apart."""
    dashes = ("-", "--", "-.", ":")
    return {n: (LINES[i % len(LINES)], dashes[i // 4 % 4]) for i, n in enumerate(names)}

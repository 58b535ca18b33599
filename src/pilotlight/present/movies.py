"""A lab's moving picture: frames drawn one by one, kept under one another in one PNG.

The page shows one frame at a time by style alone: nothing runs, so it can be held, and it stands
still for those who asked their system for less motion.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from pilotlight.core.report import Report
from pilotlight.present.palette import PAPER, STYLE

Movie = Callable[[Report, Any, int], None]
"""A lab's drawing of one frame: report, figure of 8 by 5 inches, number of the snapshot."""
SIZE = (8.0, 5.0)
DOTS_PER_INCH = 100
MOST_FRAMES = 32
"""Under one another they are 16,000 pixels high; browsers refuse or shrink much higher pictures."""
COLOURS = 32


@dataclass(frozen=True)
class Film:
    """All frames of a movie as one PNG, the first on top."""

    frames: int
    png: bytes

    @property
    def seconds(self) -> float:
        """How long it runs: three frames a second, then the last one stands for two seconds."""
        return round(self.frames / 3 + 2, 2)

    def when(self, frame: int) -> str:
        """When a frame appears, as a share of the time it runs."""
        return f"{100 * frame / 3 / self.seconds:.2f}%"

    def at(self, frame: int) -> str:
        """How far up the strip must be for a frame to show, as a share of the strip."""
        return f"{-100 * frame / self.frames:.4f}%"

    @property
    def source(self) -> str:
        """The picture as an address that holds it."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


def film(report: Report, draw: Movie | None) -> Film | None:
    """Draw a lab's movie; None for a lab without one, or a run without snapshots so far.

    Of more than 32 snapshots it shows 32, evenly spread, the last among them.
    """
    taken = max((len(m.snapshots) for m in report.members), default=0)
    if draw is None or not taken:
        return None
    shown = np.unique(np.linspace(0, taken - 1, MOST_FRAMES).round().astype(int)).tolist()
    strip = np.concatenate([_frame(report, draw, snapshot) for snapshot in shown])
    file = io.BytesIO()
    Image.fromarray(strip).quantize(COLOURS).save(file, "PNG")
    return Film(len(shown), file.getvalue())


def _frame(report: Report, draw: Movie, snapshot: int) -> Any:
    """One frame as pixels: [height, width, 3]."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, dpi=DOTS_PER_INCH, facecolor=PAPER)
        canvas: Any = FigureCanvasAgg(figure)  # matplotlib's own methods have no types
        draw(report, figure, snapshot)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]

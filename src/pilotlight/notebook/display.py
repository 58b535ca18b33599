"""A progress bar that redraws in place: in a notebook's cell, else on one line of stderr."""

from __future__ import annotations

import html
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from pilotlight.core.event import Measured, Progress
from pilotlight.present.words import alike, count, metric_words, seconds

REDRAW_SECONDS, LINE_SECONDS = 0.1, 10.0
"""Least time between two drawings: in place, and as new lines of a file or a pipe."""
CELLS = 24
"""Width of the bar on a line, in characters."""


class Screen(Protocol):
    """Where a bar is drawn. `between` is the least time between two drawings, in seconds."""

    between: float

    def draw(self, share: float, words: str) -> None:
        """Show that `share` of 0..1 is done, in place of what was shown before."""

    def end(self, message: str) -> None:
        """Leave `message` where the bar was."""


class Bar:
    """How far a run is, how long it still takes and the newest values.

    It is drawn at most ten times a second, or every ten seconds where lines cannot be rewritten.
    """

    def __init__(
        self, screen: Screen | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._screen = screen or find_screen()
        self._clock = clock
        self._total = 0
        self._started: tuple[float, int] | None = None
        self._drawn = -float("inf")
        self._latest = ""

    def start(self, total: int) -> None:
        """Begin with `total` steps to do, summed over networks."""
        self._total = total
        self._started = None
        self._screen.draw(0.0, "starting")

    def update(self, progress: Progress, latest: Measured | None = None) -> None:
        """Show how far it is and, if given, the newest measured values."""
        now = self._clock()
        self._started = self._started or (now, progress.done)
        self._total = progress.total
        if latest is not None:
            self._latest = measured_words(latest)
        if now - self._drawn < self._screen.between:
            return
        self._drawn = now
        share = progress.done / progress.total if progress.total else 0.0
        parts = [f"{100 * share:.0f} %", self._left(now, progress.done), self._latest]
        self._screen.draw(share, ", ".join(p for p in parts if p))

    def _left(self, now: float, done: int) -> str:
        """Time left, from the pace since the first update; a resumed run starts part-way."""
        began, first = self._started or (now, done)
        if done <= first or now <= began:
            return ""
        return f"{seconds((now - began) * (self._total - done) / (done - first))} left"

    def close(self, message: str) -> None:
        """End, with a last word in place of the bar."""
        self._screen.end(message)


def measured_words(latest: Measured) -> str:
    """The first metric over all networks: `test accuracy 0.90 (0.86 to 0.93, 12 networks)`."""
    for metric, values in latest.values.items():
        found = [v for v in values if v is not None]
        if found:
            mean, low, high = alike(sum(found) / len(found), min(found), max(found))
            name = f"{metric_words(metric)} {mean}"
            if len(found) == 1:
                return f"{name} (1 network)"
            return f"{name} ({low} to {high}, {count(len(found), 'network')})"
    return ""


def find_screen() -> Screen:
    """The cell of a notebook if there is one, else stderr."""
    return Cell() if in_notebook() else Line(sys.stderr)


def in_notebook() -> bool:
    """Whether a kernel runs this process, as in Jupyter, Colab and VS Code."""
    if "IPython" not in sys.modules:  # a kernel has imported it
        return False
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


class Line:
    """One line of a terminal, rewritten; in a file or a pipe a new line now and then."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rewrites = stream.isatty()
        self.between = REDRAW_SECONDS if self._rewrites else LINE_SECONDS

    def draw(self, share: float, words: str) -> None:
        """Write bar and words over the line, or words on a new one."""
        if not self._rewrites:
            self._write(f"{words}\n")
            return
        full = round(CELLS * share)
        width = shutil.get_terminal_size().columns - 1
        line = f"[{'#' * full}{'.' * (CELLS - full)}] {words}"[:width]
        self._write(f"\r{line.ljust(width)}")

    def end(self, message: str) -> None:
        """Write the message over the line and go to the next one."""
        if self._rewrites:
            message = "\r" + message.ljust(shutil.get_terminal_size().columns - 1)
        self._write(message + "\n")

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


class Cell:
    """The output of a notebook's cell, redrawn in place; text where HTML is not shown."""

    between = REDRAW_SECONDS

    def __init__(self) -> None:
        self._handle: Any = None

    def draw(self, share: float, words: str) -> None:
        """Show a bar with words beside it."""
        self._show(
            words,
            '<div role="progressbar" aria-valuemin="0" aria-valuemax="100" '
            f'aria-valuenow="{100 * share:.0f}" style="display: flex; align-items: center; '
            'gap: 12px"><div style="flex: none; width: 240px; height: 8px; border-radius: 4px; '
            'background: rgba(128, 136, 148, 0.3)"><div style="height: 8px; border-radius: 4px; '
            f'background: #1f5fbf; width: {100 * share:.1f}%"></div></div>'
            f'<span style="font-variant-numeric: tabular-nums">{html.escape(words)}</span></div>',
        )

    def end(self, message: str) -> None:
        """Put the message in place of the bar."""
        self._show(message, f"<div>{html.escape(message)}</div>")

    def _show(self, text: str, markup: str) -> None:
        from IPython import display

        shown = {"text/plain": text, "text/html": markup}
        if self._handle is None:
            show: Any = display.display
            self._handle = show(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)

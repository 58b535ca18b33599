"""How far training is, on stderr: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from pilotlight.cli.text import quoted, tell
from pilotlight.core import event as events
from pilotlight.present import words

BETWEEN = 5.0
"""Seconds between two plain lines, so that the log of a long run stays short."""


def follow(name: str, training: Iterable[events.Event], folder: Path, again: str) -> bool:
    """Train to the end, and show how far it is. False if Ctrl-C ended it, which is told at once.

    `again` is the command that goes on with the folder.
    """
    from pilotlight.app.interrupt import InterruptButton

    button = InterruptButton()
    try:
        with button, screen(name) as view:
            for event in training:
                view.tell(event)
                button.heed()
    except BaseException as error:
        # an interrupt in compiled code may come out as another error
        if not (button.pressed or isinstance(error, KeyboardInterrupt)):
            raise
        tell(
            f"Stopped. What was trained so far is kept in {folder}.",
            f"To go on: pilotlight {again} --resume {quoted(folder)}",
        )
        return False
    return True


class Screen(AbstractContextManager["Screen"]):
    """Something that is told of events while it is open."""

    @abstractmethod
    def tell(self, event: events.Event) -> None:
        """Show what an event means for a person who waits, if anything."""

    def __exit__(self, *error: object) -> None:
        """Close; errors pass."""


def screen(lab: str) -> Screen:
    """The screen that fits stderr."""
    console = Console(stderr=True)
    return Bar(lab, console) if console.is_terminal and not console.is_dumb_terminal else Lines(lab)


class Lines(Screen):
    """A plain line at once and then at most one every `BETWEEN` seconds."""

    def __init__(self, lab: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._lab = lab
        self._clock = clock
        self._first: tuple[float, int] | None = None  # time, steps done before: those of a resume
        self._last = 0.0

    def tell(self, event: events.Event) -> None:
        """A note is told at once, progress when it is time again."""
        if isinstance(event, events.Note):
            tell(f"{self._lab}: {event.text}")
        elif isinstance(event, events.Progress):
            now = self._clock()
            if self._first is None:
                self._first = now, event.done
            elif now - self._last < BETWEEN:
                return
            self._last = now
            tell(self._line(now, event))

    def _line(self, now: float, event: events.Progress) -> str:
        assert self._first is not None
        start, before = self._first
        share = f"{100 * event.done / event.total:.0f} %"
        line = f"{self._lab}: {share} of {words.count(event.total, 'step')}"
        if event.done == before:
            return line
        left = (event.total - event.done) * (now - start) / (event.done - before)
        return f"{line}, {words.seconds(left)} left"


class Bar(Screen):
    """A bar that redraws in place and is gone when training is over."""

    def __init__(self, lab: str, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task(lab, total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def tell(self, event: events.Event) -> None:
        """A note is written above the bar; progress moves it."""
        if isinstance(event, events.Note):
            self._progress.console.print(event.text, markup=False, highlight=False)
        elif isinstance(event, events.Progress):
            self._progress.update(self._task, completed=event.done, total=event.total)

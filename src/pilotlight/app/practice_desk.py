"""A desk to practise at: what a page shows of exercises, the learner's files, and their checks.

The file is the learner's own, the same that an editor has open: what a page saves replaces it only
if nobody else changed it since the page read it.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pilotlight.app import practising
from pilotlight.app.practising import Checking, practice_folder, standing_of, standings
from pilotlight.core.errors import RecordError, UsageError, unknown
from pilotlight.practice import catalogue, source
from pilotlight.practice.exercise import AREAS
from pilotlight.practice.notebooks import notebook
from pilotlight.record.atomic import not_written, replace_file

MOST_OPEN = 3
"""Exercises whose oracle is kept ready; the one that was not used for longest is let go."""


class Changed(RecordError):
    """A file is no longer what it was when a page read it."""


class PracticeDesk:
    """Leaving the `with` ends all processes. Safe to use from several threads."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Checking, ExitStack, threading.Lock]] = {}
        self._alone = threading.Lock()

    def __enter__(self) -> PracticeDesk:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._open):
            self._close(name)

    def overview(self) -> dict[str, Any]:
        """All exercises and how far one is with each."""
        found = standings()
        return {
            "folder": str(practice_folder()),
            "solved": sum(s.done.solved for s in found),
            "areas": list(AREAS),
            "exercises": [s.to_json() for s in found],
        }

    def page(self, name: str) -> dict[str, Any]:
        """One exercise: its task, the learner's file, the hints shown so far.

        Raises:
            UsageError: an unknown name.
        """
        standing = standing_of(_known(name))
        entry, done = standing.entry, standing.done
        _, task = source.task(entry.text)
        shown = done.shown_after is not None
        return standing.to_json() | {
            "task": task,
            "stub": source.stub(entry.text, entry.name),
            "file": self.file(name),
            "hints_total": len(entry.hints),
            "hints_shown": list(entry.hints[: done.hints]),
            "offers_solution": practising.offers_solution(done),
            "solution": source.solution(entry.text) if shown else None,
        }

    def file(self, name: str) -> dict[str, Any] | None:
        """The learner's file; None before it is begun.

        Raises:
            UsageError: an unknown name.
        """
        path = self.path(name)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        return {"path": str(path), "text": data.decode("utf-8", "replace"), "base": _mark(data)}

    def path(self, name: str) -> Path:
        """Where the learner's file is, or will be.

        Raises:
            UsageError: an unknown name.
        """
        return practice_folder() / catalogue.find(_known(name)).file

    def begin(self, name: str) -> dict[str, Any]:
        """Put the stub there, unless a file is there."""
        begun = practising.begin(_known(name))
        return {"file": self.file(name), "new": begun.is_new}

    def save(self, name: str, text: str, base: str | None) -> dict[str, Any]:
        """Replace the learner's file by what was written on a page.

        Raises:
            Changed: the file is not what it was when the page read it.
            RecordError: it cannot be written.
        """
        path = self.path(name)
        with self._alone:
            there = self.file(name)
            if there is not None and there["base"] != base:
                raise Changed(
                    f"{path} was changed in another place meanwhile, and is left as it is. Look at "
                    "it, or copy what you wrote here and read the file again."
                )
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                replace_file(path, text.encode())
            except OSError as error:
                kept, then = "What was there is kept", "save again"
                raise not_written(path, error, kept, then) from error
        return {"file": self.file(name)}

    def check(self, name: str) -> dict[str, Any]:
        """Check the learner's file as it is now.

        Raises:
            UsageError: an unknown name, or no such file.
        """
        checking, alone = self._checking(name)
        with alone:
            checked = checking.check()
        there = self.file(name)
        return checked.to_json() | {
            "offers_solution": checked.offers_solution,
            "upcoming": checked.upcoming,
            "base": there["base"] if there else None,
        }

    def hint(self, name: str) -> dict[str, Any]:
        """The next hint."""
        hint = practising.next_hint(_known(name))
        return {"number": hint.number, "of": hint.of, "text": hint.text}

    def solution(self, name: str) -> dict[str, Any]:
        """A solution; that it was shown is remembered."""
        text, done = practising.show_solution(_known(name))
        return {"solution": text, "tries_before": done.shown_after}

    def notebook(self, name: str) -> str:
        """An exercise as a notebook."""
        entry = catalogue.find(_known(name))
        return notebook(entry, entry.hints)

    def _checking(self, name: str) -> tuple[Checking, threading.Lock]:
        with self._alone:
            kept = self._open.pop(name, None)
            if kept is None:
                stack = ExitStack()
                kept = stack.enter_context(Checking(_known(name))), stack, threading.Lock()
            self._open[name] = kept  # the last is the one that was used last
            idle = [n for n, (_, _, lock) in self._open.items() if n != name and not lock.locked()]
            for other in idle[: max(0, len(self._open) - MOST_OPEN)]:
                self._close(other)
            return kept[0], kept[2]

    def _close(self, name: str) -> None:
        _, stack, _ = self._open.pop(name)
        stack.close()


def _known(name: str) -> str:
    """An exercise's name; a file of a person's own is not opened by what a page sends."""
    if name.endswith(".py"):
        raise UsageError(unknown("exercise", name, [e.name for e in catalogue.entries()]))
    return name


def _mark(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]

"""What a learner has done: one small file, progress.json, in the practice folder.

Solved stays solved. A try counts when what was written ran to a verdict, did not pass, and is not
what was tried before: saving again, a new comment or another layout is no new try.
"""

from __future__ import annotations

import ast
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from pilotlight.core.errors import RecordError
from pilotlight.core.parsing import parse
from pilotlight.record.atomic import not_written, replace_file

FILE = "progress.json"
VERSION = 1
ENOUGH_TRIES = 3
"""After so many a solution is offered."""
LOCK_SECONDS = 2.0


@dataclass(frozen=True)
class Done:
    """What is known of one exercise. `tries` holds a mark of each text that was tried.

    `shown_after` is the number of tries after which the solution was shown; None if it never was.
    `shown_first` says that it was shown before the exercise was solved.
    """

    solved: bool = False
    tries: tuple[str, ...] = ()
    hints: int = 0
    shown_after: int | None = None
    shown_first: bool = False

    @property
    def state(self) -> str:
        """open, tried or solved."""
        return "solved" if self.solved else "tried" if self.tries else "open"


class Progress:
    """The progress file of a practice folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def all(self) -> dict[str, Done]:
        """Exercise to what is known of it; nothing when there is no file.

        Raises:
            RecordError: the file is not ours, or damaged.
        """
        try:
            said = json.loads(self._path.read_text("utf-8"))
            if said["version"] != VERSION:
                raise ValueError(f"version {said['version']}, not {VERSION}")
            return {name: _done(values) for name, values in said["exercises"].items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecordError(
                f"{self._path} cannot be read ({error}). Put it elsewhere, and practice starts "
                "from an empty map; what you wrote stays as it is."
            ) from error

    def of(self, exercise: str) -> Done:
        """What is known of one exercise."""
        return self.all().get(exercise, Done())

    def solved(self, exercise: str) -> Done:
        """It passed."""
        return self._update(exercise, lambda done: replace(done, solved=True))

    def tried(self, exercise: str, text: str) -> Done:
        """It did not pass; a text that was tried before does not count."""
        mark = _mark(text)
        return self._update(
            exercise,
            lambda done: done if mark in done.tries else replace(done, tries=(*done.tries, mark)),
        )

    def hinted(self, exercise: str, hints: int) -> Done:
        """So many hints have been shown."""
        return self._update(exercise, lambda done: replace(done, hints=max(hints, done.hints)))

    def shown(self, exercise: str) -> Done:
        """The solution was shown."""

        def change(done: Done) -> Done:
            if done.shown_after is not None:
                return done
            return replace(done, shown_after=len(done.tries), shown_first=not done.solved)

        return self._update(exercise, change)

    def _update(self, exercise: str, change: Any) -> Done:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            known = self.all()
            done: Done = change(known.get(exercise, Done()))
            if known.get(exercise) != done:
                self._write(known | {exercise: done})
        return done

    def _write(self, known: Mapping[str, Done]) -> None:
        exercises = {name: asdict(done) for name, done in sorted(known.items())}
        text = json.dumps({"version": VERSION, "exercises": exercises}, indent=1) + "\n"
        try:
            replace_file(self._path, text.encode())
        except OSError as error:
            raise not_written(self._path, error, "What was there is kept", "check again") from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep another check from writing between our reading and our writing."""
        lock = self._path.with_name(f".{FILE}.lock")
        until = time.monotonic() + LOCK_SECONDS
        while time.monotonic() < until:  # older than that, its owner has died
            try:
                lock.mkdir()
                break
            except OSError:
                time.sleep(0.01)
        try:
            yield
        finally:
            with suppress(OSError):
                lock.rmdir()


def _done(values: Mapping[str, Any]) -> Done:
    known = {f.name for f in fields(Done)}
    given = {k: v for k, v in values.items() if k in known}
    return Done(**given | {"tries": tuple(given.get("tries", ()))})


def _mark(text: str) -> str:
    """The same for two texts that differ in layout and comments only."""
    with suppress(SyntaxError, ValueError):
        text = ast.dump(parse(text))
    return hashlib.sha256(text.encode()).hexdigest()[:12]

"""The shelf: runs under one folder. Look through them, find one, put it away and bring it back."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from pilotlight.core.errors import RecordError, unknown
from pilotlight.core.stamp import stamps_of
from pilotlight.record.config import CONFIG
from pilotlight.record.folder import JOURNAL, RESULT, Folder
from pilotlight.record.follow import Follower
from pilotlight.record.query import summary

AWAY = ".deleted"
MOST_KNOWN = 2000

__all__ = ["Follower", "Shelf"]


class Shelf:
    """Runs directly under `root`. What is known of one is read again only when it has changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, tuple[object, dict[str, Any]]] = {}

    def all(self) -> list[dict[str, Any]]:
        """A summary of every run, newest first."""
        found = [self._current(name) for name in self.names()]
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        return sorted(found, key=lambda run: _moment(run["started"]), reverse=True)

    def about(self, name: str) -> dict[str, Any]:
        """The summary of one run.

        Raises:
            RecordError: there is none of this name.
        """
        self.find(name)
        return self._current(name)

    def _current(self, name: str) -> dict[str, Any]:
        path = self.root / name
        mark = stamps_of(*(path / file for file in (CONFIG, JOURNAL, RESULT)))
        kept = self._known.get(name)
        if kept is None or kept[0] != mark:
            kept = self._known[name] = mark, _about(path)
        said = dict(kept[1])
        if said["state"] in ("running", "stopped"):  # the lock leaves no mark when it is let go
            said["state"] = Folder(path, {}).state
        return said

    def find(self, name: str) -> Path:
        """The folder of a run.

        Raises:
            RecordError: there is none of this name.
        """
        names = self.names()
        if name not in names:
            raise RecordError(unknown("run", name, names))
        return self.root / name

    def new(self, name: str) -> str:
        """A name for the folder of a run that is to be made."""
        return f"{name}-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"

    def put_away(self, name: str) -> None:
        """Move a run out of sight; `bring_back` undoes it.

        Raises:
            RecordError: there is none, it is being trained, or it cannot be moved.
        """
        path = self.find(name)
        if Folder(path, {}).state == "running":
            raise RecordError(f"{name} is being trained. Stop it first.")
        self._move(path, self.root / AWAY / name)

    def bring_back(self, name: str) -> None:
        """Undo `put_away`.

        Raises:
            RecordError: none of this name was put away, or it cannot be moved.
        """
        names = _names(self.root / AWAY)
        if name not in names:
            raise RecordError(unknown("deleted run", name, names))
        self._move(self.root / AWAY / name, self.root / name)

    def away(self) -> list[dict[str, Any]]:
        """What was put away: name, lab and start of each."""
        found = (_about(self.root / AWAY / name) for name in _names(self.root / AWAY))
        return [{key: run[key] for key in ("run", "lab", "started")} for run in found]

    def is_finished(self, name: str) -> bool:
        """Whether there is nothing left to train in a run."""
        return Folder(self.root / name, {}).finished

    def follow(self, name: str) -> Follower:
        """What is appended to a run's journal from now on; the run may not be there yet."""
        return Follower(self.root / name)

    def training(self) -> set[str]:
        """The runs that some process trains just now."""
        names = self.names()
        return {name for name in names if Folder(self.root / name, {}).state == "running"}

    def _move(self, path: Path, to: Path) -> None:
        if os.path.lexists(to):
            raise RecordError(f"There is a {to.name} already in {to.parent}. Move one of them.")
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            path.rename(to)
        except OSError as error:
            raise RecordError(f"{path} cannot be moved: {error.strerror}.") from error

    def names(self) -> set[str]:
        """What is a run directly under the root; so no name can lead elsewhere."""
        return _names(self.root)


def _names(folder: Path) -> set[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        seen = (entry for entry in entries if not entry.name.startswith("."))
        return {e.name for e in seen if os.path.exists(os.path.join(e.path, CONFIG))}
    return set()


def _about(path: Path) -> dict[str, Any]:
    said = asdict(summary(path)) | {"run": path.name, "kind": "lab", "question": "", "command": ""}
    del said["path"]
    with suppress(RecordError):
        config = Folder.open(path).config
        said |= {key: str(config.get(key, "")) for key in ("question", "command")}
        said["kind"] = "fit" if config.get("kind") == "fit" else "lab"
    return said


def _moment(started: str) -> float:
    return datetime.fromisoformat(started).timestamp()

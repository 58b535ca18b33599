"""Labs as a map shows them: what there is, what builds on what. Read as text, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pilotlight.app.shipped import HOME, has_recorded
from pilotlight.core.errors import UsageError, raise_all
from pilotlight.core.stamp import stamps_of
from pilotlight.labs import catalogue
from pilotlight.practice import catalogue as practice


class Labs:
    """The labs of the package, and files of a person's own beside them.

    Raises:
        UsageError: all files that cannot be read as a lab, at once.
    """

    def __init__(self, files: Sequence[str] = ()) -> None:
        problems: list[str] = []
        self._files: dict[str, str] = {}
        self._read: tuple[object, list[dict[str, Any]]] | None = None
        ours = {catalogue.name_of(path) for path in catalogue.files()}
        for file in files:
            try:
                name = catalogue.find(str(Path(file).absolute())).name
            except UsageError as error:
                problems += error.problems
                continue
            if name in ours or name in self._files:
                problems.append(f"{file}: there is a lab {name} already. Call the file otherwise.")
            self._files[name] = str(Path(file).absolute())
        raise_all(problems)

    def all(self) -> list[dict[str, Any]]:
        """Every lab that can be read, what it needs before it."""
        files = [HOME, *catalogue.files(), *map(Path, self._files.values())]
        mark = files, stamps_of(*files)
        if self._read is None or self._read[0] != mark:
            self._read = mark, self._all()
        return [dict(lab) for lab in self._read[1]]

    def _all(self) -> list[dict[str, Any]]:
        own = [catalogue.find(file) for file in self._files.values()]
        entries = [*catalogue.entries(unreadable=[]), *own]
        exercises = practice.entries()
        return [
            entry.to_json()
            | {
                "leads_to": [e.name for e in entries if entry.name in e.needs],
                "exhibits": list(entry.exhibits),
                "own": entry.name in self._files,
                "recorded": has_recorded(entry.name),
                "exercises": [e.name for e in exercises if e.lab == entry.name],
            }
            for entry in entries
        ]

    def one(self, name: str) -> dict[str, Any]:
        """The lab of this name as `all` lists it.

        Raises:
            UsageError: an unknown name.
        """
        self.path(name)
        return next(lab for lab in self.all() if lab["name"] == name)

    def path(self, name: str) -> str:
        """What names the lab in a command: its name, or its file.

        Raises:
            UsageError: an unknown name; a file cannot be named here.
        """
        return self.place(name)[0]

    def place(self, name: str) -> tuple[str, Path]:
        """What names the lab in a command, and where it is written.

        Raises:
            UsageError: an unknown name; a file cannot be named here.
        """
        if name in self._files:
            return self._files[name], Path(self._files[name])
        if catalogue.is_path(name):
            raise UsageError(
                f"{name}: a lab of your own is named when the app is started: pilotlight app FILE"
            )
        found = catalogue.find(name)
        return found.name, found.path

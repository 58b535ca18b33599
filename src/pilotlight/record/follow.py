"""Follow a journal as it grows, whoever writes it: this process, another one, another machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pilotlight.record.folder import JOURNAL


class Follower:
    """Reads what is appended to the journal of the run at `path` from now on."""

    def __init__(self, path: Path) -> None:
        self._file = path / JOURNAL
        self._at = 0
        self.lines = 0
        """How many whole lines have been passed."""
        self.new()

    def new(self) -> list[tuple[int, dict[str, Any]]]:
        """The lines that came since the last look, each with its number from 1.

        A resumed run cuts off half a line that a killed one left, so a line counts when it is
        whole. What is no JSON object is passed over; whoever reads the whole journal is told.
        """
        try:
            with self._file.open("rb") as file:
                file.seek(self._at)
                whole, newline, _ = file.read().rpartition(b"\n")
        except OSError:
            return []
        self._at += len(whole) + len(newline)
        found = []
        for line in whole.split(b"\n") if newline else ():
            self.lines += 1
            if (event := _object(line)) is not None:
                found.append((self.lines, event))
        return found


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None

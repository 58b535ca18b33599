"""The journal: events in order of arrival, one JSON object a line, only ever appended to.

A run that was killed may leave half a line at the end; everything before the last line end is
whole. A resumed run may tell of an event twice; the first one counts.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from pilotlight.core.errors import RecordError
from pilotlight.core.event import Event, from_json
from pilotlight.record.atomic import BINARY, write_all


class Journal:
    """The file `journal.jsonl` of one run folder; opened for writing at the first append."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def events(self) -> list[Event]:
        """All whole events, each once; kinds that this version does not know are left out.

        Raises:
            RecordError: a line is broken, which no killed run leaves behind; names the line.
            OSError: the file cannot be read.
        """
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")[:-1]  # after the last line end: torn or nothing
        found: dict[object, Event] = {}
        for number, line in enumerate(lines, 1):
            event = self._event(number, line)
            if event is not None:
                found.setdefault(event.identity, event)
        return list(found.values())

    def _event(self, number: int, line: bytes) -> Event | None:
        try:
            return from_json(json.loads(line))
        except (ValueError, TypeError) as error:
            raise RecordError(
                f"{self.path} is damaged: line {number} is not an event ({error}). "
                "Copy the folder again, or mend or delete that line."
            ) from error

    def append(self, event: Event) -> None:
        """Write the event as one line, by one call to the system.

        Raises:
            OSError: the journal is as it was before.
        """
        line = json.dumps(event.to_json(), allow_nan=False).encode() + b"\n"
        descriptor = self._open()
        end = os.lseek(descriptor, 0, os.SEEK_END)
        try:
            write_all(descriptor, line)
        except BaseException:
            with suppress(OSError):  # where cutting fails too, the next `_open` cuts
                os.ftruncate(descriptor, end)
            self.close()
            raise

    def sync(self) -> None:
        """Force all lines to the disk."""
        os.fsync(self._open())

    def close(self) -> None:
        """Give the file back to the system; the next append opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | BINARY
            self._descriptor = os.open(self.path, flags, 0o666)
            self._cut_torn_line(self._descriptor)
        return self._descriptor

    def _cut_torn_line(self, descriptor: int) -> None:
        """Without this the next event would be written into the half line, and both be lost."""
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(descriptor, whole)

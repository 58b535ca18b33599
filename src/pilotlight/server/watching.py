"""Learners' files that pages watch: each save is checked, and the stream tells."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from pilotlight.app.practice_desk import PracticeDesk
from pilotlight.core.errors import PilotlightError
from pilotlight.core.stamp import Stamp, stamp_of
from pilotlight.server.hub import Hub

MOST = 3
LOOK_SECONDS = 0.1


class Watching:
    """Which exercises are watched, the one that was asked for last at the end."""

    def __init__(self, desk: PracticeDesk, hub: Hub) -> None:
        self._desk = desk
        self._hub = hub
        self._seen: dict[str, Stamp] = {}
        self._at_work: set[str] = set()

    @property
    def names(self) -> list[str]:
        """The exercises that are watched."""
        return list(self._seen)

    def turn(self, name: str, on: bool) -> None:
        """Begin or end to watch a file; of more than three the oldest is let go.

        Raises:
            UsageError: an unknown name.
        """
        stamp = self._stamp(name)
        self._seen.pop(name, None)
        if on:
            self._seen[name] = stamp
            for oldest in self.names[:-MOST]:
                del self._seen[oldest]

    def saved_here(self, name: str) -> None:
        """The page itself saved the file, and asks for the check itself."""
        if name in self._seen:
            self._seen[name] = self._stamp(name)

    async def watch(self) -> None:
        """Look at all watched files, until cancelled."""
        tasks: set[asyncio.Task[None]] = set()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for name, before in list(self._seen.items()):
                after = self._stamp(name)
                if after in (before, None) or name in self._at_work:
                    continue
                self._at_work.add(name)
                task = asyncio.create_task(self._check(name, after))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    async def _check(self, name: str, stamp: Stamp) -> None:
        """Check it once it lies still: an editor may be writing it."""
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                if (now := self._stamp(name)) == stamp:
                    break
                stamp = now
            if name in self._seen:
                self._seen[name] = stamp
            self._hub.tell("checking", exercise=name)
            checked: Mapping[str, Any]
            try:
                checked = await asyncio.to_thread(self._desk.check, name)
            except PilotlightError as error:
                checked = {"exercise": name, "passed": False, "problem": str(error), "checks": []}
            self._hub.tell("checked", exercise=name, checked=checked)
        finally:
            self._at_work.discard(name)

    def _stamp(self, name: str) -> Stamp:
        return stamp_of(self._desk.path(name))

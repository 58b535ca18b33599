"""Trainings that this server started, and the journals of all that are going on, whoever trains.

Pausing and stopping both end the process: a run folder is made to be gone on with, so nothing is
held in memory for a person who comes back tomorrow, and a server that is started afresh finds
the same. Work since the last checkpoint, two seconds at most, is done again.
"""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pilotlight.app import beside
from pilotlight.app.beside import Died, Training
from pilotlight.app.compact import rounded
from pilotlight.app.shelf import Follower, Shelf
from pilotlight.core.command import FitCommand, RunCommand
from pilotlight.core.errors import LabError, PilotlightError, RecordError
from pilotlight.core.event import Progress
from pilotlight.server.hub import Hub

MOST = 2
"""Trainings at once: each may use all cores."""
LOOK_SECONDS, SEARCH_SECONDS = 0.05, 1.0
"""Between two looks at the journals, and at the list of runs."""
LEFT_OUT = ("probed", "snapshot")
"""Events whose values are asked for when they are shown: they may be large."""


class Busy(RecordError):
    """Not now: something else must end first."""


@dataclass
class _Live:
    """One training of ours."""

    process: Training
    wanted: str = ""  # "paused" or "stopped" once that was asked for
    progress: dict[str, int] | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    refused: Exception | None = None


class Trainings:
    """Start, pause, stop and resume; and tell the hub what happens in every run there is."""

    def __init__(self, shelf: Shelf, hub: Hub) -> None:
        self._shelf = shelf
        self._hub = hub
        self._live: dict[str, _Live] = {}
        self._starting: set[str] = set()
        self._paused: set[str] = set()
        self._followed: dict[str, Follower] = {}
        self._names: frozenset[str] = frozenset()

    # What a person asks for

    async def start(self, command: RunCommand | FitCommand, name: str) -> str:
        """Start a training; returns the run's name when its folder is made.

        Raises:
            Busy: too many at once.
            PilotlightError: what is wrong with the command.
        """
        run = self._shelf.new(name)
        await self._begin(run, partial(beside.train, command, self._shelf.root / run))
        return run

    async def resume(self, run: str) -> None:
        """Go on with a run that was paused or stopped.

        Raises:
            Busy: it is being trained, or too many at once.
            PilotlightError: it is finished, or what it depends on has changed.
        """
        about = await asyncio.to_thread(self._shelf.about, run)
        if about["state"] == "running":
            raise Busy(f"{run} is being trained already.")
        if about["state"] == "finished":
            raise Busy(f"{run} is finished, so there is nothing to go on with.")
        await self._begin(run, partial(beside.go_on, self._shelf.root / run))

    async def end(self, run: str, wanted: str) -> None:
        """Pause ("paused") or stop ("stopped") a training of ours.

        Raises:
            Busy: it is not being trained, or not here.
        """
        live = self._live.get(run)
        if live is None and wanted == "stopped" and run in self._paused:
            self._paused.discard(run)
            self._state(run, "stopped")
            return
        if live is None:
            raise Busy(await asyncio.to_thread(self._why_not_ours, run))
        live.wanted = wanted
        await asyncio.to_thread(live.process.end)
        while self._live.get(run) is live:  # until its last words are read
            await asyncio.sleep(0.002)

    def here(self, run: str) -> dict[str, Any]:
        """What this server knows of a run beyond its folder."""
        live = self._live.get(run)
        known: dict[str, Any] = {"here": live is not None, "progress": None}
        if live is not None:
            known |= {"state": "running", "progress": live.progress}
        elif run in self._paused:
            known["state"] = "paused"
        return known

    def _refuse_too_many(self, run: str) -> None:
        busy = self._starting | set(self._live)
        if run in busy:
            raise Busy(f"{run} is being trained already.")
        if len(busy) >= MOST:
            names = " and ".join(sorted(busy))
            raise Busy(f"{names} are being trained. Stop one of them, or wait until one is done.")

    def _why_not_ours(self, run: str) -> str:
        if self._shelf.about(run)["state"] == "running":
            return f"{run} is being trained by another program. Stop it there, with Ctrl-C."
        return f"{run} is not being trained."

    # Processes

    async def _begin(self, run: str, make: Callable[[], Training]) -> None:
        """Start a process and wait for its first word: its folder, or what is wrong."""
        self._refuse_too_many(run)
        self._starting.add(run)
        try:
            follower = self._shelf.follow(run)
            live = self._live[run] = _Live(await asyncio.to_thread(make))
        finally:
            self._starting.discard(run)
        listen = (run, live, asyncio.get_running_loop())
        threading.Thread(target=self._listen, args=listen, daemon=True).start()
        await live.begun.wait()
        if live.refused is not None:
            raise live.refused
        self._paused.discard(run)
        self._followed[run] = follower
        self._hub.tell("runs")
        self._state(run, "running")

    def _listen(self, run: str, live: _Live, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread: read what the process sends until it ends."""
        note, began = "", False
        try:
            for item in live.process.items():
                if isinstance(item, Progress):
                    loop.call_soon_threadsafe(self._progress, run, live, item)
                elif isinstance(item, Died):
                    note = "" if live.wanted else _death(item)
                else:
                    began = True
                    loop.call_soon_threadsafe(live.begun.set)
        except PilotlightError as error:
            note, live.refused = str(error), error
        except Exception as error:  # a fault of ours, or in a person's own lab, in the process
            traceback.print_exception(error)
            note = f"It ended by an error. {error}"
            live.refused = LabError(note)
        if not began and live.refused is None:
            live.refused = RecordError(note or "It was stopped before it began.")
        loop.call_soon_threadsafe(self._ended, run, live, note, began)

    def _progress(self, run: str, live: _Live, progress: Progress) -> None:
        live.progress = {"done": progress.done, "total": progress.total}
        self._hub.tell("progress", f"progress {run}", run=run, **live.progress)

    def _ended(self, run: str, live: _Live, note: str, began: bool) -> None:
        self._look(run)
        self._live.pop(run, None)
        self._followed.pop(run, None)
        if live.wanted == "paused":
            self._paused.add(run)
        if began:
            finished = self._shelf.is_finished(run)
            self._state(run, "finished" if finished else live.wanted or "stopped", note)
            self._hub.tell("runs")
        live.begun.set()

    def _state(self, run: str, state: str, note: str = "") -> None:
        self._hub.tell("state", run=run, state=state, note=note)

    # Journals

    async def watch(self) -> None:
        """Follow all journals that grow, until cancelled."""
        waited = SEARCH_SECONDS
        while True:
            if waited >= SEARCH_SECONDS and self._hub.listeners:
                waited = 0.0
                await self._search()
            for run in list(self._followed):
                self._look(run)
            await asyncio.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS

    def _look(self, run: str) -> None:
        follower = self._followed.get(run)
        for number, event in follower.new() if follower else ():
            if event.get("kind") in LEFT_OUT:
                event["values"] = None
            self._hub.tell("event", run=run, n=number, event=rounded(event))

    async def _search(self) -> None:
        """Runs that came, went, or are trained by another program."""
        names, training = await asyncio.to_thread(self._there)
        if names != self._names:
            self._names = names
            self._hub.tell("runs")
        for run in training - set(self._live) - set(self._followed):
            self._followed[run] = await asyncio.to_thread(self._shelf.follow, run)
            self._state(run, "running")
        for run in set(self._followed) - set(self._live) - training:
            self._look(run)
            del self._followed[run]
            finished = self._shelf.is_finished(run)
            self._state(run, "finished" if finished else "stopped")

    def _there(self) -> tuple[frozenset[str], set[str]]:
        return frozenset(self._shelf.names()), self._shelf.training()

    def end_all(self) -> None:
        """End every process of ours; their runs can be gone on with."""
        for live in list(self._live.values()):
            live.wanted = "stopped"
            live.process.end()


def _death(died: Died) -> str:
    how = f"exit code {died.exit_code}"
    if died.exit_code is not None and died.exit_code < 0:
        how = f"signal {-died.exit_code}"
    return (
        f"Its process was ended from outside ({how}): killed, or out of memory. What was trained "
        "is kept; resume goes on from there."
    )


def folder_name(command: RunCommand | FitCommand) -> str:
    """What the folder's name begins with."""
    if isinstance(command, FitCommand):
        return f"fit-{Path(str(command.data)).stem}"
    return Path(str(command.lab)).stem.replace("_", "-")

"""What one server holds: the labs, the runs, the practice desk, uploads, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from pilotlight.app.listing import Labs
from pilotlight.app.practice_desk import PracticeDesk
from pilotlight.app.shelf import Shelf
from pilotlight.app.uploads import Uploads
from pilotlight.server.answers import Kept
from pilotlight.server.hub import Hub
from pilotlight.server.trainings import Trainings
from pilotlight.server.watching import Watching

DATA = "data"
"""The folder of uploads, within that of the runs."""


@dataclass
class Laboratory:
    """Made once, before the server answers."""

    runs: Path
    upload_limit: int
    own: Sequence[str] = ()
    labs: Labs = field(init=False)
    shelf: Shelf = field(init=False)
    hub: Hub = field(init=False)
    trainings: Trainings = field(init=False)
    desk: PracticeDesk = field(init=False)
    watching: Watching = field(init=False)
    uploads: Uploads = field(init=False)
    kept: Kept = field(init=False)

    def __post_init__(self) -> None:
        self.labs = Labs(self.own)
        self.shelf = Shelf(self.runs)
        self.hub = Hub()
        self.trainings = Trainings(self.shelf, self.hub)
        self.desk = PracticeDesk()
        self.watching = Watching(self.desk, self.hub)
        self.uploads = Uploads(self.runs / DATA, self.upload_limit)
        self.kept = Kept()

    async def work(self) -> None:
        """Watch journals and files until cancelled, then end all processes."""
        tasks = [asyncio.create_task(w.watch()) for w in (self.trainings, self.watching)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            self.close()

    def close(self) -> None:
        """End all processes; what was trained is kept."""
        self.trainings.end_all()
        self.desk.__exit__()


def of(request: Request) -> Laboratory:
    """The laboratory that a request is for."""
    found: Laboratory = request.app.state.laboratory
    return found

"""Work in processes beside this one, for a view that must never wait and never imports torch.

A training is one process from its start to its end. A question (a lab's page, a report, a look at
data) is one process for as long as it takes to answer. All come from one server process that has
imported what they need.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pilotlight.core.command import FitCommand, RunCommand
from pilotlight.core.errors import RecordError
from pilotlight.core.event import Event, Progress
from pilotlight.execute import processes
from pilotlight.execute.beside import Beside
from pilotlight.execute.processes import Died, Job

HERE = "pilotlight.app.beside"
PRELOAD = (
    "torch",
    "sklearn.datasets",
    "sklearn.ensemble",
    "pilotlight.app.worker",
    "pilotlight.app.running",
    "pilotlight.app.writing",
    "pilotlight.app.fitting",
    "pilotlight.app.fit_worker",
    "pilotlight.app.answers",
    "pilotlight.practice.preload",
)

LONGEST_SECONDS = 300.0
"""After so long an answer is no longer waited for: a lab of a person's own may never return."""

Training = Beside
__all__ = ["Died", "Training", "ask", "go_on", "train", "warm"]


def warm() -> None:
    """Begin to import what processes need, without waiting for it."""
    processes.warm(PRELOAD)


def train(command: RunCommand | FitCommand, folder: Path) -> Training:
    """Start a run or a fit in a process; it sends its folder, then Progress until it is done.

    What is wrong with the command comes as an error in place of the folder.
    """
    command = replace(command, out=str(folder))
    return Beside(Job(HERE, "trained", {"command": command}), PRELOAD)


def go_on(folder: Path) -> Training:
    """Go on with a run or a fit in a process."""
    return Beside(Job(HERE, "gone_on", {"folder": str(folder)}), PRELOAD)


def ask(question: str, **arguments: Any) -> Any:
    """What the function of this name in `answers` returns, from a process of its own.

    Raises:
        PilotlightError: what the function raised.
    """
    job = Job(HERE, "answered", {"question": question, "arguments": arguments})
    process = Beside(job, PRELOAD)
    patience = threading.Timer(LONGEST_SECONDS, process.end)
    patience.start()
    try:
        item = next(process.items())
    finally:
        patience.cancel()
        process.end()
    if isinstance(item, Died):
        raise RecordError(
            f"The process that was to answer ended (exit code {item.exit_code}): too long at it, "
            "or out of memory? Ask again."
        )
    return item


# In the process


def trained(command: RunCommand | FitCommand) -> Iterator[Any]:
    """Where it is recorded, then how far it is."""
    if isinstance(command, FitCommand):
        from pilotlight.app.fitting import start_fit

        yield from _told(start_fit(command))
    else:
        from pilotlight.app.running import start

        yield from _told(start(command))


def gone_on(folder: str) -> Iterator[Any]:
    """The same for a run that was stopped."""
    from pilotlight.app.opening import open_folder

    if open_folder(folder).config.get("kind") == "fit":
        from pilotlight.app.fitting import resume_fit

        yield from _told(resume_fit(folder))
    else:
        from pilotlight.app.running import resume

        yield from _told(resume(folder))


def _told(running: Any) -> Iterator[str | Event]:
    """What happens is in the journal; only what is not recorded is sent."""
    yield str(running.folder)
    for event in running:
        if isinstance(event, Progress):
            yield event


def answered(question: str, arguments: dict[str, Any]) -> Iterator[Any]:
    """One answer."""
    yield getattr(importlib.import_module("pilotlight.app.answers"), question)(**arguments)

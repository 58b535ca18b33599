"""Run a lab: training happens while one iterates, and is recorded as it goes.

What only a report needs (scipy's tests, matplotlib) is imported when there is something to report:
that takes a second, and a person waits for the first line of progress.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pilotlight.app.interrupt import in_one_piece
from pilotlight.app.opening import lab_of, open_folder
from pilotlight.app.prepare import Prepared, jobs_problems, prepare, prepare_again
from pilotlight.app.training import events, usual_jobs
from pilotlight.core.command import RunCommand
from pilotlight.core.errors import raise_all
from pilotlight.core.event import Checkpoint, CohortDone, Event, Exhibited, Finished
from pilotlight.core.lab import Lab
from pilotlight.core.report import Report
from pilotlight.record.folder import Folder


class Running:
    """A run in hand. Iterate to train; ask for the report of what there is at any time.

    `prepared` is None for a finished run: there is nothing left to train, so nothing to lay out.
    """

    def __init__(
        self,
        folder: Folder,
        lab: Lab | None,
        prepared: Prepared | None,
        jobs: int | None = None,
    ) -> None:
        self._folder = folder
        self._lab = lab
        self._prepared = prepared
        self._jobs = jobs

    @property
    def folder(self) -> Path:
        """Where it is recorded."""
        return self._folder.path

    @property
    def lab_name(self) -> str:
        """The lab's name."""
        return str(self._folder.config["lab"])

    @property
    def seconds(self) -> float:
        """How long the lab says that a full run takes; 0 where there is nothing left to train."""
        return self._lab.seconds if self._lab and self._prepared else 0.0

    @property
    def picture(self) -> Callable[[Any, Any], None] | None:
        """The lab's own drawing, if it has one."""
        return self._lab.picture if self._lab else None

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        return self._folder.finished

    def __iter__(self) -> Iterator[Event]:
        if self._prepared is not None and not self.finished:
            with self._folder.lock():
                yield from self._go(self._prepared)
        elif not (self.folder / "report.html").exists():
            with self._folder.lock():  # killed between result and page; this also tidies up
                self._write_page()

    def _go(self, prepared: Prepared) -> Iterator[Event]:
        folder = self._folder
        known = folder.events()
        done = {e.cohort: e.seconds for e in known if isinstance(e, CohortDone)}
        checkpoints = {c: p for c, p in folder.load_checkpoints().items() if c not in done}
        before = sum(done.values()) + sum(c.about["seconds"] for c in checkpoints.values())
        started = time.perf_counter()
        shown = {e.id for e in known if isinstance(e, Exhibited)}
        jobs = usual_jobs(prepared) if self._jobs is None else self._jobs
        for event in events(prepared, jobs, shown, done, checkpoints):
            self._keep(event)
            yield event
        finished = Finished(before + time.perf_counter() - started)
        folder.append(finished)
        self._finish()
        yield finished

    def _finish(self) -> None:
        with in_one_piece():
            from pilotlight.app.reporting import history_arrays, result_of

        report = self.report()
        self._folder.finish(result_of(report), history_arrays(report.members))
        self._write_page()

    def _keep(self, event: Event) -> None:
        if isinstance(event, Checkpoint):
            self._folder.save_checkpoint(event)
            return
        if isinstance(event, CohortDone):
            self._folder.save_weights(event.cohort, event.weights)
        if event.recorded:
            self._folder.append(event)

    def report(self) -> Report:
        """Of what is recorded so far."""
        with in_one_piece():
            from pilotlight.app.reporting import summarise

        return summarise(self._folder, self._lab)

    def stop(self) -> None:
        """Write the partial report of a run that was interrupted; it can be resumed."""
        self._write_page()

    def _write_page(self) -> None:
        with in_one_piece():
            from pilotlight.app.writing import write_pages

        write_pages(self._folder, self.report(), self._lab)


def start(command: RunCommand) -> Running:
    """Check a command and make its run folder; iterate over the result to train.

    Raises:
        UsageError: all that is wrong with the command, before anything is written.
        RecordError: the folder cannot be made.
    """
    prepared = prepare(command)
    folder = Folder.create(prepared.lab.name, prepared.config, command.out)
    return Running(folder, prepared.lab, prepared, command.jobs)


def resume(path: str, lab: Lab | None = None, jobs: int | None = None) -> Running:
    """Go on with a run exactly as its config says.

    A finished one has nothing left to train, so it opens whatever became of its lab since.

    Raises:
        RecordError: no run there, or the lab's code, the data or torch changed since.
        UsageError: the lab is not to be found, or `jobs` is out of range.
    """
    raise_all(jobs_problems(jobs))
    folder = open_folder(path)
    if folder.finished:
        return Running(folder, lab or lab_of(folder), None)
    prepared = prepare_again(folder.config, lab)
    return Running(folder, prepared.lab, prepared, jobs)


def plan(command: RunCommand) -> dict[str, Any]:
    """What a command would train, as plain data; nothing is trained or written."""
    prepared = prepare(command)
    return {
        "lab": prepared.lab.name,
        "seconds": prepared.lab.seconds,
        "evidence": prepared.config["evidence"],
        **prepared.plan.to_json(),
    }

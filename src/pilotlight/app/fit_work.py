"""Do the work of a fit, here or in worker processes, and say how far it is. Same numbers always."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from torch import Tensor

from pilotlight.app.fit_memory import available
from pilotlight.app.fit_preparing import FitPrepared
from pilotlight.app.fit_worker import BASELINES, PRELOAD, fit_baseline, train_networks
from pilotlight.app.machine import look_at_cores
from pilotlight.app.training import MOST_DEATHS, WORTH_PROCESSES
from pilotlight.core.errors import RecordError
from pilotlight.core.event import Checkpoint, CohortDone, Event, Note, Progress
from pilotlight.execute.processes import Died, Job, Workers
from pilotlight.fitting.cost import search_epochs
from pilotlight.fitting.layout import Layout
from pilotlight.fitting.study import Study

UNIT = 1500
"""Steps that fitting one baseline on one fold counts as, for the progress bar."""


def usual_jobs(prepared: FitPrepared) -> int:
    """Worker processes for a fit: the physical cores, where starting them pays.

    Networks that are in memory only, and another device than the CPU, stay in this process.
    """
    command = prepared.command
    in_memory = command.model is not None and not isinstance(command.model, str | Path)
    if in_memory or prepared.study.device != "cpu":
        return 1
    if command.jobs is not None:
        return command.jobs
    if prepared.cost.seconds < 2 * WORTH_PROCESSES:
        return 1
    cores, free = look_at_cores(), available()
    fitting = int(free // prepared.cost.bytes) if free else 1  # each reads the data for itself
    return max(1, min(cores.physical or 1, cores.usable or 1, fitting))


class Work:
    """Baselines and cohorts by their numbers, as streams of events. Leaving it ends all workers."""

    def __init__(self, prepared: FitPrepared, checkpoints: Mapping[int, Checkpoint]) -> None:
        self._prepared = prepared
        self._latest = dict(checkpoints)
        self._jobs = usual_jobs(prepared)
        self._workers = Workers(self._jobs, PRELOAD)
        self._deaths = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._workers.__exit__(*error)

    def of(
        self, numbers: Sequence[int], layout: Layout, kept: Mapping[str, Tensor] | None = None
    ) -> Iterator[Event]:
        """Everything that happens while these are worked off.

        `kept` is what an earlier round of the search left of its networks.
        """
        for cohort in layout.cohorts:
            if kept and cohort.index in numbers and cohort.index not in self._latest:
                self._latest[cohort.index] = layout.handed(cohort, kept)
        if self._jobs > 1 and len(numbers) > 1:
            yield from self._in_processes(list(numbers), layout)
            return
        for number in numbers:
            if number >= BASELINES:
                yield from fit_baseline(self._prepared.study, number)
            else:
                yield from train_networks(layout, number, self._latest.pop(number, None))

    def _in_processes(self, waiting: list[int], layout: Layout) -> Iterator[Event]:
        """Each in a worker. One that dies is said, and its work goes on from its checkpoint.

        Raises:
            RecordError: workers died again and again.
        """
        while waiting:
            work = [self._job(number, layout) for number in waiting]
            again: list[int] = []
            for message in self._workers.stream(work):
                if isinstance(message, Died):
                    self._deaths += 1
                    again.append(waiting[message.job])
                    yield self._death(message)
                    continue
                if isinstance(message.item, Checkpoint):
                    self._latest[message.item.cohort] = message.item
                yield message.item
            waiting = again

    def _job(self, number: int, layout: Layout) -> Job:
        own = [layout.only(c) for c in layout.cohorts if c.index == number]
        arguments: dict[str, Any] = {
            "command": self._prepared.command,
            "number": number,
            "stage": (own[0].stage, own[0].round, own[0].members, own[0].cohorts) if own else None,
            "checkpoint": self._latest.get(number),
        }
        return Job("pilotlight.app.fit_worker", "in_worker", arguments)

    def _death(self, died: Died) -> Note:
        if self._deaths >= MOST_DEATHS:
            raise RecordError(
                f"Worker processes died {self._deaths} times. Out of memory? What was trained is "
                "kept: resume with --jobs 1, or free some memory first."
            )
        return Note(f"A worker died (exit code {died.exit_code}). Its work is taken up again.")


class Overall:
    """Progress of a whole fit in steps; what is not laid out yet is a guess."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._per_epoch = max(1, study.fewest // study.batch)
        refits = len(study.places) * study.seeds * (len(study.networks) + len(study.shares))
        self._refits = self._per_epoch * study.epochs * refits
        self._guess = self._refits
        self._baselines = len(study.baselines) * len(study.folds.outer) * UNIT
        self._steps: dict[int, int] = {}
        self._done: dict[int, int] = {}

    def expect(self, layout: Layout) -> None:
        """A stage is laid out: its steps are known now."""
        self._guess = 0 if layout.stage == "refit" else self._refits + self._later(layout.round)
        self._steps |= {cohort.index: layout.steps(cohort) for cohort in layout.cohorts}

    def _later(self, number: int) -> int:
        """Steps of the rounds of the search after this one."""
        folds = sum(len(place.inner) for place in self._study.places)
        epochs = sum(count for later, _, count in search_epochs(self._study) if later > number)
        return self._per_epoch * folds * epochs

    def skip(self, done: Mapping[int, float]) -> None:
        """What was worked off before."""
        for number in done:
            self._done[number] = self._whole(number)

    def of(self, event: Event) -> Event:
        """Progress of one piece of work, or its end, as progress of the fit."""
        if isinstance(event, CohortDone):
            self._done[event.cohort] = self._whole(event.cohort)
        elif isinstance(event, Progress):
            self._done[event.cohort] = event.done
        else:
            return event
        total = self._baselines + sum(self._steps.values()) + self._guess
        return Progress(sum(self._done.values()), total)

    def _whole(self, number: int) -> int:
        return UNIT if number >= BASELINES else self._steps.get(number, 0)

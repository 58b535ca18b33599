"""Train the cohorts of a run, here or in worker processes. The numbers are the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pilotlight.app.machine import look_at_cores
from pilotlight.app.prepare import Prepared
from pilotlight.app.worker import PRELOAD
from pilotlight.core.errors import RecordError
from pilotlight.core.event import Checkpoint, Event, Note
from pilotlight.engine.run import Overall, begin, run
from pilotlight.execute.processes import Died, Job, Workers

WORTH_PROCESSES = 8.0
"""Seconds of a run, as its lab declares them, from which starting processes pays (1.4 s)."""
MOST_DEATHS = 3


def usual_jobs(prepared: Prepared) -> int:
    """Worker processes for a run: the physical cores, where starting them pays.

    On another device than the CPU one process drives it.
    """
    lab, plan = prepared.lab, prepared.plan
    share = len(plan.members) / max(1, lab.seeds * len(lab.compare))
    if plan.device != "cpu" or lab.seconds * share < WORTH_PROCESSES:
        return 1
    cores = look_at_cores()
    return min(cores.physical or 1, cores.usable or 1)


def events(
    prepared: Prepared,
    jobs: int,
    shown: Collection[str],
    done: Collection[int],
    checkpoints: Mapping[int, Checkpoint],
) -> Iterator[Event]:
    """Everything that happens in a run past what is shown and done."""
    lab, plan = prepared.lab, prepared.plan
    waiting = [c.index for c in plan.cohorts if c.index not in done]
    if min(jobs, len(waiting)) < 2 or not lab.source:
        yield from run(
            lab, plan, prepared.material, shown=shown, done=done, checkpoints=checkpoints
        )
        return
    yield from begin(lab, plan, shown)
    overall = Overall(lab, plan, prepared.material, done)
    for event in _in_processes(prepared, jobs, waiting, dict(checkpoints)):
        yield overall.of(event)


def _in_processes(
    prepared: Prepared, jobs: int, waiting: list[int], latest: dict[int, Checkpoint]
) -> Iterator[Event]:
    """Each cohort in a worker. One that dies is said, and its cohort goes on from its checkpoint.

    Raises:
        RecordError: workers died again and again.
    """
    plan = prepared.plan.to_json()
    deaths = 0
    with Workers(jobs, PRELOAD) as workers:
        while waiting:
            work = [_job(prepared, plan, index, latest.get(index)) for index in waiting]
            again: list[int] = []
            for message in workers.stream(work):
                if isinstance(message, Died):
                    deaths += 1
                    again.append(waiting[message.job])
                    yield _death(message, deaths)
                    continue
                if isinstance(message.item, Checkpoint):
                    latest[message.item.cohort] = message.item
                yield message.item
            waiting = again


def _job(
    prepared: Prepared, plan: dict[str, Any], index: int, checkpoint: Checkpoint | None
) -> Job:
    """A cohort's training. The members of `plan`, and data drawn for each, go along."""
    data, members = prepared.lab.data, prepared.plan.members
    own = [members[i] for i in prepared.plan.cohorts[index].members]
    arguments = {
        "lab": prepared.config["file"] or prepared.lab.name,
        "plan": plan,
        "index": index,
        "checkpoint": checkpoint,
        "material": prepared.material.of(own) if data and data.per_seed else None,
    }
    return Job("pilotlight.app.worker", "train", arguments)


def _death(died: Died, deaths: int) -> Note:
    how = f"exit code {died.exit_code}"
    if died.exit_code is not None and died.exit_code < 0:
        how = f"signal {-died.exit_code}"
    if deaths >= MOST_DEATHS:
        raise RecordError(
            f"Worker processes died {deaths} times, the last by {how}. Out of memory? What was "
            "trained is kept: resume with --jobs 1, or free some memory first."
        )
    return Note(f"Worker {deaths} died ({how}). Its work goes on from its last checkpoint.")

"""Pilotlight as a contender: all given networks in one cohort, which may be a cohort of one."""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks.tasks import Task, Trained, clock
from pilotlight.core.event import Measured
from pilotlight.engine.arithmetic import one_thread
from pilotlight.engine.evaluate import measured
from pilotlight.engine.material import Material
from pilotlight.engine.plan import Cohort, Plan
from pilotlight.engine.run import run
from pilotlight.engine.step import take_step
from pilotlight.engine.work import work_for

FIRST = 2
"""Steps that are not timed where steps are compiled: the second one compiles."""


def one_cohort(
    task: Task, seeds: Sequence[int], device: str, compiled: bool = False
) -> tuple[Plan, Material]:
    """A plan with all networks in one cohort, whatever the planner's own rule would say."""
    members = task.members(seeds)
    cohort = Cohort(0, tuple(m.index for m in members), "for a benchmark")
    return Plan(members, (cohort,), device, compiled=compiled), task.material(members)


def steps_only(task: Task, seeds: Sequence[int], device: str) -> Trained:
    """The engine's steps, and nothing that it measures along the way."""
    plan, material = one_cohort(task, seeds, device)
    now = clock(device)
    with one_thread():
        work = work_for(task.lab, plan, plan.cohorts[0], material)
        state = work.start()
        started = now()
        while state.step < work.steps:
            take_step(work, state, work.stretch(state.step))
        seconds = now() - started
        last = measured(work, state, 0, final=True)
    return Trained(state.step * len(seeds), seconds, _accuracies(last))


def compiled_steps(task: Task, seeds: Sequence[int], device: str) -> Trained:
    """The same, compiled. The wait at the start is told apart; the others' steps stand for its."""
    plan, material = one_cohort(task, seeds, device, compiled=True)
    now = clock(device)
    with one_thread():
        work = work_for(task.lab, plan, plan.cohorts[0], material)
        state = work.start()
        waiting = time.perf_counter()
        while state.step < FIRST:
            take_step(work, state, work.stretch(state.step))
        waited, started = time.perf_counter() - waiting, now()
        while state.step < work.steps:
            take_step(work, state, work.stretch(state.step))
        seconds = (now() - started) * work.steps / (work.steps - FIRST)
        last = measured(work, state, 0, final=True)
    return Trained(state.step * len(seeds), seconds, _accuracies(last), waited)


def whole_run(task: Task, seeds: Sequence[int], device: str) -> Trained:
    """As people get it: with curves of each epoch, probes, checkpoints and weights."""
    plan, material = one_cohort(task, seeds, device)
    now = clock(device)
    started = now()
    events = list(run(task.lab, plan, material))
    seconds = now() - started
    last = next(e for e in events if isinstance(e, Measured) and e.final)
    return Trained(last.step * len(seeds), seconds, _accuracies(last))


def _accuracies(last: Measured) -> tuple[float, ...]:
    """A network that diverged reads nothing right."""
    return tuple(0.0 if v is None else v for v in last.values["test_accuracy"])

"""Train one cohort: a generator that yields what happens and calls nobody.

N member, B batch, R rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import torch

from pilotlight.core.event import Checkpoint, CohortDone, Diverged, Event, Progress, Stopped
from pilotlight.engine.cohort import NEVER, CohortState, shares
from pilotlight.engine.evaluate import measured, probed
from pilotlight.engine.filming import snapshots
from pilotlight.engine.stack import Tensors
from pilotlight.engine.step import close_stretch, take_step
from pilotlight.engine.work import Work

CHECKPOINT_SECONDS = 2.0
PROGRESS_SECONDS = 0.1


class _Clock:
    """Seconds of training so far, and what is due. Time never touches a number of the run."""

    def __init__(self, before: float) -> None:
        self._start = time.perf_counter() - before
        self._last = dict.fromkeys(("progress", "checkpoint"), time.perf_counter())

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start

    def due(self, what: str, every: float) -> bool:
        now = time.perf_counter()
        if now - self._last[what] < every:
            return False
        self._last[what] = now
        return True


def train(
    work: Work,
    cohort: int,
    checkpoint: Checkpoint | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    keep_state: bool = False,
) -> Iterator[Event]:
    """Train a cohort from its start, or on from a checkpoint of it; yields events in order.

    With `keep_state` the end holds all that each network needs to train on in another cohort.
    """
    state = work.start()
    if checkpoint is not None:
        state.restore(checkpoint.tensors, checkpoint.about)
    clock = _Clock(state.seconds)
    if checkpoint is None:
        yield from _look(work, state, cohort, {})
        yield probed(work, state, cohort)
    size = len(work.members)
    while state.step < work.steps:
        stretch = work.stretch(state.step)
        metrics = take_step(work, state, stretch)
        if clock.due("progress", PROGRESS_SECONDS):
            yield Progress(state.step * size, work.steps * size, cohort)
        if (state.step - stretch.first) % stretch.every == 0:
            yield from _look(work, state, cohort, metrics)
            if not bool(state.training.any()):
                break
        if state.step == stretch.last:
            close_stretch(work, state, stretch)
        if clock.due("checkpoint", checkpoint_seconds):
            state.seconds = clock.seconds
            yield Checkpoint(cohort, state.step, *state.snapshot())
    _restore_best(state)
    yield measured(work, state, cohort, final=True)
    yield from snapshots(work, state, cohort, final=True)
    yield from _tell_diverged(work, state, cohort)
    yield probed(work, state, cohort)
    yield Progress(work.steps * size, work.steps * size, cohort)
    numbers = [m.index for m in work.members]
    kept = shares(state.snapshot()[0], numbers) if keep_state else _weights(work, state)
    yield CohortDone(cohort, clock.seconds, kept)


def _look(work: Work, state: CohortState, cohort: int, metrics: Tensors) -> Iterator[Event]:
    """Evaluate all members; note who diverged since the last look, and who stops early."""
    event = measured(work, state, cohort, metrics)
    yield event
    yield from snapshots(work, state, cohort)
    yield from _tell_diverged(work, state, cohort)
    if work.patience and state.step:
        _watch(work, state, event.values["validation_loss"])
        for i, member in enumerate(event.members):
            if state.flags["stopped_at"][i] == state.step:
                yield Stopped(cohort, state.step, member, int(state.flags["best_step"][i]))


def _tell_diverged(work: Work, state: CohortState, cohort: int) -> Iterator[Event]:
    """Who diverged since this was last told."""
    diverged, told = state.flags["diverged_at"], state.flags["told"]
    for i, member in enumerate(work.members):
        if diverged[i] != NEVER and not told[i]:
            told[i] = True
            yield Diverged(cohort, int(diverged[i]), member.index)


def _watch(work: Work, state: CohortState, losses: tuple[float | None, ...]) -> None:
    """Early stopping: remember the best weights of each member, stop who waited too long."""
    flags, training = state.flags, state.training
    value = torch.tensor(
        [torch.inf if v is None else v for v in losses], dtype=torch.float64, device=work.device
    )
    better = (value < flags["best_value"]) & training
    flags["best_value"] = torch.where(better, value, flags["best_value"])
    flags["best_step"].masked_fill_(better, state.step)
    flags["waited"] = torch.where(better, 0, flags["waited"] + 1)
    state.best = _choose(better, state.tensors, state.best)
    flags["stopped_at"].masked_fill_(training & (flags["waited"] >= work.patience), state.step)


def _choose(which: torch.Tensor, these: Tensors, others: Tensors) -> Tensors:
    """Member by member from `these` where `which` [N] is true, else from `others`."""
    chosen = {}
    for name, value in these.items():
        mask = which.view(-1, *[1] * (value.dim() - 1))
        chosen[name] = torch.where(mask, value.detach(), others.get(name, value.detach()))
    return chosen


def _restore_best(state: CohortState) -> None:
    if not state.best:
        return
    kept = (state.flags["best_step"] != NEVER) & (state.flags["diverged_at"] == NEVER)
    chosen = _choose(kept, state.best, state.tensors)
    state.parameters = {n: chosen[n].requires_grad_() for n in state.parameters}
    state.buffers = {n: chosen[n] for n in state.buffers}


def _weights(work: Work, state: CohortState) -> dict[str, Any]:
    return {
        f"{member.index}/{name}": value[i].detach().cpu().contiguous()
        for i, member in enumerate(work.members)
        for name, value in state.tensors.items()
        if name not in work.masks
    }

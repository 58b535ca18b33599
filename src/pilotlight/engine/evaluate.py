"""Evaluate all members of a cohort at once, and probe each for what a doctor would ask.

N member, B batch, R rows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pilotlight.core.event import Measured, Probed
from pilotlight.engine.cohort import NEVER, CohortState
from pilotlight.engine.stack import Tensors, as_batch
from pilotlight.engine.steps import Supervised
from pilotlight.engine.work import Work
from pilotlight.measure.probes import probe

CHUNK_ROWS = 512
PROBE_ROWS = 64


def measured(
    work: Work,
    state: CohortState,
    cohort: int,
    metrics: Tensors | None = None,
    *,
    final: bool = False,
) -> Measured:
    """Measure every member; one whose measurement is not finite has diverged."""
    work.stack.template.eval()
    with torch.no_grad():
        values = {**(metrics or {}), **_evaluate(work, state)}
    finite = torch.stack([v.isfinite() for v in values.values()]).all(0)
    state.flags["diverged_at"].masked_fill_(~finite & state.training, state.step)
    shown = (state.flags["diverged_at"] == NEVER) if final else state.training
    listed = {
        name: tuple(v if s else None for v, s in zip(value.tolist(), shown.tolist(), strict=True))
        for name, value in values.items()
    }
    members = tuple(m.index for m in work.members)
    return Measured(cohort, state.step, round(epoch(work, state.step), 6), members, listed, final)


def epoch(work: Work, step: int) -> float:
    """After how many passes over its rows a network has taken so many steps."""
    return sum(min(max(step - s.first, 0), s.last - s.first) / s.every for s in work.stretches)


def _evaluate(work: Work, state: CohortState) -> Tensors:
    batch = beside(work, state)
    if work.rows is None:
        found = work.stack.call(
            work.training.evaluate, state.tensors, batch, work.varying, state.memory
        )
        return {name: value.reshape(len(value), -1).mean(1) for name, value in found.items()}
    values: Tensors = {}
    for part in work.training.parts:
        for name, value in _evaluate_part(work, state, part, batch).items():
            values[f"{part}_{name}"] = value
    return values


def beside(work: Work, state: CohortState) -> dict[str, Tensors]:
    """What evaluations find in the batch beside rows: noise, and what the training rows say."""
    noise = work.evaluation_noise()
    batch: dict[str, Any] = {"noise": noise} if noise else {}
    if work.training.reference is not None:
        taken = work.take(torch.stack(work.row_lists[work.training.reference_part]))
        batch["reference"] = work.stack.call(
            work.training.reference, state.tensors, {**taken, **batch}, work.varying, state.memory
        )
    return batch


def _evaluate_part(work: Work, state: CohortState, part: str, batch: dict[str, Tensors]) -> Tensors:
    """Means over the rows of a part; shorter lists of rows are padded with weight 0."""
    rows, weights = padded(work.row_lists[part])
    sums: Tensors = {}
    for first in range(0, rows.shape[1], CHUNK_ROWS):
        chunk = slice(first, first + CHUNK_ROWS)
        taken = {**work.take(rows[:, chunk]), **batch}
        found = work.stack.call(
            work.training.evaluate, state.tensors, taken, work.varying, state.memory
        )
        for name, value in found.items():
            kept = torch.where(weights[:, chunk], value.to(work.dtype), 0).sum(1)
            sums[name] = sums.get(name, torch.zeros_like(kept)) + kept
    return {name: total / weights.sum(1) for name, total in sums.items()}


def padded(rows: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Row lists of nearly equal length as [N, R], and which entries count."""
    longest = max(len(r) for r in rows)
    padded = torch.stack([torch.nn.functional.pad(r, (0, longest - len(r))) for r in rows])
    lengths = torch.tensor([[len(r)] for r in rows], device=padded.device)
    return padded, torch.arange(longest, device=padded.device) < lengths


def probed(work: Work, state: CohortState, cohort: int) -> Probed:
    """Sizes of activations and gradients per layer of each member, on its first training rows.

    Only for supervised trainings: elsewhere there is no one loss to ask about.
    """
    found: dict[str, dict[str, list[float | None]]] = {}
    model, training = work.stack.template, work.training
    if isinstance(training, Supervised) and work.rows is not None:
        model.eval()
        for i, split in enumerate(work.rows.splits):
            load_member(work, state, i)
            taken = work.take(split[work.stretches[0].part][None, :PROBE_ROWS])
            batch = as_batch({name: value[0] for name, value in taken.items()})
            values = probe(model, partial(_loss, training.loss, model, batch))
            for kind, layers in values.items():
                for layer, value in layers.items():
                    found.setdefault(kind, {}).setdefault(layer, []).append(value)
    values_by_layer = {
        kind: {layer: tuple(values) for layer, values in layers.items()}
        for kind, layers in found.items()
    }
    return Probed(cohort, state.step, tuple(m.index for m in work.members), values_by_layer)


def _loss(loss: Callable[..., Tensor], model: nn.Module, batch: Any) -> Tensor:
    return loss(model(batch.inputs), batch.targets)


def load_member(work: Work, state: CohortState, index: int) -> None:
    """Lay one member's weights into the template, to look at it as a plain module."""
    own = {n: t[index].detach() for n, t in state.tensors.items() if n not in work.masks}
    work.stack.template.load_state_dict(own, strict=False)

"""One step of a cohort: a batch, the phases on it, their updates.

N member, B batch, R rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from pilotlight.core.errors import LabError
from pilotlight.core.settings import Settings
from pilotlight.engine.cohort import CohortState
from pilotlight.engine.optim import Coefficients, clip_by_norm, shaped
from pilotlight.engine.stack import Tensors, tree_map
from pilotlight.engine.work import Stretch, Work, draw
from pilotlight.nets.dropout import Dropout


def take_step(work: Work, state: CohortState, stretch: Stretch) -> Tensors:
    """Move every member by one step; returns the phases' metrics, each [N].

    Raises:
        LabError: a phase breaks a rule (random draw, Python decision, a loss that is no scalar).
    """
    work.stack.template.train()
    before = torch.random.get_rng_state() if state.step == 0 else None
    batch = _batch(work, state, stretch)
    _lay_masks(work, state, batch)
    if work.training.collect is not None:
        with torch.no_grad():
            batch, memory = work.stack.call(
                work.training.collect, state.tensors, batch, work.varying, state.memory
            )
        _remember(state, memory)
    metrics: Tensors = {}
    finite = torch.ones(len(work.members), dtype=torch.bool, device=work.device)
    for index, (phase, _, _) in enumerate(work.phases):
        if phase.when is None or phase.when(state.step, work.settings):
            # A first update differs from the later ones (dampening), so it is never compiled.
            later = work.compiled and state.counts[index] > 0
            loss, told = (_run_compiled if later else _run_phase)(work, state, index, batch)
            finite &= loss.isfinite()
            metrics.update(told)
    if before is not None and not torch.equal(before, torch.random.get_rng_state()):
        raise LabError(
            "A phase draws no random numbers: declare `noise` in the Training and read batch.noise."
        )
    state.step += 1
    state.flags["diverged_at"].masked_fill_(~finite & state.training, state.step)
    return metrics


def close_stretch(work: Work, state: CohortState, stretch: Stretch) -> None:
    """What a training does after a stage (an anchor, a Fisher), on all rows of the stage."""
    if work.training.between is None:
        return
    assert work.rows is not None
    rows = torch.stack([split[stretch.part] for split in work.rows.splits])
    batch = work.take(rows)
    memory = work.stack.call(
        work.training.between, state.tensors, batch, work.varying, state.memory
    )
    _remember(state, memory)


def _batch(work: Work, state: CohortState, stretch: Stretch) -> dict[str, Any]:
    """The next rows of each member's own order, and its noise for this step."""
    batch: dict[str, Any] = {}
    if work.rows is not None:
        at, size = (state.step - stretch.first) % stretch.every, work.settings.batch
        if at == 0:
            state.order = _new_order(work, state, stretch.part, stretch.every * size)
        batch = work.take(state.order[:, at * size : (at + 1) * size])
    if work.training.noise is not None:
        declared = work.training.noise(work.settings)
        batch["noise"] = draw(declared, state.generators["noise"], work.dtype, work.device)
    return batch


def _new_order(work: Work, state: CohortState, part: str, count: int) -> Tensor:
    """An epoch's rows of each member, in its own new order: as many as fill whole batches.

    A member with fewer rows than that goes through them again, in another order.
    """
    positions, orders = work.training.order or shuffled, []
    for rows, g in zip(work.row_lists[part], state.generators["order"], strict=True):
        again = -(-count // len(rows))
        drawn = torch.cat([positions(len(rows), work.settings, g) for _ in range(again)])
        orders.append(rows[drawn[:count].to(work.device)])
    return torch.stack(orders)


def shuffled(rows: int, settings: Settings, generator: torch.Generator) -> Tensor:
    """A random order, drawn anew for each epoch."""
    return torch.randperm(rows, generator=generator)


def _run_phase(
    work: Work, state: CohortState, index: int, batch: dict[str, Any]
) -> tuple[Tensor, Tensors]:
    """One phase and its update; returns its loss [N] and metrics."""
    loss, metrics, memory, gradients = _gradients(work, state, index, batch)
    _remember(state, memory)
    with torch.no_grad():
        _update(work, state, index, list(gradients), list(gradients.values()))
    return loss.detach(), {k: v.detach() for k, v in metrics.items()}


def _gradients(
    work: Work, state: CohortState, index: int, batch: dict[str, Any]
) -> tuple[Tensor, Tensors, dict[str, Any], Tensors]:
    """What a phase returns, and the gradient of each parameter that its loss depends on."""
    phase, _, moved = work.phases[index]
    loss, metrics, memory = work.stack.call(
        phase.loss, state.tensors, batch, work.varying, state.memory
    )
    if loss.shape != (len(work.members),):
        raise LabError(f"A phase returns one loss, a scalar; this one has shape {loss.shape[1:]}.")
    leaves = [state.parameters[name] for name in moved]
    found = torch.autograd.grad(loss.sum(), leaves, allow_unused=True)
    gradients = {n: g for n, g in zip(moved, found, strict=True) if g is not None}
    return loss, metrics, memory, gradients


def _update(
    work: Work, state: CohortState, index: int, names: list[str], gradients: list[Tensor]
) -> None:
    _, optimizer, _ = work.phases[index]
    if work.clip is not None:
        gradients = clip_by_norm(gradients, work.clip)
    coefficients = _coefficients(work, state, index)
    state.counts[index] += 1
    fitting: dict[int, Coefficients] = {}
    for name, gradient in zip(names, gradients, strict=True):
        parameter = state.parameters[name]
        slots = {slot: tree[name] for slot, tree in state.slots[index].items()}
        if parameter.dim() not in fitting:
            fitting[parameter.dim()] = shaped(coefficients, parameter.dim())
        optimizer.rule(parameter, gradient, slots, state.counts[index], fitting[parameter.dim()])


def _coefficients(work: Work, state: CohortState, index: int) -> dict[str, Tensor | None]:
    """Of a phase's optimizer at this step: the rate follows the schedule."""
    coefficients = dict(work.coefficients[index])
    if work.schedule is not None:
        settings = Settings({**work.settings, **work.varying})
        assert coefficients["rate"] is not None
        factor = work.schedule(state.step, work.steps, settings)
        coefficients["rate"] = coefficients["rate"] * factor
    return coefficients


def _run_compiled(
    work: Work, state: CohortState, index: int, batch: dict[str, Any]
) -> tuple[Tensor, Tensors]:
    """The same by a compiled program; parameters and slots are changed in place."""
    if index not in work.programs:
        # A copy, as a network may count its steps in a buffer.
        trial = replace(state, buffers={n: b.clone() for n, b in state.buffers.items()})
        *_, gradients = _gradients(work, trial, index, batch)
        work.compile_phase(index, tuple(gradients))
    moved = work.used[index]
    coefficients = _coefficients(work, state, index)
    state.counts[index] += 1
    tensors = {name: value.detach() for name, value in state.tensors.items()}
    with torch.no_grad():
        loss, (metrics, memory) = work.programs[index](
            {name: tensors.pop(name) for name in moved},
            tensors,
            {s: {name: tree[name] for name in moved} for s, tree in state.slots[index].items()},
            batch,
            work.varying,
            state.memory,
            coefficients,
            work.clip,
            torch.tensor(state.counts[index], dtype=work.dtype, device=work.device),
        )
    _remember(state, memory)
    return loss, metrics


def _remember(state: CohortState, memory: dict[str, Any]) -> None:
    """Keep what a phase returned: without graph, and apart from the weights updated in place."""
    if not memory:
        state.memory = {}
        return
    own = {t.untyped_storage().data_ptr() for t in state.tensors.values()}

    def keep(value: Tensor) -> Tensor:
        value = value.detach()
        return value.clone() if value.untyped_storage().data_ptr() in own else value

    state.memory = tree_map(keep, memory)


def _lay_masks(work: Work, state: CohortState, batch: dict[str, Any]) -> None:
    """Draw the mask of every Dropout from each member's own noise generator."""
    if not work.dropout_rates:
        return
    if not work.mask_shapes:
        work.mask_shapes.update(_find_mask_shapes(work, state, batch))
    for name, shape in work.mask_shapes.items():
        rate = work.dropout_rates[name].view(-1, *[1] * len(shape))
        drawn = [
            torch.rand(shape, generator=g, dtype=work.dtype) for g in state.generators["noise"]
        ]
        kept = torch.stack(drawn).to(work.device) >= rate
        state.buffers[f"{name}.mask"] = torch.where(kept, 1 / (1 - rate), 0.0)


def _find_mask_shapes(
    work: Work, state: CohortState, batch: dict[str, Any]
) -> dict[str, tuple[int, ...]]:
    """The shape that each Dropout sees, in the order in which they are called.

    From one pass in evaluation, where it draws nothing.

    Raises:
        LabError: a training that makes its own batches: one mask cannot serve both passes.
    """
    if work.training.collect is not None:
        raise LabError("Dropout does not go with `collect`: take masks from batch.noise.")
    shapes: dict[str, tuple[int, ...]] = {}
    hooks = [
        module.register_forward_pre_hook(
            lambda _, inputs, name=name: shapes.__setitem__(name, tuple(inputs[0].shape))
        )
        for name, module in work.stack.template.named_modules()
        if isinstance(module, Dropout)
    ]
    work.stack.template.eval()
    with torch.no_grad():
        for phase, _, _ in work.phases:
            work.stack.call(phase.loss, state.tensors, batch, work.varying, state.memory)
    work.stack.template.train()
    for hook in hooks:
        hook.remove()
    return shapes

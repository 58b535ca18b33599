"""What stays the same while a cohort trains: its networks' structure, rows, settings, course.

N member, B batch, R rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from pilotlight.core.errors import LabError
from pilotlight.core.lab import Lab
from pilotlight.core.settings import Settings
from pilotlight.data.generators import generator
from pilotlight.engine.cohort import GENERATORS, CohortState, new_flags
from pilotlight.engine.compiled import Program, program
from pilotlight.engine.material import Material, Rows
from pilotlight.engine.member import Member
from pilotlight.engine.optim import Optimizer, sgd
from pilotlight.engine.plan import Cohort, Plan, build
from pilotlight.engine.stack import (
    Stack,
    Tensors,
    dropouts,
    lay_channels_last,
    stack_models,
    tree_map,
)
from pilotlight.engine.steps import Noise, Phase, Training

MOST_LOOKS = 10
"""Evaluations at which the engine looks by itself: a look takes time, and room in the journal."""


class Stretch(NamedTuple):
    """A stage laid out in steps: which rows, from which step to which, evaluated how often."""

    part: str
    first: int
    last: int
    every: int


@dataclass(frozen=True)
class Work:
    """One cohort's training, ready to be stepped through."""

    training: Training
    members: tuple[Member, ...]
    stack: Stack
    models: list[nn.Module]
    rows: Rows | None
    varying: Tensors
    settings: Settings
    stretches: tuple[Stretch, ...]
    phases: tuple[tuple[Phase, Optimizer, tuple[str, ...]], ...]
    schedule: Any
    patience: int
    dropout_rates: Tensors
    device: str
    dtype: torch.dtype
    compiled: bool = False
    filmed: tuple[int, ...] = ()  # positions of the members of whom snapshots are kept
    mask_shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    used: dict[int, tuple[str, ...]] = field(default_factory=dict)
    programs: dict[int, Program] = field(default_factory=dict)

    def compile_phase(self, index: int, used: tuple[str, ...]) -> None:
        """Have a phase compiled for the parameters that its loss depends on."""
        if not self.programs:
            torch.compiler.reset()  # it keeps few programs, and those of other cohorts are done
        phase, optimizer, _ = self.phases[index]
        self.used[index] = used
        self.programs[index] = program(self.stack, phase.loss, optimizer, used)

    @property
    def steps(self) -> int:
        """All steps of each member."""
        return self.stretches[-1].last

    def stretch(self, step: int) -> Stretch:
        """The stretch that the step after `step` steps belongs to."""
        return next(s for s in self.stretches if step < s.last)

    @cached_property
    def evaluations(self) -> tuple[int, ...]:
        """The steps after which members are evaluated, the start too."""
        steps = (range(each.first, each.last + 1, each.every) for each in self.stretches)
        return tuple(sorted(set(chain.from_iterable(steps))))

    @cached_property
    def filmed_at(self) -> tuple[int, ...]:
        """The evaluations at which snapshots are taken, the first and the last too."""
        steps = self.evaluations
        return tuple(sorted({*steps[:: self.training.snapshot_every], steps[-1]}))

    @cached_property
    def looked(self) -> frozenset[int]:
        """Those at which the engine looks by itself: few, the first and the last too."""
        steps, most = self.filmed_at, min(MOST_LOOKS, len(self.filmed_at))
        return frozenset(steps[i * (len(steps) - 1) // max(most - 1, 1)] for i in range(most))

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Inputs and targets [N, B, ...] of row numbers [N, B]."""
        assert self.rows is not None
        flat = rows.flatten()

        def of(table: Tensor) -> Tensor:
            return table.index_select(0, flat).view(*rows.shape, *table.shape[1:])

        return {"inputs": of(self.rows.inputs), "targets": of(self.rows.targets), "rows": rows}

    @cached_property
    def coefficients(self) -> tuple[dict[str, Tensor | None], ...]:
        """Of each phase's optimizer, as [N]; None for what is off in all members."""
        return tuple(self._coefficients(optimizer) for _, optimizer, _ in self.phases)

    def _coefficients(self, optimizer: Optimizer) -> dict[str, Tensor | None]:
        found: dict[str, Tensor | None] = {}
        for name, default in optimizer.defaults.items():
            setting = optimizer.setting(name)
            values = [m.settings.get(setting, default) for m in self.members]
            kind = torch.bool if isinstance(default, bool) else self.dtype
            off = not default and not any(values)
            found[name] = None if off else torch.tensor(values, dtype=kind, device=self.device)
        return found

    @cached_property
    def masks(self) -> frozenset[str]:
        """The buffers in which the masks of Dropout lie; no part of a network's weights."""
        return frozenset(f"{name}.mask" for name in self.dropout_rates)

    @cached_property
    def clip(self) -> Tensor | None:
        """The largest norm of each member's gradient [N]; None for a lab that does not clip."""
        values = [m.settings["clip"] for m in self.members if "clip" in m.settings]
        return torch.tensor(values, dtype=self.dtype, device=self.device) if values else None

    @cached_property
    def row_lists(self) -> dict[str, list[Tensor]]:
        """Part -> each member's row numbers."""
        assert self.rows is not None
        return {part: [s[part] for s in self.rows.splits] for part in self.rows.splits[0]}

    def start(self) -> CohortState:
        """The state before the first step; once, as the networks' own weights are then let go."""
        parameters, buffers = stack_models(self.models, self.dtype, self.device)
        self.models.clear()
        if self.device == "cpu" and not self.stack.stacked:
            parameters = lay_channels_last(parameters)
        generators = {name: [generator(m.seed, name) for m in self.members] for name in GENERATORS}
        slots = [
            {s: {n: torch.zeros_like(parameters[n]) for n in moved} for s in optimizer.slots}
            for _, optimizer, moved in self.phases
        ]
        flags = new_flags(len(self.members), self.device)
        state = CohortState(
            parameters, buffers, slots, [0] * len(self.phases), {}, generators, flags
        )
        if self.training.start is not None:
            begin = self.training.start
            with torch.no_grad():
                state.memory = self.stack.call(
                    lambda model, batch, settings, memory: begin(model, settings),
                    state.tensors, {}, self.varying, {},
                )  # fmt: skip
                state.memory = tree_map(torch.clone, state.memory)
        return state

    def evaluation_noise(self) -> dict[str, Tensor]:
        """One draw per member for all evaluations of a run, apart from training's noise."""
        declared = self.training.evaluation_noise
        if declared is None:
            return {}
        own = [generator(m.seed, "evaluation") for m in self.members]
        return draw(declared(self.settings), own, self.dtype, self.device)


def draw(
    declared: Mapping[str, Noise],
    generators: list[torch.Generator],
    dtype: torch.dtype,
    device: str,
) -> dict[str, Tensor]:
    """Named noise [N, ...]; each member draws from its own generator, name after name."""
    drawn = {}
    for name, noise in declared.items():
        make = torch.randn if noise.kind == "normal" else torch.rand
        values = [make(noise.shape, generator=g, dtype=dtype) for g in generators]
        drawn[name] = torch.stack(values).to(device)
    return drawn


def work_for(lab: Lab, plan: Plan, cohort: Cohort, material: Material) -> Work:
    """Lay out a cohort's training.

    Raises:
        LabError: a phase that moves no parameter, rows too few for one batch.
    """
    members = tuple(plan.members[i] for i in cohort.members)
    dtype: torch.dtype = getattr(torch, plan.dtype)
    declared = lab.declared
    first = members[0].settings
    varying = {
        name: torch.tensor(
            [m.settings[name] for m in members],
            dtype=torch.bool if declared[name].scale == "switch" else dtype,
            device=plan.device,
        )
        for name in first
        if declared[name].per_member
    }
    fixed = {n: v for n, v in first.items() if not declared[n].per_member}
    models = [build(lab, m) for m in members]
    rows = material.rows(members, plan.device, dtype)
    return Work(
        training=lab.train,
        members=members,
        stack=Stack(models[0].to(plan.device, dtype), cohort.stacked, fixed),
        models=models,
        rows=rows,
        varying=varying,
        settings=Settings(fixed),
        stretches=stretches(lab, members[0], material),
        phases=tuple(_phase(p, lab, models[0]) for p in lab.train.phases),
        schedule=lab.schedule,
        patience=int(fixed.get("patience", 0)),
        dropout_rates={n: r.to(plan.device, dtype) for n, r in dropouts(models).items()},
        device=plan.device,
        dtype=dtype,
        compiled=plan.compiled and cohort.stacked,
        filmed=_filmed(lab, plan, members),
    )


def _filmed(lab: Lab, plan: Plan, members: tuple[Member, ...]) -> tuple[int, ...]:
    """Those of the run's first seeds: who is filmed is not chosen by what is seen."""
    first = sorted({m.seed for m in plan.members})[: lab.train.snapshot_seeds]
    return tuple(i for i, m in enumerate(members) if m.seed in first)


def _phase(phase: Phase, lab: Lab, model: nn.Module) -> tuple[Phase, Optimizer, tuple[str, ...]]:
    moved = tuple(
        n for n, p in model.named_parameters() if n.startswith(phase.moves) and p.requires_grad
    )
    if not moved:
        names = ", ".join(n for n, _ in model.named_parameters()) or "none"
        raise LabError(
            f"A phase moves {phase.moves!r}, but no parameter's name begins so. There is: {names}."
        )
    return phase, phase.optimizer or lab.optimizer or sgd, moved


def stretches(lab: Lab, member: Member, material: Material) -> tuple[Stretch, ...]:
    """The course of a member's training in steps; equal for all members of a cohort.

    An epoch has as many full batches as there are, or `epoch_steps` where there is such a setting:
    networks with more or fewer rows then train side by side.

    Raises:
        LabError: rows too few for one batch.
    """
    settings = member.settings
    if lab.data is None:
        return (Stretch("", 0, settings.steps, settings.measure_every),)
    stages = lab.train.stages(settings) if lab.train.stages else [("train", settings.epochs)]
    laid: list[Stretch] = []
    for part, epochs in stages:
        count = len(material.splits[member.index][part])
        if count < settings.batch and "epoch_steps" not in settings:
            raise LabError(
                f"batch={settings.batch}: {part!r} has only {count} rows. Take a smaller batch."
            )
        first = laid[-1].last if laid else 0
        every = settings.get("epoch_steps", count // settings.batch)
        laid.append(Stretch(part, first, first + epochs * every, every))
    return tuple(laid)

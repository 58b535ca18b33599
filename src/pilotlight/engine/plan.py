"""The plan: which networks a run trains (members) and which of them train together (cohorts).

The rule is fixed and versioned and measures nothing, so the same command gives the same plan, and
the same plan the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from pilotlight.core.errors import LabError, UsageError, raise_all, unknown
from pilotlight.core.lab import Lab
from pilotlight.core.settings import Settings, resolve
from pilotlight.data.generators import named_seed
from pilotlight.engine.material import Material, prepare
from pilotlight.engine.member import Member
from pilotlight.engine.stack import (
    SLOW_STACKED,
    refuse_hidden_draws,
    signature,
    why_not_stacked,
)

RULE = 3
TOGETHER = 32
"""Networks that train together: more gains nothing (benchmarks/), fewer leave cores idle."""
WORTH_HALVES = 24
"""From here on a group is cut so that two cores share it."""
LARGE_CONVOLUTION = 20e6
"""Batch x pixels x kernel weights, from which networks are quicker one by one on a CPU."""


@dataclass(frozen=True)
class Cohort:
    """Members that train together. One member alone runs as the plain module; `why` says why."""

    index: int
    members: tuple[int, ...]
    why: str

    @property
    def stacked(self) -> bool:
        """Whether its members go through each step at once."""
        return len(self.members) > 1


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run's numbers, apart from the lab's code, data and torch."""

    members: tuple[Member, ...]
    cohorts: tuple[Cohort, ...]
    device: str
    dtype: str = "float32"
    rule: int = RULE
    compiled: bool = False

    def to_json(self) -> dict[str, Any]:
        """A plain mapping, read back by `from_json`."""
        return {
            "rule": self.rule,
            "device": self.device,
            "dtype": self.dtype,
            "compiled": self.compiled,
            "members": [m.to_json() for m in self.members],
            "cohorts": [
                {"index": c.index, "members": list(c.members), "stacked": c.stacked, "why": c.why}
                for c in self.cohorts
            ],
        }

    @classmethod
    def from_json(cls, plan: Mapping[str, Any]) -> Plan:
        """The plan that a run was started with."""
        return cls(
            tuple(
                Member(m["index"], m["comparison"], m["seed"], Settings(m["settings"]))
                for m in plan["members"]
            ),
            tuple(Cohort(c["index"], tuple(c["members"]), c["why"]) for c in plan["cohorts"]),
            plan["device"],
            plan["dtype"],
            plan["rule"],
            plan.get("compiled", False),
        )


def make_members(
    lab: Lab, seeds: Iterable[int], changes: Mapping[str, Any], compare: Sequence[str] = ()
) -> tuple[Member, ...]:
    """Comparisons x seeds, in the lab's order.

    Raises:
        UsageError: unknown comparisons or settings, values out of range, all at once.
    """
    raise_all([unknown("comparison", c, lab.compare) for c in compare if c not in lab.compare])
    names = [c for c in lab.compare if not compare or c in compare]
    problems: list[str] = []
    settings: dict[str, Settings] = {}
    for name in names:
        try:
            settings[name] = resolve(lab.declared, changes, lab.compare[name], name)
        except UsageError as error:
            problems += [p for p in error.problems if p not in problems]
    raise_all(problems)
    pairs = [(name, seed) for name in names for seed in seeds]
    return tuple(Member(i, n, s, settings[n]) for i, (n, s) in enumerate(pairs))


def build(lab: Lab, member: Member) -> nn.Module:
    """A member's network with its first weights, drawn from its "init" seed.

    torch initialises from the process's generator, so that is lent to it and put back.
    """
    assert lab.model is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(named_seed(member.seed, "init"))
        model = lab.model(member.settings)
    assert isinstance(model, nn.Module)
    return model


def refuse_missing(lab: Lab) -> None:
    """Refuse a lab without the settings that lay out a training, or with ones that cannot.

    Raises:
        LabError: all that is missing.
    """
    if not lab.trains:
        return
    needed = {"steps", "measure_every"} if lab.data is None else {"batch", "epochs"}
    if lab.train.stages is not None:
        needed.discard("epochs")
    kind = "without" if lab.data is None else "with"
    problems = [
        f"settings: {name!r} is missing; a lab {kind} data needs it."
        for name in sorted(needed - set(lab.settings))
    ]
    if "patience" in lab.settings and "validation" not in lab.train.parts:
        problems.append(
            "patience: early stopping watches the part 'validation', which is not among the "
            f"training's parts {tuple(lab.train.parts)}."
        )
    raise_all(problems, LabError)


def make(
    lab: Lab,
    members: tuple[Member, ...],
    device: str,
    dtype: str = "float32",
    compiled: bool = False,
) -> tuple[Plan, Material]:
    """Group members into cohorts: equal whole numbers and choices, equal networks, equal steps.

    Raises:
        LabError: a setting that the engine reads is missing; a network with layers that draw from
            a shared generator.
    """
    refuse_missing(lab)
    material = prepare(lab, members)
    models = {name: build(lab, m) for name, m in {m.comparison: m for m in members}.items()}
    for model in models.values():
        refuse_hidden_draws(model)
    declared = lab.declared
    groups: dict[Any, list[Member]] = {}
    for member in members:
        whole = tuple((n, v) for n, v in member.settings.items() if not declared[n].per_member)
        split = material.splits.get(member.index, {})
        # what comes between stages, or before an evaluation, sees all rows of a part at once
        whole_parts = lab.train.between or lab.train.reference
        rows = tuple(len(r) for r in split.values()) if whole_parts else ()
        steps = material.steps_by_part(member)
        key = (whole, signature(models[member.comparison]), steps, rows)
        groups.setdefault(key, []).append(member)
    cohorts: list[tuple[tuple[int, ...], str]] = []
    for group in groups.values():
        why = why_one_by_one(models[group[0].comparison], group[0], material, device)
        indices = tuple(m.index for m in group)
        if why or len(group) == 1:
            cohorts += [((i,), why or "the only one of its shape") for i in indices]
        else:
            cohorts += [(c, "equal shapes, trained together") for c in cut(indices, device)]
    numbered = tuple(Cohort(i, members, why) for i, (members, why) in enumerate(cohorts))
    return Plan(members, numbered, device, dtype, compiled=compiled), material


def why_one_by_one(model: nn.Module, member: Member, material: Material, device: str) -> str:
    """Why a network trains apart from others of its shape, in words; empty if it need not.

    Convolutions: batch x pixels of a row x kernel weights stands for the work of a step. It is an
    upper bound, as pooling is left out. The bound it is held against was measured the same way.
    """
    if why := why_not_stacked(model):
        return why
    slow = sorted(
        {name for name, kind in SLOW_STACKED.items() for m in model.modules() if type(m) is kind}
    )
    if slow:
        return f"{', '.join(slow)}: quicker one by one"
    kernels = sum(p.numel() for p in model.parameters() if p.dim() >= 4)
    if device == "cpu" and kernels and material.tables:
        inputs, _ = material.tables[material.table_of[member.index]]
        work = member.settings.batch * math.prod(inputs.shape[2:]) * kernels
        if inputs.dim() >= 4 and work > LARGE_CONVOLUTION:
            return "large convolutions: quicker one by one"
    return ""


def cut(indices: tuple[int, ...], device: str) -> list[tuple[int, ...]]:
    """A group in nearly equal cohorts; on a GPU it stays whole."""
    count = len(indices)
    if device != "cpu" or count < WORTH_HALVES:
        return [indices]
    parts = -(-count // TOGETHER)
    parts += parts % 2
    return [indices[count * i // parts : count * (i + 1) // parts] for i in range(parts)]

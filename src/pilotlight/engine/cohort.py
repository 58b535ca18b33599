"""The state of a cohort in training: everything that a checkpoint holds, and nothing else.

N member. All tensors are [N, ...], so one index tells a member's share of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from pilotlight.engine.stack import Tensors

GENERATORS = ("order", "noise")
NEVER = -1


@dataclass
class CohortState:
    """Where training stands after `step` steps.

    Attributes:
        slots: per phase, slot name -> parameter name -> tensor.
        counts: per phase, how many updates it has made.
        memory: what the phases remember (`state` in a phase).
        order: each member's rows of the current stage in the order of this epoch [N, R].
        best: weights of the best evaluation so far (early stopping); empty without.
        flags: per member: diverged_at, stopped_at, best_step (step or NEVER), best_value, waited,
            told (its divergence has been said).
        generators: per name, one generator per member.
    """

    parameters: Tensors
    buffers: Tensors
    slots: list[dict[str, Tensors]]
    counts: list[int]
    memory: dict[str, Any]
    generators: dict[str, list[torch.Generator]]
    flags: Tensors
    step: int = 0
    order: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    best: Tensors = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def tensors(self) -> Tensors:
        """Parameters and buffers, as a module's state."""
        return {**self.parameters, **self.buffers}

    @property
    def training(self) -> Tensor:
        """Members that have neither diverged nor stopped, [N] bool."""
        return (self.flags["diverged_at"] == NEVER) & (self.flags["stopped_at"] == NEVER)

    def snapshot(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Named copies of all tensors, and the plain numbers beside them."""
        tensors = {
            f"{group}/{name}": value.detach().cpu().clone(memory_format=torch.contiguous_format)
            for group, tree in self._trees().items()
            for name, value in _flat(tree).items()
        }
        for name, members in self.generators.items():
            states = torch.stack([g.get_state() for g in members])
            tensors[f"generators/{name}"] = states
        return tensors, {"step": self.step, "counts": list(self.counts), "seconds": self.seconds}

    def restore(self, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        """Become the state that `snapshot` was taken of."""
        device = self.flags["diverged_at"].device
        groups: dict[str, dict[str, Tensor]] = {}
        for path, value in tensors.items():
            group, _, name = path.partition("/")
            groups.setdefault(group, {})[name] = value
        for name, states in groups.pop("generators", {}).items():
            # a generator keeps a view of the state it is given, hence the copy
            for own, state in zip(self.generators[name], states, strict=True):
                own.set_state(state.clone())
        for name, value in groups.get("parameters", {}).items():
            self.parameters[name].data.copy_(value)
        # copies, as training changes them in place
        moved = {
            g: {n: v.to(device, copy=True) for n, v in tree.items()} for g, tree in groups.items()
        }
        self.buffers = moved.get("buffers", {})
        self.flags = moved["flags"]
        self.best = moved.get("best", {})
        self.order = moved["order"]["rows"]
        self.memory = _nested(moved.get("memory", {}))
        for path, value in groups.get("slots", {}).items():
            index, slot, name = path.split(SEPARATOR)
            self.slots[int(index)][slot][name].copy_(value)
        self.step, self.counts = about["step"], list(about["counts"])
        self.seconds = about["seconds"]

    def _trees(self) -> dict[str, Any]:
        return {
            "parameters": self.parameters,
            "buffers": self.buffers,
            "slots": {str(i): slots for i, slots in enumerate(self.slots)},
            "memory": self.memory,
            "flags": self.flags,
            "best": self.best,
            "order": {"rows": self.order},
        }


ORDER = "order/rows"
"""The order of an epoch's rows; between epochs nobody needs it."""


def shares(tensors: Mapping[str, Tensor], members: Sequence[int]) -> dict[str, Tensor]:
    """A snapshot between two epochs cut into what each network has: "member/name" to tensor."""
    return {
        f"{member}/{name}": value[i]
        for name, value in tensors.items()
        if name != ORDER
        for i, member in enumerate(members)
    }


def joined(kept: Mapping[str, Tensor], members: Sequence[int]) -> dict[str, Tensor]:
    """The snapshot of a cohort of some of these networks; `kept` is what `shares` gave."""
    first = f"{members[0]}/"
    names = [path.removeprefix(first) for path in kept if path.startswith(first)]
    found = {n: torch.stack([kept[f"{member}/{n}"] for member in members]) for n in names}
    return found | {ORDER: torch.zeros(0, dtype=torch.int64)}


SEPARATOR = "|"


def _flat(tree: Mapping[str, Any], path: str = "") -> dict[str, Tensor]:
    """Nested mappings as one, names joined; parameter names hold dots, so the join is a bar."""
    flat: dict[str, Tensor] = {}
    for name, value in tree.items():
        key = f"{path}{SEPARATOR}{name}" if path else str(name)
        flat.update(_flat(value, key) if isinstance(value, Mapping) else {key: value})
    return flat


def _nested(flat: Mapping[str, Tensor]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *groups, name = path.split(SEPARATOR)
        at = tree
        for group in groups:
            at = at.setdefault(group, {})
        at[name] = value
    return tree


def new_flags(members: int, device: str) -> Tensors:
    """No member has diverged, stopped or been best."""

    def of(value: float, dtype: torch.dtype) -> Tensor:
        return torch.full((members,), value, dtype=dtype, device=device)

    return {
        "diverged_at": of(NEVER, torch.int64),
        "stopped_at": of(NEVER, torch.int64),
        "best_step": of(NEVER, torch.int64),
        "best_value": of(torch.inf, torch.float64),
        "waited": of(0, torch.int64),
        "told": of(0, torch.bool),
    }

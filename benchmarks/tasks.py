"""What all contenders learn: three labs, and for each seed the same first weights and rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from pilotlight.core.lab import Lab
from pilotlight.core.settings import Settings
from pilotlight.engine.material import Material, prepare
from pilotlight.engine.member import Member
from pilotlight.engine.plan import build, make_members
from pilotlight.labs.catalogue import load

LABS = Path(__file__).parent / "labs"


class Trained(NamedTuple):
    """Networks that were trained: updates of all of them, seconds of training, test accuracies.

    Seconds are CPU seconds of this process, all threads together; on a GPU those of the clock.
    """

    steps: int
    seconds: float
    accuracies: tuple[float, ...] = ()
    compile_seconds: float = 0.0


class Problem(NamedTuple):
    """What one network starts from: its module, settings, rows to train and rows to test."""

    seed: int
    model: nn.Module
    settings: Settings
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Task:
    """A lab's training, and how many networks of it are trained in each of several rounds.

    Who trains one network after another gets `few` of them; who trains them together gets, in
    turn, each number in `together`.
    """

    name: str
    rounds: int
    few: int
    together: tuple[int, ...]
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The lab's file."""
        return LABS / f"{self.name}.py"

    @cached_property
    def lab(self) -> Lab:
        """The lab, loaded as a person's own file is."""
        return load(str(self.path))

    def members(self, seeds: Iterable[int]) -> tuple[Member, ...]:
        """A network for each seed."""
        return make_members(self.lab, seeds, self.changes)

    def material(self, members: tuple[Member, ...]) -> Material:
        """Their rows."""
        return prepare(self.lab, members)

    @cached_property
    def steps(self) -> int:
        """Updates of each network: full batches only."""
        members = self.members([0])
        batches = dict(self.material(members).steps_by_part(members[0]))["train"]
        return int(batches * members[0].settings.epochs)

    def problem(self, seed: int, device: str) -> Problem:
        """One network as the engine would start it, with its rows."""
        members = self.members([seed])
        material, (member,) = self.material(members), members
        inputs, targets = material.tables[material.table_of[member.index]]
        train, test = (
            (inputs[rows].to(device), targets[rows].to(device))
            for rows in (material.splits[member.index][part] for part in ("train", "test"))
        )
        return Problem(seed, build(self.lab, member).to(device), member.settings, train, test)


ON_CPU = (
    Task("mlp", rounds=5, few=4, together=(8, 32, 128)),
    Task("convnet", rounds=3, few=2, together=(4,)),
    Task("lstm", rounds=3, few=2, together=(4,)),
)
ON_GPU = (
    Task("mlp", rounds=3, few=2, together=(32, 1024)),
    Task("convnet", rounds=3, few=2, together=(32, 1024)),
    Task("lstm", rounds=3, few=2, together=()),
)


def clock(device: str) -> Callable[[], float]:
    """CPU seconds of this process; for a GPU, seconds of the clock once it has caught up."""
    if device == "cpu":
        return time.process_time

    def caught_up() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return caught_up


def accuracy(model: Callable[[Tensor], Tensor], test: tuple[Tensor, Tensor]) -> float:
    """Share of rows whose class is told right."""
    with torch.no_grad():
        return float((model(test[0]).argmax(1) == test[1]).double().mean())

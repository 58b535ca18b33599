"""A tiny lab that trains in milliseconds, and a training as tests read it."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from pilotlight.core.event import CohortDone, Measured
from pilotlight.core.lab import Lab
from pilotlight.core.settings import log, unit, whole
from pilotlight.data.table import Data
from pilotlight.engine.optim import sgd
from pilotlight.engine.plan import make, make_members
from pilotlight.engine.run import run
from pilotlight.engine.steps import supervised
from pilotlight.nets.dense import mlp


def clusters():
    """Three clouds of 20 points in four dimensions."""
    targets = torch.arange(60) % 3
    noise = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    return noise + 2.0 * torch.eye(4)[targets], targets


TINY = Lab(
    area="foundations",
    seconds=10,
    text="",
    data=Data("clusters", clusters, classes=3),
    model=lambda s: mlp(4, [s.hidden], 3),
    train=supervised(cross_entropy),
    optimizer=sgd,
    settings={
        "rate": log(1e-6, 1e9, 0.1),
        "momentum": unit(0.5),
        "hidden": whole(1, 64, 5),
        "batch": whole(1, 60, 8),
        "epochs": whole(0, 100, 3),
    },
    compare={"plain": {}, "heavy": {"momentum": 0.9}},
)


@dataclass(frozen=True)
class Trained:
    """All events of a run, and what tests ask of them."""

    plan: object
    events: list

    def of(self, kind):
        return [e for e in self.events if isinstance(e, kind)]

    @property
    def weights(self):
        """ "member/parameter" -> tensor."""
        return {n: w for e in self.of(CohortDone) for n, w in e.weights.items()}

    def network(self, member):
        """The weights of one member by their names in the network."""
        mark = f"{member}/"
        return {n.removeprefix(mark): w for n, w in self.weights.items() if n.startswith(mark)}

    def curve(self, metric, member):
        """All values along the way; None where there was none to see."""
        return [
            e.values[metric][e.members.index(member)]
            for e in self.of(Measured)
            if member in e.members and not e.final and metric in e.values
        ]

    def final(self, metric, member):
        event = next(e for e in self.of(Measured) if e.final and member in e.members)
        return event.values[metric][event.members.index(member)]


def train_lab(lab, seeds=(0, 1, 2), changes=None, *, compare=(), dtype="float64", **resumed):
    members = make_members(lab, seeds, changes or {}, compare)
    plan, material = make(lab, members, "cpu", dtype)
    return Trained(plan, list(run(lab, plan, material, **resumed)))


def tiny_lab(settings=(), **fields):
    return replace(TINY, settings={**TINY.settings, **dict(settings)}, **fields)


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Small networks are slower with more, most of all where cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(name="train", scope="session")
def _train():
    """`train(lab, seeds, changes, ...)` runs a lab in float64."""
    return train_lab


@pytest.fixture(name="tiny", scope="session")
def _tiny():
    """`tiny(settings={...}, **fields)`: the tiny lab with other settings and fields."""
    return tiny_lab

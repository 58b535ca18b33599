"""Who trains a task's networks: Pilotlight, plain PyTorch and its peers, and the floor."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import NamedTuple

from benchmarks import engine, peers
from benchmarks.floor import floor
from benchmarks.tasks import Problem, Task, Trained
from pilotlight.engine.plan import build
from pilotlight.engine.stack import why_not_stacked

REFERENCE = "plain loop, DataLoader"
TENSORS = "plain loop, tensors"
PILOTLIGHT = "Pilotlight"
COMPILED = "Pilotlight, compiled"
WHOLE = "Pilotlight, whole run"
FLOOR = "floor: products only"
OURS = (PILOTLIGHT, COMPILED, WHOLE)


class Contender(NamedTuple):
    """A way to train networks of a task, so many at once; most train one after another."""

    name: str
    train: Callable[[Task, Sequence[int], str], Trained]
    together: int = 1


def of(task: Task, device: str) -> tuple[list[Contender], list[str]]:
    """All that can run here, and in words who is left out and why."""
    left_out: list[str] = []
    why = why_not_stacked(build(task.lab, *task.members([0])))
    sizes = (1,) if why else (1, *task.together)
    dense = task.name == "mlp"
    if why:
        left_out.append(f"{task.name}, {PILOTLIGHT} together: {why}.")
    whole = 32 if 32 in sizes else 1
    found = [
        Contender(REFERENCE, _alone(peers.plain_with_loader)),
        Contender(TENSORS, _alone(peers.plain_on_tensors)),
        *(Contender(PILOTLIGHT, engine.steps_only, n) for n in sizes),
        *(Contender(COMPILED, engine.compiled_steps, n) for n in sizes if n > 1 and dense),
        Contender(WHOLE, engine.whole_run, whole),
        *(Contender(FLOOR, floor, n) for n in (sizes if dense else (1,))),
    ]
    if device == "cpu":
        found += _others(task, left_out)
    return found, left_out


def _others(task: Task, left_out: list[str]) -> list[Contender]:
    """Peers that may not be installed."""
    others = {
        "skorch": [Contender("skorch", _alone(peers.skorch))],
        "lightning": [Contender("Lightning", _alone(peers.lightning))],
        "jax": [Contender("JAX", _jax, n) for n in (1, *task.together)],
    }
    if task.name == "mlp":
        others["sklearn"] = [Contender("scikit-learn", _alone(peers.scikit_learn))]
    missing = [name for name in others if importlib.util.find_spec(name) is None]
    left_out += [f"{task.name}, {others[name][0].name}: not installed." for name in missing]
    return [c for name, cs in others.items() if name not in missing for c in cs]


def _alone(train: Callable[[Problem, str], Trained]) -> Callable[..., Trained]:
    """A way to train one network, as a contender that is given one at a time."""

    def one(task: Task, seeds: Sequence[int], device: str) -> Trained:
        (seed,) = seeds
        return train(task.problem(seed, device), device)

    return one


def _jax(task: Task, seeds: Sequence[int], device: str) -> Trained:
    """Imported only when it is there."""
    from benchmarks import jax_peer

    return jax_peer.train(task, seeds, device)

"""Two cores against one: the clock's seconds of the same run with one worker process and with two.

Beside it stands what the machine itself gives: matrix products alone, in one process and in two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks.floor import dense
from benchmarks.tasks import ON_CPU
from pilotlight.app.prepare import Prepared, prepare
from pilotlight.app.training import events
from pilotlight.app.worker import PRELOAD
from pilotlight.core.command import RunCommand
from pilotlight.engine.arithmetic import one_thread
from pilotlight.execute.processes import Job, Workers

ROUNDS = 2
RUNS = {"mlp": (64, 20), "convnet": (24, 1), "lstm": (8, 4)}
"""Networks and epochs: some five seconds on one core."""


def products(repeats: int) -> Iterator[int]:
    """Matrix products and nothing else, in this process."""
    with one_thread():
        step = dense((64, 64, 64, 10), 32, "cpu")
        for _ in range(repeats):
            step()
        yield repeats


def compare() -> dict[str, Any]:
    """Seconds of each kind with one job and with two, in turn; the quickest of each count."""
    runs = {name: _prepared(name, *counts) for name, counts in RUNS.items()}
    started = time.perf_counter()
    _train(_prepared("lstm", 2, 1), 2)  # the server that starts workers
    first = time.perf_counter() - started
    return {
        "first_start_and_tiny_run": first,
        "products": _rounds(_products),
        **{name: _rounds(partial(_train, run)) for name, run in runs.items()},
    }


def _rounds(seconds: Callable[[int], float]) -> dict[str, Any]:
    one, two = list[float](), list[float]()
    for _ in range(ROUNDS):
        one.append(seconds(1))
        two.append(seconds(2))
    return {"one": one, "two": two, "ratio": min(one) / min(two)}


def _prepared(name: str, seeds: int, epochs: int) -> Prepared:
    task = next(t for t in ON_CPU if t.name == name)
    return prepare(
        RunCommand(str(task.path), seeds=seeds, changes={"epochs": epochs}, device="cpu")
    )


def _train(run: Prepared, jobs: int) -> float:
    started = time.perf_counter()
    for _ in events(run, jobs, shown=(), done=(), checkpoints={}):
        pass
    return time.perf_counter() - started


def _products(jobs: int) -> float:
    """The clock's seconds of the same products, in so many processes that share them."""
    parts = [Job("benchmarks.cores", "products", {"repeats": 1200 // jobs})] * jobs
    started = time.perf_counter()
    with Workers(jobs, PRELOAD) as workers:
        for _ in workers.stream(parts):
            pass
    return time.perf_counter() - started

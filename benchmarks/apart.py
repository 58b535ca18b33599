"""Ours and theirs in two processes: what one does to its process must not help the other.

Pilotlight has its process keep freed memory, which would quicken a peer's loop too. Each process
lives through all rounds, and only one of them works at a time.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import torch

from benchmarks import contenders
from benchmarks.contenders import Contender
from benchmarks.tasks import ON_CPU, ON_GPU, Task, Trained


class Apart:
    """Lets a contender train in its own kind's process; leaving the `with` ends both."""

    def __init__(self) -> None:
        fresh = multiprocessing.get_context("spawn")
        self._pools = {ours: ProcessPoolExecutor(1, fresh) for ours in (True, False)}

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)

    def train(self, contender: Contender, task: Task, seeds: Sequence[int], device: str) -> Trained:
        """What `contender.train` gives, from the other process."""
        pool = self._pools[contender.name in contenders.OURS]
        which = (task.name, contender.name, contender.together)
        return pool.submit(_train, which, list(seeds), device).result()


def _train(which: tuple[str, str, int], seeds: Sequence[int], device: str) -> Trained:
    torch.set_num_threads(1)
    name, contender, together = which
    task, able = _known(name, device)
    return able[contender, together].train(task, seeds, device)


@cache
def _known(name: str, device: str) -> tuple[Task, dict[tuple[str, int], Contender]]:
    task = next(t for t in (ON_CPU if device == "cpu" else ON_GPU) if t.name == name)
    return task, {(c.name, c.together): c for c in contenders.of(task, device)[0]}

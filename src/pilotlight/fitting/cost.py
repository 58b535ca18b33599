"""How long a study will take and how much memory, by a fixed rule; measured once on one core."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pilotlight.fitting.candidates import MOST_CANDIDATES, draw
from pilotlight.fitting.choose import going_on_of
from pilotlight.fitting.memory import memory_of
from pilotlight.fitting.study import Study

STEP = 40e-6
"""Seconds of one network's step beside its arithmetic, when some 30 train together."""
ALONE = 600e-6
"""The same for a network that trains alone, such as a GRU."""
ARITHMETIC = 1.6e-10
"""Seconds for each parameter and row of a step (forward, backward, update)."""
FIT = 0.015
"""Seconds of any fit of scikit-learn, however small."""
TREE = 1e-3
"""Seconds of one tree of boosting, of which there are a hundred (for each class)."""


@dataclass(frozen=True)
class Cost:
    """Rough seconds on one core, bytes of memory, and how many networks there are to train."""

    seconds: float
    bytes: float
    networks: int

    def to_json(self) -> Mapping[str, float]:
        """A plain mapping."""
        return {
            "seconds": round(self.seconds, 1),
            "memory_mb": round(self.bytes / 1e6),
            "networks": self.networks,
        }


def cost_of(study: Study) -> Cost:
    """What a study will cost; within a factor of two or three, as machines differ."""
    places = len(study.places)
    inner = sum(len(p.inner) for p in study.places)
    searched = inner * len(study.candidates) * study.batches
    refits = places * study.seeds * len(study.networks)
    refits += (places - 1) * study.seeds * len(study.shares)
    kinds = {n.name: n for n in study.networks}
    per_epoch = max(1, study.fewest // study.batch)
    search = (
        inner
        * per_epoch
        * sum(epochs * _step(study, kinds[n].cost > 1) for _, n, epochs in search_epochs(study))
    )
    steps = study.epochs * per_epoch
    refit = places * study.seeds * sum(_step(study, n.cost > 1) for n in study.networks)
    refit *= 1 + len(study.shares) / len(study.networks)
    return Cost(
        3 + search + 1.5 * refit * steps + _baselines(study),
        memory_of(study),
        searched + refits,
    )


def search_epochs(study: Study) -> Iterator[tuple[int, str, int]]:
    """Round, network's name, epochs that all candidates of that name train in it on one fold."""
    for name, count in Counter(c.network for c in study.candidates).items():
        before = 0
        for number, end in enumerate(study.rounds):
            yield number, name, count * (end - before) * study.batches
            before, count = end, going_on_of(count)


def _step(study: Study, alone: bool) -> float:
    """Seconds of one step of one network."""
    question = study.question
    width = question.x.shape[1]
    if question.shape is None:
        weights = 64 * (width + 32 + question.outputs)
        return float(STEP + ARITHMETIC * study.batch * weights)
    steps, channels = question.shape
    if alone:
        return ALONE + steps * (60e-6 + ARITHMETIC * study.batch * 3 * 24 * (24 + channels))
    work = 4 * ARITHMETIC * study.batch * steps * 5 * 32 * (channels + 16)
    return float(STEP + work)


def _baselines(study: Study) -> float:
    """Seconds of all fits of all baselines, each grid on the inner folds of each outer one."""
    rows, width = study.fewest, study.question.x.shape[1]
    heads = study.question.heads or (study.question.outputs,)
    boosted = sum(classes if classes > 2 else 1 for classes in heads)
    each = {
        "nearest": 1e-10 * rows * rows * width * len(heads),
        "boosting": 100 * boosted * (TREE + 2.5e-8 * rows * width),
    }
    linear = 4e-7 * rows * width * study.question.outputs
    total = 0.0
    for baseline in study.baselines:
        runs = len(baseline.grid) * len(study.folds.whole) if len(baseline.grid) > 1 else 0
        one = FIT * len(heads) + each.get(baseline.name, linear)
        total += len(study.folds.outer) * (runs + 1) * one
    return total


def for_budget(study: Study, seconds: float) -> int:
    """The largest number of candidates whose study is thought to take so long; at least 1."""
    low, high = 1, MOST_CANDIDATES
    while low < high:
        middle = math.ceil((low + high) / 2)
        tried = replace(study, candidates=draw(study.networks, middle))
        low, high = (middle, high) if cost_of(tried).seconds <= seconds else (low, middle - 1)
    return low

"""Let contenders train in turn, round after round, so that a busy machine hits all alike.

The quickest round counts. All must take the same steps and end equally accurate, so that nobody is
fast by doing less.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scipy import stats

from benchmarks.contenders import FLOOR, REFERENCE, TENSORS, Contender
from benchmarks.tasks import Task, Trained

MARGIN, LEVEL = 0.01, 0.999
"""Mean accuracies agree if they may differ by one point or less, at this level of confidence."""


@dataclass
class Result:
    """What a contender did in all rounds."""

    name: str
    together: int
    rounds: list[Trained] = field(default_factory=list)

    @property
    def seconds_per_step(self) -> list[float]:
        """Seconds of one update of one network, round by round."""
        return [r.seconds / r.steps for r in self.rounds]

    @property
    def best(self) -> float:
        """The quickest round."""
        return min(self.seconds_per_step)

    @property
    def accuracies(self) -> list[float]:
        """Test accuracies of all networks."""
        return [a for r in self.rounds for a in r.accuracies]

    def to_json(self, others: Sequence[Result]) -> dict[str, Any]:
        """Raw seconds, accuracies in short, and ratios to the reference and to the floor."""
        told = self.accuracies
        return {
            "contender": self.name,
            "together": self.together,
            "seconds_per_step": self.seconds_per_step,
            "best": self.best,
            "steps_per_second": 1 / self.best,
            "times_reference": _best(others, REFERENCE) / self.best,
            "times_tensors": _best(others, TENSORS) / self.best,
            "times_floor": self.best / _floor(others, self.together),
            "networks": len(told),
            "accuracy": statistics.mean(told) if told else None,
            "accuracy_sd": statistics.stdev(told) if len(told) > 1 else None,
            "compile_seconds": max(r.compile_seconds for r in self.rounds) or None,
        }


def _best(results: Sequence[Result], name: str) -> float:
    return next(r.best for r in results if r.name == name)


def _floor(results: Sequence[Result], together: int) -> float:
    """The floor for so many networks at once; where there is none, that for one."""
    floors = {r.together: r.best for r in results if r.name == FLOOR}
    return floors.get(together, floors[1])


Train = Callable[[Contender, Task, Sequence[int], str], Trained]


def here(contender: Contender, task: Task, seeds: Sequence[int], device: str) -> Trained:
    """Train in this process."""
    return contender.train(task, seeds, device)


def run(
    task: Task, contenders: Sequence[Contender], device: str, train: Train = here
) -> list[Result]:
    """All rounds; every other one in reverse, so that nobody always follows the same one."""
    results = {c: Result(c.name, c.together) for c in contenders}
    for number in range(task.rounds):
        order = list(contenders)[:: -1 if number % 2 else 1]
        for contender in order:
            results[contender].rounds.append(_round(task, contender, device, number, train))
    return list(results.values())


def _round(task: Task, contender: Contender, device: str, number: int, train: Train) -> Trained:
    """One round of a contender, with seeds of its own; who trains one at a time gets a few."""
    count = contender.together if contender.together > 1 else task.few
    seeds = range(number * count, (number + 1) * count)
    size = contender.together
    groups = [
        train(contender, task, seeds[first : first + size], device)
        for first in range(0, count, size)
    ]
    trained = Trained(
        sum(g.steps for g in groups),
        sum(g.seconds for g in groups),
        tuple(a for g in groups for a in g.accuracies),
        max(g.compile_seconds for g in groups),
    )
    if contender.name != FLOOR and trained.steps != task.steps * count:
        raise AssertionError(
            f"{contender.name} took {trained.steps} steps of {task.name}, not {task.steps * count}."
        )
    return trained


def disagreements(results: Sequence[Result]) -> list[str]:
    """Whose mean accuracy differs from the reference's by more than the margin and noise."""
    (reference,) = (r for r in results if r.name == REFERENCE)
    return [
        f"{r.name}, {r.together} together: accuracy {statistics.mean(r.accuracies):.4f}, "
        f"reference {statistics.mean(reference.accuracies):.4f}"
        for r in results
        if r.accuracies and _differ(r.accuracies, reference.accuracies)
    ]


def _differ(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether Welch's interval of the difference lies beyond the margin."""
    if min(len(one), len(other)) < 2:
        return False  # nothing is known of the noise
    if len(set(one)) == len(set(other)) == 1:
        return abs(one[0] - other[0]) > MARGIN
    interval = stats.ttest_ind(one, other, equal_var=False).confidence_interval(LEVEL)
    return bool(interval.low > MARGIN or interval.high < -MARGIN)

"""Scores, their intervals, and the paired difference of two models on the same held-out rows.

Every score is 1 - (sum of losses) / (sum of a reference's losses) over held-out rows:

    classification  accuracy: loss 1 for a wrong class, reference 1
    regression      R2: squared error, reference the mean of the training rows
    counts          D2: Poisson deviance, reference the mean of the training rows

For rows in time the reference is the mean of the test block itself. Blocks differ in level when a
target drifts, and a network can find out where in the recording it is; that earns nothing so.

Of several targets the score is the mean of theirs.

R rows, K targets, G units (groups, blocks of time or rows).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from pilotlight.data.columns import Array
from pilotlight.fitting.question import Question, Rows, Task
from pilotlight.fitting.split import Fold

LEVEL = 0.05
FEWEST_UNITS = 3
METRICS: dict[Task, str] = {"classification": "accuracy", "regression": "R2", "counts": "D2"}
LEAST_RATE = 1e-9


@dataclass(frozen=True)
class Estimate:
    """A score or a difference of scores, with its interval where there can be one."""

    value: float
    interval: tuple[float, float] | None
    units: int

    def to_json(self) -> dict[str, Any]:
        """A plain mapping."""
        return {"value": self.value, "interval": list(self.interval) if self.interval else None}


def losses(task: Task, y: Array, predicted: Array) -> Array:
    """The loss of each row [R]; `predicted` is [R, classes], or a number or rate a row [R].

    Of several targets, that of each: [R, K].
    """
    if task == "classification":
        return np.asarray(predicted.argmax(axis=1) != y, np.float64)
    if task == "regression":
        return np.asarray((y - predicted) ** 2)
    return deviance(y, predicted)


def deviance(y: Array, rate: Array) -> Array:
    """Poisson deviance of each count given its rate: 2 (y log(y / rate) - y + rate)."""
    rate = np.maximum(rate, LEAST_RATE)
    logs = y * np.log(np.maximum(y, LEAST_RATE) / rate)
    return np.asarray(2 * (np.where(y > 0, logs, 0.0) - y + rate))


def reference(question: Question, folds: Sequence[Fold]) -> Array:
    """The loss [R] or [R, K] that is worth a score of 0: 1, or that of a mean; see the module."""
    base = np.ones(question.y.shape)
    if question.task == "classification":
        return base
    for fold in folds:
        known = fold.test if question.in_time else fold.train
        mean = np.broadcast_to(question.y[known].mean(0), question.y[fold.test].shape)
        base[fold.test] = losses(question.task, question.y[fold.test], mean)
    return base


def evened(base: Array, tested: Rows) -> Array:
    """Factors [K] that make each target's reference sum to 1 over the tested rows.

    A loss weighed so and summed over targets gives, in one ratio of sums, the mean of their scores.
    """
    return np.asarray(1 / base[tested].sum(0))


def estimate(task: Task, loss: Array, base: Array, units: Rows, level: float = LEVEL) -> Estimate:
    """A score over held-out rows and its interval over units.

    R2 and D2 are ratios of sums: their error is that of the linear part over units, by Student's t
    with G - 1 degrees of freedom. Accuracy takes Wilson's interval (1927) with as many rows as give
    that error, which also holds near 0 and 1.
    Source: Cochran (1977), Sampling Techniques, 6.3 and 9A; for one row a unit this is the interval
    of Bayle et al. (2020), Cross-validation confidence intervals for test error.
    """
    value = 1 - float(loss.sum() / base.sum())
    error, count = _error(loss, base, units)
    if error is None or (error == 0 and task != "classification"):
        return Estimate(value, None, count)
    quantile = float(stats.t.isf(level / 2, count - 1))
    if task == "classification":
        return Estimate(value, _wilson(value, error, count, quantile), count)
    return Estimate(value, (value - quantile * error, value + quantile * error), count)


def difference(
    loss: Array, other: Array, base: Array, units: Rows, level: float = LEVEL
) -> Estimate:
    """Score less another's on the same rows; paired, by Student's t over units."""
    value = float((other - loss).sum() / base.sum())
    error, count = _error(loss - other, base, units)
    if error is None or error == 0:
        return Estimate(value, None, count)
    half = float(stats.t.isf(level / 2, count - 1)) * error
    return Estimate(value, (value - half, value + half), count)


def _error(loss: Array, base: Array, units: Rows) -> tuple[float | None, int]:
    """Standard error of (sum of losses) / (sum of base) over units, and how many units."""
    _, place = np.unique(units, return_inverse=True)
    count = int(place.max()) + 1
    if count < FEWEST_UNITS:
        return None, count
    ratio = loss.sum() / base.sum()
    linear = np.bincount(place, loss - ratio * base)
    return float(math.sqrt(count / (count - 1) * (linear**2).sum()) / base.sum()), count


def _wilson(value: float, error: float, count: int, quantile: float) -> tuple[float, float]:
    """Wilson's score interval with as many rows as would give this standard error."""
    rows = value * (1 - value) / error**2 if error > 0 else float(count)
    shift = quantile**2 / rows
    middle = (value + shift / 2) / (1 + shift)
    half = quantile / (1 + shift) * math.sqrt(value * (1 - value) / rows + shift / (4 * rows))
    return max(0.0, middle - half), min(1.0, middle + half)


def is_better(differences: Sequence[Estimate], strict: Sequence[Estimate]) -> bool | None:
    """Whether the network is better than every baseline; None where the data cannot tell.

    True: it beats each of them, at the level of one test (Berger 1982: all must reject). False:
    some baseline beats it; there the intervals in `strict` are corrected for the number of them.
    """
    if all(d.interval is not None and d.interval[0] > 0 for d in differences):
        return True
    if any(d.interval is not None and d.interval[1] < 0 for d in strict):
        return False
    return None


def covers(question: Question, unit: str, units: int) -> str:
    """What the interval is over and what it does not promise, in words."""
    few = f" With {units} of them it is a rough guide." if units < 10 else ""
    if units < FEWEST_UNITS:
        return f"No interval: {units} {unit} say nothing about how others vary."
    if question.groups is not None:
        return (
            f"Over {units} values of {unit}, by Student's t on the ratio's linear part (accuracy: "
            f"Wilson's interval at that error). It covers other {unit}s drawn as these were, for "
            "networks trained on these data; not how much other training data would change them."
            + few
        )
    if unit == "blocks of time":
        return (
            f"Over {units} blocks of consecutive rows, by Student's t (accuracy: Wilson's interval "
            "at that error). Neighbouring blocks are not quite independent, so no method can "
            "promise 95 %; nor does it cover a future that differs from what was recorded." + few
        )
    return (
        f"Over {units} rows, by Student's t on the ratio's linear part (accuracy: Wilson's "
        "interval). It covers new rows drawn as these were, for the networks trained here (Bayle "
        "et al. 2020); not how much other training data would change them. If rows belong "
        "together (an animal, a day) it is too narrow: say so by --group." + few
    )

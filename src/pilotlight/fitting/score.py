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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from pilotlight.data.columns import Array
from pilotlight.fitting.question import Heads, Question, Rows, Task, blocks
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


def losses(task: Task, y: Array, predicted: Array, heads: Heads = ()) -> Array:
    """The loss of each row [R]; `predicted` is [R, classes], or a number or rate a row [R].

    Of several targets, that of each: [R, K]. Of several class targets `heads` says how many
    classes each has; `predicted` holds a block of probabilities for each.
    """
    if len(heads) > 1:
        each = zip(y.T, blocks(heads), strict=True)
        return np.stack([losses(task, own, predicted[:, block]) for own, block in each], axis=1)
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

    A score is 1 less a ratio of sums. The ratio's error is the jackknife's over units; Student's t
    has one degree of freedom less than there are units, unequal ones counted as so many equal ones.
    R2 and D2 take it on the ratio's logarithm, so that none exceeds 1. Accuracy takes Clopper and
    Pearson's exact interval with as many rows as give that error, which also holds near 0 and 1.
    Sources: MacKinnon, Nielsen and Webb (2023), Fast and reliable jackknife and bootstrap methods
    for cluster-robust inference; Carter, Schnepel and Steigerwald (2017), Asymptotic behavior of a
    t-test robust to cluster heterogeneity; Korn and Graubard (1998), Confidence intervals for
    proportions with small expected number of positive counts estimated from survey data; Bayle et
    al. (2020), Cross-validation confidence intervals for test error.
    """
    ratio = float(loss.sum() / base.sum())
    spread = _spread(loss, base, units)
    if spread.error is None or (spread.error == 0 and task != "classification"):
        return Estimate(1 - ratio, None, spread.units)
    if task == "classification":
        return Estimate(1 - ratio, _exact(1 - ratio, len(loss), spread, level), spread.units)
    factor = math.exp(spread.quantile(level) * spread.error / ratio)
    return Estimate(1 - ratio, (1 - ratio * factor, 1 - ratio / factor), spread.units)


def difference(
    loss: Array, other: Array, base: Array, units: Rows, level: float = LEVEL
) -> Estimate:
    """Score less another's on the same rows; paired, by Student's t over units as in `estimate`."""
    value = float((other - loss).sum() / base.sum())
    spread = _spread(other - loss, base, units)
    if not spread.error:
        return Estimate(value, None, spread.units)
    half = spread.quantile(level) * spread.error
    return Estimate(value, (value - half, value + half), spread.units)


@dataclass(frozen=True)
class _Spread:
    """How many units there are, the error of a ratio over them, and its degrees of freedom."""

    units: int
    error: float | None = None
    freedom: float = 0.0

    def quantile(self, level: float) -> float:
        return float(stats.t.isf(level / 2, self.freedom))


def _spread(loss: Array, base: Array, units: Rows) -> _Spread:
    """Of (sum of losses) / (sum of base): the jackknife, which leaves out each unit in turn.

    Without an error where there are too few units, or where one outweighs all others.
    """
    _, place = np.unique(units, return_inverse=True)
    lost, weight = np.bincount(place, loss), np.bincount(place, base)
    count = len(weight)
    share = weight / weight.sum()
    freedom = 1 / float(share @ share) - 1
    if count < FEWEST_UNITS or freedom < 1:
        return _Spread(count)
    ratios = (lost.sum() - lost) / (weight.sum() - weight)
    error = math.sqrt((count - 1) / count * float(((ratios - ratios.mean()) ** 2).sum()))
    return _Spread(count, error, freedom)


def _exact(value: float, rows: int, spread: _Spread, level: float) -> tuple[float, float]:
    """Clopper and Pearson's interval of a share, with as many rows as would give this error."""
    count = value * (1 - value) / spread.error**2 if spread.error else float(spread.units)
    count *= (float(stats.t.isf(level / 2, rows - 1)) / spread.quantile(level)) ** 2
    right, wrong = value * count, (1 - value) * count
    low = stats.beta.ppf(level / 2, right, wrong + 1) if right else 0.0
    high = stats.beta.isf(level / 2, right + 1, wrong) if wrong else 1.0
    return float(low), float(high)


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


def covers(question: Question, unit: str, found: Estimate) -> str:
    """What the interval is over, by which method, and what it does not promise, in words."""
    over = f"{found.units} {unit if question.groups is None else f'values of {unit}'}"
    if found.units < FEWEST_UNITS:
        return f"No interval: {over} say nothing about how others vary."
    if found.interval is None:
        return f"No interval: one of {over} outweighs all others, or none differs from another."
    method = f"Over {over}: the jackknife with Student's t, on a logarithmic scale."
    if question.task == "classification":
        method = f"Over {over}: Clopper and Pearson's exact interval, at the jackknife's error."
    return " ".join([method, *_not_promised(question, unit)])


def _not_promised(question: Question, unit: str) -> Iterator[str]:
    """What new rows an interval covers, and where no method can promise 95 %; figures: the docs."""
    if question.groups is None and question.in_time:
        yield (
            "Neighbouring blocks are not quite independent, so no method can promise 95 %; nor "
            "does it cover a future that differs from what was recorded."
        )
        return
    others = "rows" if question.groups is None else f"{unit}s"
    yield (
        f"It covers other {others} drawn as these were, for networks trained on these data; not "
        "how much other training data would change them."
    )
    if question.groups is not None:
        yield (
            f"Networks of one fold learn from {others} that another tests, so with few of them no "
            "method can promise 95 %: in simulations with 30, 15 and 8 it held the truth in about "
            "93, 92 and 88 % of data sets."
        )
        return
    if question.task == "counts":
        yield "Counts have large errors now and then, so no method can promise 95 %: expect 90."
    yield "If rows belong together (an animal, a day) it is too narrow: say so by --group."

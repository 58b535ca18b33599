"""Estimates of an effect over seeds: its interval, and one-sided p against any bound.

The interval of level a holds the bounds b for which neither `above(b)` nor `below(b)` is at most
a / 2, so interval and p agree. (`rates.PairedRates` is stricter: its p may be larger.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Interval = tuple[float, float]


class Estimate(Protocol):
    """An effect over seeds, with what can be said against a bound."""

    @property
    def effect(self) -> float:
        """The estimate itself, in the unit of the metric."""

    @property
    def method(self) -> str:
        """The name of the method, for people."""

    def interval(self, level: float) -> Interval | None:
        """Both ends of the interval that misses the effect with probability `level`.

        None where the seeds are too few for any interval of this level.
        """

    def above(self, bound: float, reached: bool = False) -> float:
        """One-sided p for an effect above `bound`; with `reached`, for one on it or above."""

    def below(self, bound: float, reached: bool = False) -> float:
        """One-sided p for an effect below `bound`; with `reached`, for one on it or below."""


@dataclass(frozen=True)
class Mean:
    """The mean of differences that vary between seeds, by Student's t.

    `differences`: one for each seed, at least two, not all equal.
    Source: Student (1908), The probable error of a mean, Biometrika 6.
    """

    differences: Array
    method: str = "t"

    @cached_property
    def effect(self) -> float:
        """The mean."""
        return float(np.mean(self.differences))

    @cached_property
    def standard_error(self) -> float:
        """Standard deviation of the mean, estimated with n - 1."""
        return float(np.std(self.differences, ddof=1) / np.sqrt(len(self.differences)))

    def interval(self, level: float) -> Interval:
        """Mean plus and minus the quantile of t times the standard error."""
        half = self.standard_error * float(stats.t.isf(level / 2, len(self.differences) - 1))
        return self.effect - half, self.effect + half

    def above(self, bound: float, reached: bool = False) -> float:
        """One-sided p; t is continuous, so `reached` makes no difference."""
        t = (self.effect - bound) / self.standard_error
        return float(stats.t.sf(t, len(self.differences) - 1))

    def below(self, bound: float, reached: bool = False) -> float:
        """One-sided p; t is continuous, so `reached` makes no difference."""
        t = (self.effect - bound) / self.standard_error
        return float(stats.t.cdf(t, len(self.differences) - 1))


@dataclass(frozen=True)
class Rank:
    """The middle of differences that lie symmetrically around it, by Wilcoxon's signed ranks.

    Exact for any number of seeds. The signed-rank statistic against a bound is the number of
    Walsh averages (means of two differences, or of one with itself) above it; an average on the
    bound counts for neither side, so ties and zeros make p larger, never smaller. The effect is
    the median of these averages (Hodges and Lehmann).

    `resolution`: averages closer to a bound than this lie on it.
    Source: Hollander, Wolfe and Chicken (2014), Nonparametric Statistical Methods, 3.1 to 3.3.
    """

    differences: Array
    resolution: float = 0.0
    method: str = "exact signed-rank"

    @cached_property
    def walsh(self) -> Array:
        """All n (n + 1) / 2 Walsh averages, sorted."""
        first, second = np.triu_indices(len(self.differences))
        averages: Array = (self.differences[first] + self.differences[second]) / 2
        return np.sort(averages)

    @cached_property
    def effect(self) -> float:
        """The Hodges-Lehmann estimate."""
        return float(np.median(self.walsh))

    def interval(self, level: float) -> Interval | None:
        """From the k-th smallest to the k-th largest Walsh average, k by the exact distribution."""
        enough = np.flatnonzero(signed_rank_tail(len(self.differences)) <= level / 2)
        if not len(enough):
            return None
        k = len(self.walsh) - int(enough[0])
        return float(self.walsh[k]), float(self.walsh[-1 - k])

    def above(self, bound: float, reached: bool = False) -> float:
        """Exact one-sided p by counting Walsh averages."""
        return self._p(self.walsh - bound, reached)

    def below(self, bound: float, reached: bool = False) -> float:
        """Exact one-sided p by counting Walsh averages."""
        return self._p(bound - self.walsh, reached)

    def _p(self, gaps: Array, reached: bool) -> float:
        edge = -self.resolution if reached else self.resolution
        count = int(np.sum(gaps >= edge) if reached else np.sum(gaps > edge))
        return float(signed_rank_tail(len(self.differences))[count])


@lru_cache(maxsize=64)
def signed_rank_tail(n: int) -> Array:
    """P(W >= w) for w = 0 ... n (n + 1) / 2, W the signed-rank statistic of n under its null.

    Each rank from 1 to n is added or not, with probability one half.
    """
    chances = np.zeros(n * (n + 1) // 2 + 1)
    chances[0] = 1.0
    for rank in range(1, n + 1):
        added = np.roll(chances, rank)  # the last `rank` places are still 0, so nothing wraps
        chances = (chances + added) / 2
    return np.cumsum(chances[::-1])[::-1]


def slopes(numbers: Sequence[float], values: Array) -> Array:
    """The least-squares slope of each seed: `values` (comparisons, seeds) over `numbers`."""
    return np.array([float(stats.linregress(numbers, one).slope) for one in values.T])

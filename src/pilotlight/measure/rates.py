"""Estimates of success rates: the share of seeds that succeed, and the difference of two shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from pilotlight.measure.intervals import Array, Interval

_FURTHEST = 38.0  # standard errors; the normal tail beyond is below the smallest float
_GRID = 501  # values of the unknown discordance at which the exact test is computed


@dataclass(frozen=True)
class Rate:
    """The share of `seeds` networks that succeed, by the exact binomial distribution.

    Source: Clopper and Pearson (1934), Biometrika 26.
    """

    successes: int
    seeds: int
    method: str = "exact binomial"

    @property
    def effect(self) -> float:
        """The share, 0 to 1."""
        return self.successes / self.seeds

    def interval(self, level: float) -> Interval:
        """The Clopper-Pearson interval."""
        found = stats.binomtest(self.successes, self.seeds).proportion_ci(1 - level, "exact")
        return float(found.low), float(found.high)

    def above(self, bound: float, reached: bool = False) -> float:
        """Exact one-sided p; a share is never below 0."""
        return 0.0 if bound < 0 else self._p(min(bound, 1.0), "greater")

    def below(self, bound: float, reached: bool = False) -> float:
        """Exact one-sided p; a share is never above 1."""
        return 0.0 if bound > 1 else self._p(max(bound, 0.0), "less")

    def _p(self, bound: float, side: str) -> float:
        return float(stats.binomtest(self.successes, self.seeds, bound, side).pvalue)


@dataclass(frozen=True)
class PairedRates:
    """The difference of two shares of the same seeds: left minus right.

    The four counts of seeds: `both` succeed, `left_only`, `right_only`, `neither`.

    The interval is Newcombe's hybrid score interval for paired data, method 10. It is approximate:
    for few seeds and a bound other than 0 it errs several times more often than its level says.
    So an exact test must agree: McNemar's at bound 0, the unconditional score test elsewhere. p is
    the larger of the exact p and the one at which the interval touches the bound. A bound that
    the interval excludes may then still be undecided, never the reverse.

    Source of the interval: Newcombe (1998), Improved confidence intervals for the difference
    between binomial proportions based on paired data, Statistics in Medicine 17, 2635-2650.
    """

    both: int
    left_only: int
    right_only: int
    neither: int
    method: str = "Newcombe's interval and an exact test of paired rates"

    @classmethod
    def of(cls, left: Array, right: Array) -> PairedRates:
        """Count from two arrays of 0 and 1, one entry for each seed."""
        a, b = left.astype(bool), right.astype(bool)
        counts = [int(np.sum(cell)) for cell in (a & b, a & ~b, ~a & b, ~a & ~b)]
        return cls(counts[0], counts[1], counts[2], counts[3])

    @property
    def seeds(self) -> int:
        """All pairs."""
        return self.both + self.left_only + self.right_only + self.neither

    @property
    def effect(self) -> float:
        """Left share minus right share, -1 to 1."""
        return (self.left_only - self.right_only) / self.seeds

    @property
    def mcnemar(self) -> float:
        """Exact two-sided p of the null that both rates are equal."""
        return sign_test(self.left_only, self.right_only, "two-sided")

    def interval(self, level: float) -> Interval:
        """Newcombe's interval."""
        return self._limits(float(stats.norm.isf(level / 2)))

    def above(self, bound: float, reached: bool = False) -> float:
        """One-sided p: the larger of the interval's and the exact test's."""
        if bound == 0:
            exact = sign_test(self.left_only, self.right_only, "greater")
        else:
            exact = exact_score_test(self.left_only, self.right_only, self.seeds, bound)
        return max(self._touching(bound), exact)

    def below(self, bound: float, reached: bool = False) -> float:
        """As `above`, with the two sides exchanged."""
        return self._exchanged.above(-bound)

    @property
    def _exchanged(self) -> PairedRates:
        return PairedRates(self.both, self.right_only, self.left_only, self.neither)

    def _touching(self, bound: float) -> float:
        """Half the level at which the lower limit touches `bound`."""
        if bound == self.effect:
            return 0.5
        if bound > self.effect:
            return 1.0 - self._exchanged._touching(-bound)
        if self._limits(_FURTHEST)[0] > bound:
            return 0.0
        z = optimize.brentq(lambda z: self._limits(z)[0] - bound, 0.0, _FURTHEST, xtol=1e-12)
        return float(stats.norm.sf(z))

    def _limits(self, z: float) -> Interval:
        left, right = self.both + self.left_only, self.both + self.right_only
        p, q = left / self.seeds, right / self.seeds
        (p_low, p_high), (q_low, q_high) = (_wilson(k, self.seeds, z) for k in (left, right))
        down = _spread(p - p_low, q_high - q, self._correlation)
        up = _spread(p_high - p, q - q_low, self._correlation)
        return self.effect - down, self.effect + up

    @property
    def _correlation(self) -> float:
        """Phi of the two outcomes, with Newcombe's correction for continuity when positive."""
        left, right = self.both + self.left_only, self.both + self.right_only
        margins = left * (self.seeds - left) * right * (self.seeds - right)
        if margins == 0:
            return 0.0
        product = float(self.both * self.neither - self.left_only * self.right_only)
        if product > 0:
            product = max(product - self.seeds / 2, 0.0)
        return product / float(np.sqrt(margins))


def sign_test(wins: int, losses: int, side: str) -> float:
    """Exact p that wins and losses are equally likely; `side` is that of scipy's binomtest.

    On the seeds where only one of two comparisons succeeds this is McNemar's exact test.
    """
    if wins + losses == 0:
        return 1.0
    return float(stats.binomtest(wins, wins + losses, 0.5, side).pvalue)


def exact_score_test(left_only: int, right_only: int, seeds: int, bound: float) -> float:
    """Exact one-sided p of the null that left rate minus right rate is `bound` or less.

    The chance, under a difference of exactly `bound`, of any result at least as far above it by
    Tango's score. How often only the right side succeeds is unknown, so the chance is the largest
    over all its values (a grid of 501).

    Sources: Tango (1998), Statistics in Medicine 17, 891-908 (the score); Hsueh, Liu and Chen
    (2001), Biometrics 57, 478-483 (the exact test).
    """
    if bound >= 1:
        return 1.0
    if bound <= -1:
        return float(left_only - right_only <= bound * seeds)
    counts = np.arange(seeds + 1)
    b, c = (grid.ravel() for grid in np.meshgrid(counts, counts))
    b, c = b[b + c <= seeds], c[b + c <= seeds]
    scores = tango_score(b, c, seeds, bound)
    observed = scores[(b == left_only) & (c == right_only)]
    extreme = scores >= observed - 1e-9  # equal but for rounding is equally extreme
    right = np.linspace(max(0.0, -bound), (1 - bound) / 2, _GRID)[:, None]
    chances = _trinomial(b[extreme], c[extreme], seeds, right + bound, right)
    return float(min(chances.sum(axis=1).max(), 1.0))


def tango_score(b: NDArray[np.int_], c: NDArray[np.int_], n: int, bound: float) -> Array:
    """Tango's score of `b` left-only and `c` right-only successes against `bound`, not 0."""
    half = (b + c - (2 * n - b + c) * bound) / 2
    right = (half + np.sqrt(half**2 + 2 * n * c * bound * (1 - bound))) / (2 * n)
    variance = n * (2 * right + bound * (1 - bound))
    score: Array = (b - c - n * bound) / np.sqrt(variance)
    return score


def _trinomial(b: NDArray[np.int_], c: NDArray[np.int_], n: int, p: Array, q: Array) -> Array:
    """Chances of `b` and `c` out of `n` with probabilities `p` and `q`."""
    rest = np.clip(1 - p - q, 0.0, 1.0)
    ways = special.gammaln(n + 1) - special.gammaln([b + 1, c + 1, n - b - c + 1]).sum(axis=0)
    log = special.xlogy(b, p) + special.xlogy(c, q) + special.xlogy(n - b - c, rest)
    chances: Array = np.exp(ways + log)
    return chances


def _wilson(successes: int, seeds: int, z: float) -> Interval:
    """Wilson's score interval (1927), z standard errors wide on each side."""
    share, z2 = successes / seeds, z * z / seeds
    middle = (share + z2 / 2) / (1 + z2)
    half = np.sqrt(z2 * share * (1 - share) + z2 * z2 / 4) / (1 + z2)
    return float(middle - half), float(middle + half)


def _spread(a: float, b: float, correlation: float) -> float:
    """The spread of a difference whose two parts have spreads a and b and are correlated."""
    return float(np.sqrt(a * a - 2 * correlation * a * b + b * b))

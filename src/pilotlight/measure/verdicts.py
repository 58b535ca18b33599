"""The judge: what a run says about each of its lab's claims.

One rule for every kind of claim. The claim's bound splits all effects into those that support it
and those that refute it. Both sides have a one-sided p; the smaller one, doubled, is the claim's p.
It is corrected for the number of the lab's claims by Holm's method and decides if it is at most
the level. The interval at the level that Holm's method gives to the claim says the same, except
for two success rates: there the interval is approximate, and an exact test must agree.

An effect on the bound counts as reaching it: "at least 0" holds for a difference of exactly 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pilotlight.core.errors import UsageError, raise_all
from pilotlight.core.lab import REFUTED, SUPPORTED, UNDECIDED, Claim, Metric
from pilotlight.core.report import ClaimResult, MemberRow
from pilotlight.measure.holm import holm
from pilotlight.measure.intervals import Array, Estimate, Mean, Rank, slopes
from pilotlight.measure.metrics import find
from pilotlight.measure.pairing import Paired, pair
from pilotlight.measure.rates import PairedRates, Rate

LEVEL = 0.01
"""Chance of any wrong verdict in one lab, before running."""

ROUNDING = 1e-6
"""Relative; values of single precision closer than this are equal."""


@dataclass(frozen=True)
class _Finding:
    """What one claim's networks show, before the correction for the number of claims.

    `sides` holds one-sided p: for an effect that supports the claim, for one that refutes it.
    It is None where there is nothing to judge.
    """

    claim: Claim
    metric: Metric
    paired: Paired
    estimate: Estimate | None = None
    sides: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    @property
    def p(self) -> float | None:
        """Two-sided, against the claim's own bound."""
        return None if self.sides is None else min(1.0, 2 * min(self.sides))

    def verdict(self, corrected: float, level: float) -> str:
        """What the corrected p decides at the lab's level."""
        if self.sides is None or corrected > level:
            return UNDECIDED
        supporting, refuting = self.sides
        return SUPPORTED if supporting < refuting else REFUTED


def judge(
    claims: Mapping[str, Claim],
    members: Sequence[MemberRow],
    own_metrics: Mapping[str, Metric],
    scope: str,
    *,
    evidence: bool,
    level: float = LEVEL,
) -> tuple[ClaimResult, ...]:
    """One result for each claim, in their order.

    Without `evidence` no verdict is given; effects, intervals and p are. A claim that could not
    be judged still counts in the correction: Holm over all the lab's claims, always.

    Where something is missing, by definition:
    - Effects without variance have no t; the exact signed-rank test takes its place. Its interval
      is the effect itself, or None where the seeds are too few for the level.
    - One seed has an effect, no interval and no p. It is undecided, as is a claim without seeds.
    - A network that diverged counts as the metric's worst value, for rates as a failure.

    Raises:
        UsageError: claims name metrics that do not exist; all are named.
    """
    metrics = _metrics(claims, own_metrics)
    findings = {name: _find_out(c, metrics[name], members) for name, c in claims.items()}
    corrected, levels = holm([1.0 if f.p is None else f.p for f in findings.values()], level)
    count = "1 claim" if len(claims) == 1 else f"{len(claims)} claims"
    return tuple(
        replace(
            _describe(name, finding, scope, f"Holm over {count}, level {level:g}", own_level),
            verdict=finding.verdict(p, level) if evidence else None,
            p=None if finding.p is None else p,
            p_alone=finding.p,
        )
        for (name, finding), p, own_level in zip(findings.items(), corrected, levels, strict=True)
    )


def _metrics(claims: Mapping[str, Claim], own: Mapping[str, Metric]) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    problems: list[str] = []
    for name, claim in claims.items():
        try:
            found[name] = find(claim.metric, own)
        except UsageError as error:
            problems += [f"claim {name!r}: {problem}" for problem in error.problems]
    raise_all(problems)
    return found


def _find_out(claim: Claim, metric: Metric, members: Sequence[MemberRow]) -> _Finding:
    paired = pair(claim, metric, members)
    if paired.seeds == 0:
        return _Finding(claim, metric, paired)
    estimate, *notes = _estimate(claim, paired.values)
    if paired.seeds == 1:
        note = "One seed shows no spread, so there is no interval and no verdict."
        return _Finding(claim, metric, paired, estimate, notes=(note,))
    return _Finding(claim, metric, paired, estimate, _sides(claim, estimate), tuple(notes))


def _estimate(claim: Claim, values: Array) -> tuple[Estimate, *tuple[str, ...]]:
    """The estimate that fits the claim, from values (comparisons, seeds), and notes on it."""
    resolution = ROUNDING * float(np.median(np.abs(values)))
    if claim.trend is not None:
        numbers = list(claim.trend.values())
        return _over_seeds(claim, slopes(numbers, values), resolution / float(np.ptp(numbers)))
    if claim.success is not None:
        return _of_rates(claim, values)
    differences = values[0] if claim.right is None else values[0] - values[1]
    return _over_seeds(claim, differences, resolution)


def _over_seeds(
    claim: Claim, differences: Array, resolution: float
) -> tuple[Estimate, *tuple[str, ...]]:
    if claim.test == "rank":
        return (Rank(differences, resolution),)
    if np.ptp(differences) > resolution:
        return (Mean(differences),)
    note = "All seeds give the same effect, so the exact signed-rank test takes the place of t."
    return Rank(differences, resolution), note


def _of_rates(claim: Claim, successes: Array) -> tuple[Estimate, *tuple[str, ...]]:
    if claim.right is None:
        return (Rate(int(successes[0].sum()), successes.shape[1]),)
    rates = PairedRates.of(successes[0], successes[1])
    note = (
        f"Seeds on which both succeed: {rates.both}; only {claim.left}: {rates.left_only}; "
        f"only {claim.right}: {rates.right_only}; neither: {rates.neither}. McNemar's exact test "
        f"of equal rates: p = {rates.mcnemar:.2g}, not corrected. A verdict needs the interval "
        "and the exact test against the bound."
    )
    return rates, note


def _sides(claim: Claim, estimate: Estimate) -> tuple[float, float]:
    """One-sided p for the effects that support the claim and for those that refute it."""
    if claim.at_least is not None:
        return estimate.above(claim.at_least, reached=True), estimate.below(claim.at_least)
    if claim.at_most is not None:
        return estimate.below(claim.at_most, reached=True), estimate.above(claim.at_most)
    width = claim.within or 0.0
    inside = max(estimate.above(-width, reached=True), estimate.below(width, reached=True))
    return inside, min(estimate.above(width), estimate.below(-width))


def _describe(
    name: str, finding: _Finding, scope: str, correction: str, level: float
) -> ClaimResult:
    """The result but for verdict and p, with the interval of `level`."""
    claim, estimate = finding.claim, finding.estimate
    interval = None if estimate is None or finding.p is None else estimate.interval(level)
    notes = finding.paired.notes + finding.notes
    if finding.p is not None and interval is None:
        notes += ("The seeds are too few for an exact interval of this level.",)
    return ClaimResult(
        id=name,
        statement=claim.statement,
        verdict=None,
        expected=claim.expected,
        effect=None if estimate is None else estimate.effect,
        interval=interval,
        unit=_unit(claim, finding.metric),
        seeds=finding.paired.seeds,
        p=None,
        scope="; ".join(part for part in (scope, claim.scope) if part),
        bound=bound_words(claim),
        test=correction if estimate is None else f"{_method(claim, estimate)}, {correction}",
        level=level,
        notes=notes,
        left=claim.left,
        right=claim.right,
        metric=claim.metric,
    )


def bound_words(claim: Claim) -> str:
    if claim.at_least is not None:
        return f"at least {claim.at_least:g}"
    if claim.at_most is not None:
        return f"at most {claim.at_most:g}"
    return f"within ±{claim.within:g}"


def _unit(claim: Claim, metric: Metric) -> str:
    unit = metric.unit if claim.success is None else "share of seeds"
    return unit if claim.trend is None else f"{unit} per unit"


def _method(claim: Claim, estimate: Estimate) -> str:
    """Such as "paired t"; exact tests name their null."""
    method = estimate.method
    if claim.trend is not None:
        method = f"{method} over the slopes of the seeds"
    elif isinstance(estimate, Mean | Rank):
        method = f"{'one-sample' if claim.right is None else 'paired'} {method}"
    if isinstance(estimate, Mean):
        return method
    return f"{method}, null: effect {bound_words(claim).split()[-1]}"

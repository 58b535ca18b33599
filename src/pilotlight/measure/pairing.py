"""From networks to values paired by seed, with notes on what a reader must know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pilotlight.core.lab import Claim, Metric
from pilotlight.core.report import MemberRow
from pilotlight.measure.intervals import Array
from pilotlight.measure.metrics import is_measured, value, worst_value


@dataclass(frozen=True)
class Paired:
    """Values of a claim's comparisons on the seeds that all of them have.

    `values`: (comparisons, seeds), in the order of `claim.comparisons`, seeds ascending; 1 and 0
    for success and failure where the claim has `success`.
    """

    values: Array
    notes: tuple[str, ...] = ()

    @property
    def seeds(self) -> int:
        """How many seeds are paired."""
        return int(self.values.shape[1])


def pair(claim: Claim, metric: Metric, members: Sequence[MemberRow]) -> Paired:
    """Pair by seed. A network that diverged, or whose metric says "never", counts as the worst.

    With `claim.diverged == "left out"` seeds with a diverged network are left out instead. Seeds
    that lack a comparison or a value are left out too. The notes say how many, and why.
    """
    arms = {
        name: {m.seed: m for m in members if m.comparison == name} for name in claim.comparisons
    }
    nothing = np.empty((len(arms), 0))
    if absent := [name for name, arm in arms.items() if not arm]:
        return Paired(nothing, (f"This run has no network of {_and(absent)}.",))
    seeds, notes = _common_seeds(claim, metric, arms)
    chosen = [[arm[seed] for seed in seeds] for arm in arms.values()]
    worst = worst_value(claim.metric, metric, members)
    found = [[value(claim.metric, metric, m) for m in arm] for arm in chosen]
    notes += _stand_ins(claim, metric, [m for arm in chosen for m in arm], worst)
    rows: list[list[float | None]]
    if claim.success is not None:
        success = claim.success
        rows = [[float(v is not None and success(v)) for v in arm] for arm in found]
    else:
        rows = [[v if v is not None else worst for v in arm] for arm in found]
    if any(v is None for row in rows for v in row):
        return Paired(nothing, tuple(notes))
    values = np.array(rows, dtype=np.float64).reshape(len(arms), len(seeds))
    return Paired(values, tuple(notes))


def _common_seeds(
    claim: Claim, metric: Metric, arms: Mapping[str, Mapping[int, MemberRow]]
) -> tuple[list[int], list[str]]:
    """Seeds with a usable network in every comparison, and notes on the others."""
    every = set[int]().union(*arms.values())
    shared = every.intersection(*arms.values())
    rows = {seed: [arm[seed] for arm in arms.values()] for seed in sorted(shared)}
    measured = [
        s for s, row in rows.items() if all(is_measured(claim.metric, metric, m) for m in row)
    ]
    kept = [
        seed
        for seed in measured
        if claim.diverged == "worst" or all(m.diverged_at is None for m in rows[seed])
    ]
    reasons = {
        "not trained by every comparison": len(every) - len(shared),
        f"without a value of {claim.metric}": len(shared) - len(measured),
        "with a diverged network": len(measured) - len(kept),
    }
    return kept, [f"Left out: {_seeds(n)} {why}." for why, n in reasons.items() if n]


def _stand_ins(
    claim: Claim, metric: Metric, members: Sequence[MemberRow], worst: float | None
) -> list[str]:
    """Notes on the networks that have no value of their own."""
    without = [m for m in members if value(claim.metric, metric, m) is None]
    diverged = sum(m.diverged_at is not None for m in without)
    if claim.success is not None:
        fate = "as a failure"
    elif worst is None:
        fate = "as the worst value, and this run has no finite value to take"
    elif worst != metric.worst:
        fate = f"as the worst value seen in this run, {worst:g}"
    else:
        fate = f"as the worst value, {worst:g}"
    reasons = {"diverged": diverged, f"never reached {claim.metric}": len(without) - diverged}
    return [
        f"{n} of {len(members)} networks {why}; each counts {fate}."
        for why, n in reasons.items()
        if n
    ]


def _seeds(n: int) -> str:
    return "1 seed" if n == 1 else f"{n} seeds"


def _and(names: Sequence[str]) -> str:
    return " and ".join(repr(name) for name in names)

"""What many networks did together: mean curves with their spread, final values by comparison."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilotlight.core.report import MemberRow, Report
from pilotlight.present.words import is_finite, networks_of

Floats = NDArray[np.float64]
BAND = (10.0, 90.0)
"""Percentiles of the networks between which a band lies."""
FEWEST_FOR_BAND = 5
"""With fewer networks in any comparison, all bands go from the lowest to the highest."""


@dataclass(frozen=True)
class Track:
    """One network's curve, finite values only. `diverged` when it ends because it diverged."""

    x: Floats
    y: Floats
    diverged: bool


@dataclass(frozen=True)
class Spread:
    """A metric along the way, over the networks of one comparison.

    `x`, `mean`, `low` and `high` have shape (evaluations,) and are of the `counted` networks that
    did not diverge: one that does would drag the mean out of every frame. `networks` counts all.
    """

    comparison: str
    networks: int
    counted: int
    x: Floats
    mean: Floats
    low: Floats
    high: Floats
    tracks: tuple[Track, ...]

    @property
    def diverged(self) -> int:
        """How many networks diverged; their tracks end there and no mean counts them."""
        return self.networks - self.counted


def axis_of(report: Report) -> str:
    """What curves run along: "epoch", else "step", else the number of the evaluation."""
    for axis in ("epoch", "step"):
        if any(axis in m.curves for m in report.members):
            return axis
    return "evaluation"


def main_metric(report: Report) -> str | None:
    """The metric that the first claim is about; without claims the first that was measured."""
    measured = [*report.metrics, *(k for m in report.members for k in m.final)]
    for claim in report.claims:
        if claim.metric:
            return claim.metric
    return measured[0] if measured else None


def along_the_way(report: Report, metric: str | None) -> str | None:
    """The metric whose curves tell of `metric`, which may be measured at the end only.

    That is itself, else one that ends alike (validation_accuracy for test_accuracy), else the
    first that has curves.
    """
    if metric in report.metrics:
        return metric
    last_word = (metric or "").rpartition("_")[2]
    alike = [m for m in report.metrics if m.rpartition("_")[2] == last_word]
    near = sorted(alike, key=lambda m: not m.startswith("validation"))
    return next(iter([*near, *report.metrics]), None)


def spreads(report: Report, metric: str) -> list[Spread]:
    """One spread per comparison that has curves of `metric`, in the lab's order."""
    axis = axis_of(report)
    groups = {
        c: [r for r in networks_of(report, c) if metric in r.curves] for c in report.comparisons
    }
    edges = BAND if _fewest(groups.values()) >= FEWEST_FOR_BAND else (0.0, 100.0)
    found = (_spread(c, rows, metric, axis, edges) for c, rows in groups.items())
    return [s for s in found if s is not None]


def _fewest(groups: Iterable[Sequence[MemberRow]]) -> int:
    """The least number of networks behind a mean; a comparison without any has no mean."""
    sizes = [sum(r.diverged_at is None for r in rows) for rows in groups]
    return min((n for n in sizes if n), default=0)


def _spread(
    name: str, rows: Sequence[MemberRow], metric: str, axis: str, edges: tuple[float, float]
) -> Spread | None:
    columns = [_points(row, metric, axis) for row in rows]
    if not any(columns):
        return None
    whole = [(r, p) for r, p in zip(rows, columns, strict=True) if r.diverged_at is None]
    x = sorted({at for _, points in whole for at in points})
    for row, points in whole:
        _hold_after_stop(row, points, metric, x)
    low, mean, high = _summaries([[p.get(at, math.nan) for at in x] for _, p in whole], edges)
    tracks = tuple(map(_track, rows, columns))
    return Spread(name, len(rows), len(whole), np.array(x), mean, low, high, tracks)


def _summaries(
    values: Sequence[Sequence[float]], edges: tuple[float, float]
) -> tuple[Floats, Floats, Floats]:
    """Lower edge, mean and upper edge over rows; each column holds a finite value."""
    if not values or not values[0]:
        return (np.array([]),) * 3
    table = np.array(values)
    low, high = np.nanpercentile(table, edges, axis=0)
    return low, np.nanmean(table, axis=0), high


def _points(row: MemberRow, metric: str, axis: str) -> dict[float, float]:
    curve = row.curves[metric]
    along = row.curves.get(axis, range(1, len(curve) + 1))
    pairs = zip(along, curve, strict=False)  # a run that is under way may lack the last value
    return {float(a): float(v) for a, v in pairs if a is not None and is_finite(v)}


def _hold_after_stop(
    row: MemberRow, points: dict[float, float], metric: str, x: Sequence[float]
) -> None:
    """A network that stopped early keeps its restored best weights, so it keeps their value."""
    if row.stopped_at is None or not points:
        return
    end = max(points)
    final = row.final.get(metric)
    held = final if is_finite(final) else points[end]
    points.update({at: held for at in x if at > end})


def _track(row: MemberRow, points: dict[float, float]) -> Track:
    x = sorted(points)
    return Track(np.array(x), np.array([points[at] for at in x]), row.diverged_at is not None)


def finals(report: Report, metric: str) -> dict[str, list[float]]:
    """The final values of `metric` by comparison, sorted; what is not finite is left out."""
    return {c: _finals(networks_of(report, c), metric) for c in report.comparisons}


def _finals(rows: Sequence[MemberRow], metric: str) -> list[float]:
    found = (r.final.get(metric) for r in rows)
    return sorted(v for v in found if is_finite(v))


def mean_words(found: Sequence[Spread]) -> str:
    """What the mean lines and their bands are."""
    sizes = [s.counted for s in found if s.counted]
    if not sizes:
        return "Every network diverged."
    if max(sizes) == 1:
        return "Line: one network, so no spread."
    fewest, most = min(sizes), max(sizes)
    of = f"{most} networks" if fewest == most else f"{fewest} to {most} networks"
    whole = fewest < FEWEST_FOR_BAND
    band = "lowest to highest" if whole else f"the middle {BAND[1] - BAND[0]:.0f} %"
    return f"Line: mean of {of}; band: {band} of them."

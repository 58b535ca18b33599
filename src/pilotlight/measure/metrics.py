"""The standard metrics, and the value of a metric for one network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from pilotlight.core.errors import UsageError, unknown
from pilotlight.core.lab import Metric
from pilotlight.core.report import MemberRow

STANDARD: Mapping[str, Metric] = {
    "accuracy": Metric(unit="accuracy", better="higher", worst=0.0),
    "loss": Metric(unit="loss", better="lower"),
    "squared_error": Metric(unit="squared error", better="lower"),
}
"""Metrics every lab may name, alone or as `train_`, `validation_` or `test_` and the name."""

_PARTS = ("train_", "validation_", "test_")


def find(name: str, own: Mapping[str, Metric]) -> Metric:
    """The metric called `name`: one of the lab's own, or a standard one with or without its part.

    Raises:
        UsageError: there is no such metric; the message names the nearest one.
    """
    part = next((p for p in _PARTS if name.startswith(p)), "")
    known = {**STANDARD, **own}
    metric = known.get(name) or known.get(name.removeprefix(part))
    if metric is None:
        raise UsageError(unknown("metric", name, {*own, *(part + k for k in known)}))
    return metric


def value(name: str, metric: Metric, member: MemberRow) -> float | None:
    """The value of one network at the end of its training, in the metric's unit.

    A metric with `of` is computed from the curves. None for a network that diverged, that was not
    measured yet, or whose `of` says "never" (None, or a number that is not finite).
    """
    if member.diverged_at is not None:
        return None
    if metric.of is None:
        return member.final.get(name)
    curves = _whole_curves(member.curves)
    result = metric.of(curves) if curves else None
    return result if result is not None and math.isfinite(result) else None


def is_measured(name: str, metric: Metric, member: MemberRow) -> bool:
    """Whether there is something to judge: a value, curves to compute it from, or divergence."""
    if member.diverged_at is not None:
        return True
    if metric.of is None:
        return member.final.get(name) is not None
    return bool(_whole_curves(member.curves))


def worst_value(name: str, metric: Metric, members: Iterable[MemberRow]) -> float | None:
    """What a diverged network counts as.

    The metric's own worst. Where it has none that is finite: the worst finite value seen in the
    run, at the end of any training or along any curve; None if nothing finite was seen.
    """
    if metric.worst is not None and math.isfinite(metric.worst):
        return metric.worst
    seen: list[float] = []
    for member in members:
        along = member.curves.get(name, ())
        seen += [v for v in (*along, value(name, metric, member)) if v is not None]
    if not seen:
        return None
    return min(seen) if metric.better == "higher" else max(seen)


def _whole_curves(curves: Mapping[str, Sequence[float | None]]) -> dict[str, list[float]]:
    """Curves of one length without None.

    The first and the last evaluation are dropped if they lack a metric that all others have: none
    of a step's own metrics is known before the first step. Curves with other gaps are left out.
    """
    usual = {name: curve for name, curve in curves.items() if None not in curve[1:-1]}
    rows = [row for row in zip(*usual.values(), strict=True) if None not in row]
    columns = zip(usual, zip(*rows, strict=True), strict=False)  # without rows, no columns
    return {name: [v for v in column if v is not None] for name, column in columns}

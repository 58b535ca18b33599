"""From recorded events to one row per network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pilotlight.core.event import Diverged, Event, Measured, Probed, Snapshot, Stopped
from pilotlight.core.report import MemberRow

_Told = Measured | Probed | Snapshot | Diverged | Stopped
"""The events that say something about networks."""


@dataclass
class _Gathered:
    """What the events say about one network, in order of step."""

    measured: list[tuple[Measured, int]] = field(default_factory=list)
    probes: dict[str, dict[str, dict[str, float | None]]] = field(default_factory=dict)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    diverged: Diverged | None = None
    stopped: Stopped | None = None


def collect(planned: Sequence[Mapping[str, Any]], events: Iterable[Event]) -> tuple[MemberRow, ...]:
    """One row per planned network, sorted by index, with what the events tell about it.

    Each entry of `planned` has `index`, `comparison`, `seed` and `settings`. Events may come in
    any order and more than once, as a resumed run gives them; kinds that say nothing about a
    network are passed over.

    Curves end where the network diverged or stopped. A metric missing at one evaluation is None
    there. `final` is what was measured last of all; while the run goes on it is the last value
    of each curve; for a network that diverged it is None. `probes[step][probe][layer]` has the
    step as text.
    """
    gathered = {int(plan["index"]): _Gathered() for plan in planned}
    for event in _in_order(events):
        _add(gathered, event)
    return tuple(
        _row(plan, gathered[int(plan["index"])])
        for plan in sorted(planned, key=lambda plan: int(plan["index"]))
    )


def _in_order(events: Iterable[Event]) -> list[_Told]:
    """By step, a final measurement after an ordinary one; of events that tell the same, one."""
    once = {event.identity: event for event in events if isinstance(event, _Told)}
    return sorted(once.values(), key=lambda e: (e.step, getattr(e, "final", False)))


def _add(gathered: Mapping[int, _Gathered], event: _Told) -> None:
    if isinstance(event, Diverged):
        gathered[event.member].diverged = gathered[event.member].diverged or event
    elif isinstance(event, Stopped):
        gathered[event.member].stopped = gathered[event.member].stopped or event
    elif isinstance(event, Measured):
        for position, index in enumerate(event.members):
            about = gathered[index]
            about.measured.append((event, position))
            if event.final and not _values(event, position):
                # It diverged after the last evaluation before this one, so nobody told.
                about.diverged = about.diverged or Diverged(event.cohort, event.step, index)
    elif isinstance(event, Snapshot):
        for position, index in enumerate(event.members):
            own = {name: values[position] for name, values in event.values.items()}
            when = {"step": event.step, "epoch": event.epoch}
            gathered[index].snapshots.append({**when, **own})
    else:
        for position, index in enumerate(event.members):
            gathered[index].probes[str(event.step)] = {
                probe: {layer: _finite(values[position]) for layer, values in layers.items()}
                for probe, layers in event.values.items()
            }


def _row(plan: Mapping[str, Any], about: _Gathered) -> MemberRow:
    curves = _curves(about)
    return MemberRow(
        index=int(plan["index"]),
        comparison=plan["comparison"],
        seed=int(plan["seed"]),
        settings=plan["settings"],
        curves=curves,
        final=_final(about, curves),
        diverged_at=about.diverged.step if about.diverged else None,
        stopped_at=about.stopped.step if about.stopped else None,
        best_step=about.stopped.best_step if about.stopped else None,
        probes=about.probes,
        snapshots=tuple(about.snapshots),
    )


def _curves(about: _Gathered) -> dict[str, list[float | None]]:
    """Columns `epoch`, `step` and one for each metric, all of one length."""
    end = min((e.step for e in (about.diverged, about.stopped) if e), default=math.inf)
    rows: dict[int, tuple[float, dict[str, float]]] = {}
    for event, position in about.measured:
        values = _values(event, position)
        if values and event.step <= end:
            # A final measurement may be of the best weights: the ordinary one, if any, comes first.
            rows.setdefault(event.step, (event.epoch, values))
    if not rows:
        return {}
    metrics = dict.fromkeys(name for _, values in rows.values() for name in values)
    return {
        "epoch": [epoch for epoch, _ in rows.values()],
        "step": [float(step) for step in rows],
        **{name: [values.get(name) for _, values in rows.values()] for name in metrics},
    }


def _final(
    about: _Gathered, curves: Mapping[str, Sequence[float | None]]
) -> dict[str, float | None]:
    last: dict[str, float | None] = {
        name: next((v for v in reversed(curve) if v is not None), None)
        for name, curve in curves.items()
        if name not in ("epoch", "step")
    }
    for event, position in about.measured:
        if event.final:
            last.update(_values(event, position))
    return dict.fromkeys(last) if about.diverged else last


def _values(event: Measured, position: int) -> dict[str, float]:
    """What was measured of one network; what is not finite was not measured."""
    values = {name: _finite(column[position]) for name, column in event.values.items()}
    return {name: v for name, v in values.items() if v is not None}


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None

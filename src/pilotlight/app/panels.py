"""What there is to look at beside curves, as plain data: probes by layer, and what was filmed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pilotlight.app.compact import rounded, short
from pilotlight.core.drawing import drawing_of
from pilotlight.core.report import MemberRow

LAST = ("surface", "curve", "confusion")
"""What the engine keeps by itself comes after what the lab itself wants to be seen."""
FILMS = ((1, 4, 30), (1, 16, 30), (2, 16, 30), (3, 16, 30), (5, 16, 60))
"""Frames, networks, and rows on top, each richer than the one before."""

Rows = Callable[[MemberRow], Sequence[Sequence[float]]]
"""Held-out rows of a network, as they are drawn on top: the inputs, then the target."""


def panels(members: Sequence[MemberRow], has_movie: bool) -> dict[str, Any]:
    """The names of what there is."""
    probes = dict.fromkeys(p for m in members for looks in m.probes.values() for p in looks)
    frames = max((len(m.snapshots) for m in members), default=0)
    return {
        "probes": list(probes),
        "snapshots": snapshot_names(members),
        "frames": frames,
        "movie": has_movie and frames > 0,
    }


def snapshot_names(members: Sequence[MemberRow]) -> list[str]:
    """What is kept to draw along the way; the first is what a page shows first."""
    found = (name for m in members for snapshot in m.snapshots for name in snapshot)
    names = [name for name in dict.fromkeys(found) if name not in ("step", "epoch")]
    return sorted(names, key=lambda name: LAST.index(name) if name in LAST else -1)


def snapshots_data(
    members: Sequence[MemberRow], name: str | None, rows: Rows | None = None
) -> dict[str, Any]:
    """What was kept under one name, frame by frame, of one network of each comparison.

    `rows`, where there are some, are drawn on top of surfaces and curves.
    """
    names = snapshot_names(members)
    shown = name if name in names else next(iter(names), None)
    having = [m for m in members if any(shown in s for s in m.snapshots)]
    first = {m.comparison: m for m in reversed(having)}
    networks = [_filmed(m, str(shown), rows) for m in having if first[m.comparison] is m]
    return {"name": shown, "names": names, "networks": networks}


def _filmed(member: MemberRow, name: str, rows: Rows | None) -> dict[str, Any]:
    last_at = {s["step"]: s for s in member.snapshots if name in s}  # a final one comes after
    frames = [
        {"step": step, "epoch": s["epoch"], "drawing": rounded(drawing_of(s[name]))}
        for step, s in last_at.items()
    ]
    kinds = {(frame["drawing"] or {}).get("kind") for frame in frames}
    on_top = rows(member) if rows and kinds & {"surface", "curve"} else []
    return {
        "member": member.index,
        "comparison": member.comparison,
        "seed": member.seed,
        "frames": frames,
        "rows": rounded(on_top, 4),
    }


def probes_data(members: Sequence[MemberRow]) -> dict[str, Any]:
    """Per probe and comparison: for each step one number per layer, the mean over its networks."""
    steps = sorted({int(step) for m in members for step in m.probes})
    probes = dict.fromkeys(p for m in members for looks in m.probes.values() for p in looks)
    comparisons = dict.fromkeys(m.comparison for m in members)
    return {
        "steps": steps,
        "probes": {
            probe: {
                c: _layers([m for m in members if m.comparison == c], probe, steps)
                for c in comparisons
            }
            for probe in probes
        },
    }


def _layers(members: Sequence[MemberRow], probe: str, steps: Sequence[int]) -> dict[str, Any]:
    looks = [[m.probes.get(str(step), {}).get(probe, {}) for m in members] for step in steps]
    layers = list(dict.fromkeys(layer for look in looks for found in look for layer in found))
    values = [[_mean([found.get(layer) for found in look]) for layer in layers] for look in looks]
    return {"layers": layers, "values": values}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return short(sum(known) / len(known)) if known else None


# Less of it, for a run that comes along with the package


def films(members: Sequence[MemberRow], rows: Rows) -> dict[str, dict[str, Any]]:
    """All that was kept, by name."""
    return {name: snapshots_data(members, name, rows) for name in snapshot_names(members)}


def films_within(
    films: Mapping[str, Any], room: int, size: Callable[[dict[str, Any]], int]
) -> dict[str, Any]:
    """As much of each film as there is room for: first an end of each, then its way there."""
    kept: dict[str, Any] = {}
    for limits in FILMS:
        for name, film in films.items():
            more = kept | {name: _thinned(film, *limits)}
            kept = more if size(more) <= room else kept
    return kept


def _thinned(film: Mapping[str, Any], frames: int, networks: int, rows: int) -> dict[str, Any]:
    """At most so many frames, networks, and rows on top; the last frame is always there."""
    return dict(film) | {
        "networks": [
            network
            | {
                "frames": [network["frames"][i] for i in evenly(len(network["frames"]), frames)],
                "rows": [network["rows"][i] for i in evenly(len(network["rows"]), rows)],
            }
            for network in film["networks"][:networks]
        ]
    }


def evenly(length: int, most: int) -> list[int]:
    """At most so many places of a list, evenly: first and last among them, or the last alone."""
    if length <= most:
        return list(range(length))
    if most == 1:
        return [length - 1]
    return sorted({round(i * (length - 1) / (most - 1)) for i in range(most)})

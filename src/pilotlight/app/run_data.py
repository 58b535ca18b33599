"""A run as plain data, for a page that draws its own curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pilotlight.app.compact import rounded, short
from pilotlight.core.event import plain
from pilotlight.core.report import ClaimResult, MemberRow, Report
from pilotlight.present import words
from pilotlight.present.figures import curves_note
from pilotlight.present.spread import Spread, along_the_way, axis_of, main_metric, spreads
from pilotlight.record.folder import Folder


def run_data(report: Report, has_movie: bool) -> dict[str, Any]:
    """A report, with what its curves and claims come to."""
    about = dict(report.about)
    plan = about.pop("plan")
    return {
        "kind": "lab",
        "run": "",
        "lab": report.lab,
        "question": report.question,
        "state": report.state,
        "problem": "",
        "evidence": report.evidence,
        "why_no_verdict": list(report.why_no_verdict),
        "started": about.pop("started"),
        "seconds": report.seconds,
        "command": about.pop("command"),
        "device": about.pop("device"),
        "scope": about.pop("scope"),
        "axis": axis_of(report),
        "main_metric": along_the_way(report, main_metric(report)),
        "comparisons": list(report.comparisons),
        "metrics": list(report.metrics),
        "claims": [_claim(claim) for claim in report.claims],
        "exhibits": [plain(asdict(exhibit)) for exhibit in report.exhibits],
        "curves": {m: _spreads(spreads(report, m)) for m in report.metrics},
        "curves_words": {m: curves_note(report, m) for m in report.metrics},
        "members": [_member(member) for member in report.members],
        "panels": _panels(report.members, has_movie),
        "notes": list(report.notes),
        "versions": dict(report.versions),
        "about": plain(about | {"plan": _plan(plan)}),
        "wrong": dict(report.wrong),
        "read_more": list(report.read_more),
    }


def _plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What a person may want to know of a plan; its members are listed elsewhere."""
    return {key: value for key, value in plan.items() if key not in ("members", "cohorts")}


def _claim(claim: ClaimResult) -> dict[str, Any]:
    said = {
        "verdict": words.verdict_word(claim),
        "effect": words.effect_words(claim),
        "interval": words.interval_words(claim),
        "p": words.p_phrase(claim.p),
        "contrast": words.contrast(claim),
        "expected": words.expected_words(claim),
    }
    region = words.region(claim.bound)
    found: dict[str, Any] = plain(asdict(claim) | {"region": region, "words": said})
    return found


def _spreads(found: Sequence[Spread]) -> dict[str, Any]:
    return {
        s.comparison: {
            "x": rounded(s.x.tolist()),
            "mean": rounded(s.mean.tolist()),
            "low": rounded(s.low.tolist()),
            "high": rounded(s.high.tolist()),
            "networks": s.networks,
            "counted": s.counted,
        }
        for s in found
    }


def _member(member: MemberRow) -> dict[str, Any]:
    return {
        "index": member.index,
        "comparison": member.comparison,
        "seed": member.seed,
        "settings": plain(member.settings),
        "curves": {name: rounded(curve) for name, curve in member.curves.items()},
        "final": {name: short(value) for name, value in member.final.items()},
        "diverged_at": member.diverged_at,
        "stopped_at": member.stopped_at,
        "best_step": member.best_step,
    }


def _panels(members: Sequence[MemberRow], has_movie: bool) -> dict[str, Any]:
    """What there is to look at beside the curves."""
    probes = dict.fromkeys(p for m in members for looks in m.probes.values() for p in looks)
    frames = max((len(m.snapshots) for m in members), default=0)
    return {
        "probes": list(probes),
        "snapshots": snapshot_names(members),
        "frames": frames,
        "movie": has_movie and frames > 0,
    }


def snapshot_names(members: Sequence[MemberRow]) -> list[str]:
    """What is kept to draw along the way."""
    names = (name for m in members for snapshot in m.snapshots for name in snapshot)
    return [name for name in dict.fromkeys(names) if name not in ("step", "epoch")]


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


def snapshots_data(
    members: Sequence[MemberRow], member: int | None, name: str | None
) -> dict[str, Any]:
    """What was kept of one network along the way, frame by frame."""
    having = [m for m in members if m.snapshots]
    names = snapshot_names(members)
    chosen = next((m for m in having if member is None or m.index == member), None)
    shown = name if name in names else next(iter(names), None)
    frames = [
        {"step": s["step"], "epoch": s["epoch"], "value": rounded(s[shown])}
        for s in (chosen.snapshots if chosen else ())
        if shown is not None and shown in s
    ]
    return {
        "members": [m.index for m in having],
        "member": chosen.index if chosen else None,
        "name": shown,
        "names": names,
        "frames": frames,
    }


def fit_data(folder: Folder) -> dict[str, Any]:
    """A fit: what was asked, what was seen before training, what came out."""
    config, result = folder.config, folder.result
    kept = {k: v for k, v in (result or {}).items() if k not in ("predictor", "claims", "run")}
    about = config["about"]
    return {
        "kind": "fit",
        "run": "",
        "lab": config["lab"],
        "question": config["question"],
        "state": folder.state,
        "problem": "",
        "started": config["started"],
        "seconds": (result or {}).get("seconds", 0.0),
        "command": config["command"],
        "device": config["plan"]["device"],
        "task": about["task"],
        "target": about["target"],
        "rows": about["rows"],
        "split": about["split"],
        "notices": config["notices"],
        "result": plain(kept) if result else None,
    }

"""A run as plain data, for a page that draws its own curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pilotlight.app.compact import rounded, short
from pilotlight.app.panels import panels
from pilotlight.core.event import plain
from pilotlight.core.report import ClaimResult, MemberRow, Report
from pilotlight.present import words
from pilotlight.present.figures import curves_note
from pilotlight.present.fit_words import headline, inputs_words, procedure_words
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
        "panels": panels(report.members, has_movie),
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
        "inputs": inputs_words(config),
        "result": plain(kept | _fit_words(result)) if result else None,
    }


def _fit_words(result: Mapping[str, Any]) -> dict[str, str]:
    return {"first_line": headline(result), "procedure": procedure_words(result)}

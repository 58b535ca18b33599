"""From a run folder to a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from pilotlight.core.errors import PilotlightError
from pilotlight.core.event import Event, Exhibited, Finished, Note, plain
from pilotlight.core.lab import Lab
from pilotlight.core.report import ClaimResult, ExhibitResult, MemberRow, Report
from pilotlight.engine.script import script
from pilotlight.measure.members import collect
from pilotlight.measure.verdicts import judge
from pilotlight.record.folder import Folder


def summarise(folder: Folder, lab: Lab | None) -> Report:
    """The report of a run. A finished one is read as it was judged; `lab` may then be None."""
    events = folder.events()
    config = folder.config
    members = collect(config["plan"]["members"], events)
    kept = (folder.result or {}).get("report")
    evidence = config["evidence"] and _ended(events)
    judged = _read(kept) if kept else _judge(lab, evidence, members, events)
    unfinished = () if evidence or not config["evidence"] else ("the run is not finished",)
    return Report(
        lab=config["lab"],
        question=config["question"],
        evidence=evidence,
        why_no_verdict=(*config["why_no_verdict"], *unfinished),
        members=members,
        run=str(folder.path),
        state=folder.state,
        seconds=max((e.seconds for e in events if isinstance(e, Finished)), default=0.0),
        versions=config["versions"],
        about=_about(config, judged.pop("scope", "")),
        notes=_notes(events, members),
        **judged,
    )


def _ended(events: Iterable[Event]) -> bool:
    """Whether all training is done, though the result may not be written yet."""
    return any(isinstance(e, Finished) for e in events)


def _judge(
    lab: Lab | None, evidence: bool, members: Sequence[MemberRow], events: list[Event]
) -> dict[str, Any]:
    """Verdicts and texts from the lab itself; a run that is not finished has not kept them."""
    shown = {e.id: e for e in events if isinstance(e, Exhibited)}
    if lab is None:
        return {"text": "", "claims": (), "exhibits": ()}
    ran = {m.comparison for m in members}
    claims = tuple(
        claim
        for claim in judge(lab.claims, members, lab.metrics, lab.scope, evidence=evidence)
        # a person who asked for some comparisons only did not ask about the others
        if evidence or ran.issuperset(lab.claims[claim.id].comparisons)
    )
    exhibits = tuple(
        ExhibitResult(e.id, e.statement, s.passed, s.error, s.tolerance, s.values)
        for e in lab.exhibits
        if (s := shown.get(e.id))
    )
    return {
        "text": lab.text,
        "claims": claims,
        "exhibits": exhibits,
        "script": _script(lab),
        "read_more": tuple(lab.read_more),
        "wrong": dict(lab.wrong),
        "scope": lab.scope,
    }


def _script(lab: Lab) -> str:
    """The plain script; nothing for a lab that cannot be written as one, such as a cell's."""
    try:
        return script(lab)
    except PilotlightError:
        return ""


def _notes(events: Iterable[Event], members: Sequence[MemberRow]) -> tuple[str, ...]:
    notes = [e.text for e in events if isinstance(e, Note)]
    for comparison in dict.fromkeys(m.comparison for m in members):
        own = [m for m in members if m.comparison == comparison]
        count = sum(m.diverged_at is not None for m in own)
        if count:
            notes.append(f"{comparison}: {count} of {len(own)} networks diverged.")
    return tuple(notes)


def _about(config: Mapping[str, Any], scope: str) -> dict[str, Any]:
    return {
        "plan": config["plan"],
        "device": config["plan"]["device"],
        "started": config["started"],
        "command": config["command"],
        "energy": "unknown",
        "scope": scope,
        **config["about"],
    }


def result_of(report: Report) -> dict[str, Any]:
    """What result.json holds: the documented summary, and under "report" all a view needs."""
    kept = {
        "text": report.text,
        "claims": [asdict(c) for c in report.claims],
        "exhibits": [asdict(e) for e in report.exhibits],
        "script": report.script,
        "read_more": list(report.read_more),
        "wrong": dict(report.wrong),
        "scope": report.about.get("scope", ""),
    }
    summary: dict[str, Any] = plain(
        {**report.to_json(), "device": report.about["device"], "energy": "unknown", "report": kept}
    )
    summary["run"] = "."
    return summary


def _read(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **kept,
        "claims": tuple(_known(ClaimResult, c) for c in kept["claims"]),
        "exhibits": tuple(_known(ExhibitResult, e) for e in kept["exhibits"]),
        "read_more": tuple(kept["read_more"]),
    }


def _known(cls: Any, values: Mapping[str, Any]) -> Any:
    """A report's part from JSON; lists become tuples, unknown fields are passed over."""
    names = {f.name for f in fields(cls)}
    return cls(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in names}
    )


def history_arrays(members: Sequence[MemberRow]) -> dict[str, npt.NDArray[np.float64]]:
    """metric -> [member, evaluation], also for "epoch" and "step"; NaN where a curve has ended."""
    longest = max((len(c) for m in members for c in m.curves.values()), default=0)
    names = dict.fromkeys(name for m in members for name in m.curves)
    arrays = {name: np.full((len(members), longest), np.nan) for name in names}
    for row, member in enumerate(members):
        for name, curve in member.curves.items():
            values = [np.nan if v is None else v for v in curve]
            arrays[name][row, : len(values)] = values
    return arrays

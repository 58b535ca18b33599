"""Diagnose a run: what is wrong with a training, with the evidence and what to try."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from pilotlight.app import opening
from pilotlight.app.reporting import summarise
from pilotlight.core.errors import PilotlightError
from pilotlight.core.lab import Lab
from pilotlight.engine.material import Material, prepare
from pilotlight.engine.plan import Plan
from pilotlight.measure.diagnosis import Finding, diagnose
from pilotlight.record.folder import Folder


def findings(path: str | Path) -> tuple[list[Finding], bool]:
    """What is wrong with a run, the gravest first; and whether its rows could be looked at.

    A run's folder holds no rows. Where the lab and its data are at hand, its held-out rows are
    compared with its training rows; a folder copied from elsewhere is diagnosed without that.

    Raises:
        RecordError: no readable run there.
    """
    folder = opening.open_lab_run(path)
    lab = opening.lab_of(folder)
    shared = _shared_rows(folder, lab)
    return diagnose(summarise(folder, lab), shared), shared is not None


def _shared_rows(folder: Folder, lab: Lab | None) -> dict[str, float] | None:
    """Comparison -> share of held-out rows that are training rows too, in its first split."""
    if lab is None or lab.data is None:
        return None
    members = {m.comparison: m for m in reversed(Plan.from_json(folder.config["plan"]).members)}
    try:
        material = prepare(lab, list(members.values()))
    except (PilotlightError, OSError, ValueError):
        return None
    if set(folder.config["hashes"]["data"]).isdisjoint(material.tables):
        return None
    return {name: _share(material, member.index) for name, member in members.items()}


def _share(material: Material, member: int) -> float:
    inputs, _ = material.tables[material.table_of[member]]
    split = material.splits[member]
    held_out = [rows for part, rows in split.items() if part != "train"]
    if "train" not in split or not held_out:
        return 0.0
    known = set(_row_bytes(inputs[split["train"]]))
    asked = [row for rows in held_out for row in _row_bytes(inputs[rows])]
    return sum(row in known for row in asked) / max(len(asked), 1)


def _row_bytes(rows: Tensor) -> list[bytes]:
    return [row.tobytes() for row in rows.flatten(1).numpy()]

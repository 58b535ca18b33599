"""Answers to questions that need torch, scipy or matplotlib: each runs in a process of its own.

See `beside`. What they return is plain data, text or bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pilotlight.app import diagnosing, opening
from pilotlight.app.fit_config import command_words
from pilotlight.app.fit_preparing import prepare_fit
from pilotlight.app.fit_seen import seen
from pilotlight.app.lab_data import lab_data, lab_notebook
from pilotlight.app.panels import probes_data, snapshots_data
from pilotlight.app.predicting import predict_file
from pilotlight.app.prepare import command_line, prepare
from pilotlight.app.reading import write_page
from pilotlight.app.reporting import summarise
from pilotlight.app.rows import refuse_other_data, rows_data, rows_on_top
from pilotlight.app.run_data import fit_data, run_data
from pilotlight.core.command import FitCommand, RunCommand
from pilotlight.core.errors import UsageError, unknown
from pilotlight.core.report import Report
from pilotlight.data.columns import Column
from pilotlight.data.files import read
from pilotlight.engine.plan import Plan, make_members
from pilotlight.engine.script import script, shown_first
from pilotlight.labs.catalogue import load
from pilotlight.present.figures import main_figure, to_svg
from pilotlight.present.movies import film
from pilotlight.record.folder import JOURNAL
from pilotlight.record.follow import Follower

SHOWN_VALUES, SHOWN_ROWS = 6, 20


def lab_page(lab: str) -> dict[str, Any]:
    """All that a lab declares."""
    return lab_data(load(lab))


def lab_script(lab: str, comparison: str | None) -> dict[str, Any]:
    """A lab as a plain PyTorch program."""
    found = load(lab)
    if comparison is not None and comparison not in found.compare:
        raise UsageError(unknown("comparison", comparison, found.compare))
    shown = comparison or (shown_first(found) if found.trains else None)
    return {
        "lab": found.name,
        "comparison": shown,
        "comparisons": list(found.compare),
        "text": script(found, comparison),
    }


def notebook(lab: str) -> str:
    """A lab as a notebook: its text and its plain script."""
    found = load(lab)
    return lab_notebook(found, script(found))


def planned(command: RunCommand) -> dict[str, Any]:
    """What a command would train and the words that ask for it; nothing is written."""
    prepared = prepare(command)
    return {
        "command": command_line(command, prepared.lab),
        "evidence": prepared.config["evidence"],
        "why_no_verdict": prepared.config["why_no_verdict"],
        "networks": len(prepared.plan.members),
        "device": prepared.plan.device,
    }


def run_page(folder: str) -> dict[str, Any]:
    """A run, of a lab or a fit, as it is now."""
    lines = Follower(Path(folder)).lines  # before the rest is read: it may grow meanwhile
    opened = opening.open_folder(folder)
    if opened.config.get("kind") == "fit":
        return fit_data(opened) | {"n": lines}
    lab = opening.lab_of(opened)
    has_movie = lab is not None and lab.movie is not None
    return run_data(summarise(opened, lab), has_movie) | {"n": lines}


def probes(folder: str) -> dict[str, Any]:
    """What flowed through each layer along the way."""
    return probes_data(_report(folder).members)


def snapshots(folder: str, name: str | None) -> dict[str, Any]:
    """What was kept to draw under one name, of one network of each comparison, along the way."""
    opened = opening.open_lab_run(folder)
    lab = opening.lab_of(opened)
    on_top = rows_on_top(lab, opened.config)
    return snapshots_data(summarise(opened, lab).members, name, on_top)


def rows(folder: str, member: int, numbers: Sequence[int]) -> dict[str, Any]:
    """Some rows of the table that one network of a run learned from."""
    opened = opening.open_lab_run(folder)
    members = Plan.from_json(opened.config["plan"]).members
    found = next((m for m in members if m.index == member), None)
    if found is None:
        raise UsageError(f"member={member}: the networks of this run go to {len(members) - 1}.")
    lab = refuse_other_data(opening.lab_of(opened), found, opened.config)
    return rows_data(lab, found, numbers)


def lab_rows(lab: str, comparison: str, seed: int, numbers: Sequence[int]) -> dict[str, Any]:
    """The same of a network of a comparison, with the lab's own settings."""
    found = load(lab)
    (member,) = make_members(found, [seed], {}, [comparison])
    return rows_data(found, member, numbers)


def figure(folder: str) -> str:
    """The figure that tells a run's story, as SVG."""
    opened = opening.open_lab_run(folder)
    lab = opening.lab_of(opened)
    return to_svg(main_figure(summarise(opened, lab), lab.picture if lab else None))


def movie(folder: str) -> tuple[int, bytes] | None:
    """A lab's moving picture: how many frames, and all of them under one another as PNG."""
    opened = opening.open_lab_run(folder)
    lab = opening.lab_of(opened)
    found = film(summarise(opened, lab), lab.movie) if lab else None
    return (found.frames, found.png) if found else None


def report_page(folder: str) -> str:
    """The run's page, made afresh where more has happened since it was written."""
    path = Path(folder)
    page, journal = path / "report.html", path / JOURNAL
    is_old = journal.exists() and page.exists() and page.stat().st_mtime < journal.stat().st_mtime
    if is_old or not page.exists():
        page = write_page(folder)
    return page.read_text("utf-8")


def diagnosis(folder: str) -> dict[str, Any]:
    """What is wrong with a training, and what to try."""
    found, compared = diagnosing.findings(folder)
    return {"findings": [f.to_json() for f in found], "rows_compared": compared}


def columns(data: str) -> dict[str, Any]:
    """What a file of a person's own holds, before anything is asked of it."""
    found = read(data)
    return {
        "rows": found.rows,
        "columns": [_column(column) for column in found.columns],
        "trials": None if found.trials is None else list(found.trials.shape),
        "notes": list(found.notes),
    }


def _column(column: Column) -> dict[str, Any]:
    known = column.values[~np.isnan(column.values)]
    distinct = len(np.unique(known))
    if column.kind == "category":
        more = f" and {len(column.categories) - SHOWN_VALUES} more"
        told = ", ".join(column.categories[:SHOWN_VALUES])
        told += more if len(column.categories) > SHOWN_VALUES else ""
    elif len(known):
        texts = (
            column.text(int(np.nanargmin(column.values))),
            column.text(int(np.nanargmax(column.values))),
        )
        told = " to ".join(texts)
    else:
        told = "nothing"
    missing = len(column.values) - len(known)
    return {
        "name": column.name,
        "kind": column.kind,
        "values": told,
        "missing": missing,
        "distinct": distinct,
    }


def look(command: FitCommand) -> dict[str, Any]:
    """What a fit would do with the data, and what is to be warned of; nothing is trained."""
    return {"command": command_words(command), **seen(prepare_fit(command))}


def predictions(folder: str, data: str) -> dict[str, Any]:
    """What a fit's networks say of the first rows of a file, and what to know of all of them."""
    found = predict_file(folder, data)
    lines = found.lines()
    return {
        "rows": len(lines),
        "header": found.header,
        "lines": lines[:SHOWN_ROWS],
        "notes": list(found.notes),
    }


def predictions_file(folder: str, data: str) -> str:
    """What they say of all rows, as CSV: what `pilotlight predict` prints."""
    return predict_file(folder, data).csv()


def _report(folder: str) -> Report:
    opened = opening.open_lab_run(folder)
    return summarise(opened, opening.lab_of(opened))

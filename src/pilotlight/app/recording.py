"""Make what comes along of a lab's run: small enough for a package, enough for its page to tell.

Curves keep at most 60 points and four digits. Claims and exhibits are whole, mean curves with
their bands are of all comparisons; single networks, probes and frames come as far as there is room.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pilotlight.app import opening
from pilotlight.app.compact import json_text, rounded
from pilotlight.app.panels import Rows, evenly, films, films_within, probes_data
from pilotlight.app.prepare import code_hash
from pilotlight.app.reporting import summarise
from pilotlight.app.rows import rows_on_top
from pilotlight.app.run_data import run_data
from pilotlight.app.shipped import HOME, PICTURE, RUN, recorded
from pilotlight.core.errors import RecordError
from pilotlight.core.lab import Lab
from pilotlight.core.report import Report
from pilotlight.engine.steps import Supervised
from pilotlight.labs.catalogue import load
from pilotlight.present.figures import main_figure, to_svg
from pilotlight.record.folder import JOURNAL
from pilotlight.record.query import runs

LIMIT = 60_000
"""Bytes of a lab's two files together."""
POINTS, DIGITS = 60, 4
CURVES = ((60, False), (40, False), (40, True), (25, True), (15, True), (8, True))
"""Points of a curve, and whether only metrics that claims are about are kept: what leaves room."""
CURVES_SHARE, FILM_SHARE = 0.3, 0.7
"""Of all room, what curves may take; of what they leave, what frames of what was filmed may."""
PLACES = re.compile(r'(?<= )(?:d|x|y)="[^"]*"')
"""Where something is, in a drawing."""
LEFT_OUT = ("versions", "problem", "here", "progress", "command", "read_more", "wrong")


def write_recorded(folder: Path) -> tuple[str, int]:
    """Keep a finished run for its lab's page; returns the lab's name and the bytes it takes.

    Raises:
        RecordError: no finished run with verdicts there, of the lab as it is now.
    """
    opened = opening.open_lab_run(folder)
    lab = load(opened.config["lab"])
    if not fits(folder, lab):
        raise RecordError(f"{folder} is no whole run of {lab.name} as its file is now.")
    report = summarise(opened, lab)
    picture = _picture(report, lab)
    on_top = rows_on_top(lab, opened.config)
    text = _packed(_shown(report, lab, on_top, LIMIT - len(picture)))
    HOME.mkdir(exist_ok=True)
    (HOME / f"{lab.name}{PICTURE}").write_bytes(picture)
    (HOME / f"{lab.name}{RUN}").write_bytes(text)
    return lab.name, len(picture) + len(text)


def usable_run(lab: Lab, roots: Sequence[Path]) -> Path | None:
    """A whole run of the lab as its file is now, if there is one directly under these folders."""
    found = (run.path for root in roots for run in runs(root) if run.lab == lab.name)
    return next((path for path in found if fits(path, lab)), None)


def is_in_step(lab: Lab) -> bool:
    """Whether what comes along was made by the lab as its file is now."""
    run = recorded(lab.name) or {}
    there = (HOME / f"{lab.name}{PICTURE}").is_file() and "filmed" in run
    return there and run["code"] == code_hash(lab)


def fits(folder: Path, lab: Lab) -> bool:
    """Whether it is a finished run with verdicts, on the confirming seeds, of this very code."""
    try:
        config = opening.open_lab_run(folder).config
    except RecordError:
        return False
    whole = (folder / "result.json").exists() and config["evidence"] and _is_filmed(folder, lab)
    confirming = config.get("seeds", [])[:1] in ([], [1000])
    return bool(whole and confirming and config["hashes"]["lab"] == code_hash(lab))


def _is_filmed(folder: Path, lab: Lab) -> bool:
    """Whether there is what to show of it along the way, where the lab gives that."""
    asked = isinstance(lab.train, Supervised) or getattr(lab.train, "snapshot", None) is not None
    return not asked or b'"kind": "snapshot"' in (folder / JOURNAL).read_bytes()


def _picture(report: Report, lab: Lab) -> bytes:
    """The main figure as a drawing, packed. A tenth of a point is finer than anyone sees."""
    drawn = to_svg(main_figure(report, lab.picture))
    fewer = PLACES.sub(lambda places: re.sub(r"(\.\d)\d+", r"\1", places[0]), drawn)
    return gzip.compress(fewer.encode(), 9, mtime=0)


def _shown(report: Report, lab: Lab, on_top: Rows, room: int) -> dict[str, Any]:
    """What is needed, then what there is room for, in the order of how much it tells."""
    whole = run_data(report, has_movie=False)
    about = {key: whole["about"][key] for key in ("data",) if key in whole["about"]}
    base = {key: value for key, value in whole.items() if key not in LEFT_OUT}
    base |= {"recorded": True, "code": code_hash(lab), "n": 0, "members": [], "about": about}
    base["networks"] = len(report.members)
    for points, named_only in CURVES:
        data = base | _curves(whole, points, named_only)
        if _size(data) <= CURVES_SHARE * room:
            break
    share = int(FILM_SHARE * (room - _size(data)))
    data["filmed"] = films_within(films(report.members, on_top), share, _size)
    for key, value in _extras(report, whole["members"], data["main_metric"], points):
        if _size(data | {key: value}) <= room:
            data[key] = value
    return data


def _packed(data: Mapping[str, Any]) -> bytes:
    return gzip.compress(json_text(rounded(data, DIGITS)).encode(), 9, mtime=0)


def _curves(whole: Mapping[str, Any], points: int, named_only: bool) -> dict[str, Any]:
    named = {whole["main_metric"], *(claim["metric"] for claim in whole["claims"])}
    metrics = [m for m in whole["metrics"] if m in named or not named_only]
    return {
        "metrics": metrics,
        "curves": {
            metric: {name: _thin(spread, points) for name, spread in spreads.items()}
            for metric, spreads in whole["curves"].items()
            if metric in metrics
        },
        "curves_words": {metric: whole["curves_words"][metric] for metric in metrics},
    }


def _size(data: Mapping[str, Any]) -> int:
    return len(_packed(data))


def _extras(
    report: Report, members: Sequence[Mapping[str, Any]], metric: str | None, points: int
) -> Iterator[tuple[str, Any]]:
    """Parts by name; a later one of the same name, if it fits, takes the place of the earlier."""
    for seeds in (3, 6, 100):
        first = sorted({m["seed"] for m in members})[:seeds]
        yield "members", [_member(m, metric, points) for m in members if m["seed"] in first]
        if seeds == 3 and (probes := probes_data(report.members))["probes"]:
            yield "probes", probes


def _member(member: Mapping[str, Any], metric: str | None, points: int) -> dict[str, Any]:
    shown = {k: c for k, c in member["curves"].items() if k in ("epoch", "step", metric)}
    final = {k: v for k, v in member["final"].items() if k == metric}
    return dict(member) | {"curves": _thin(shown, points), "final": final, "settings": {}}


def _thin(columns: Mapping[str, Any], points: int) -> dict[str, Any]:
    """Lists of equal length at the same few places; anything else as it is."""
    longest = max((len(v) for v in columns.values() if isinstance(v, list)), default=0)
    places = evenly(longest, points)
    return {
        key: [value[i] for i in places if i < len(value)] if isinstance(value, list) else value
        for key, value in columns.items()
    }

"""Make what comes along of a lab's run: small enough for a package, enough for its page to tell.

Curves keep at most 60 points and four digits. Claims and exhibits are whole, mean curves with
their bands are of all comparisons; single networks, probes and frames come as far as there is room.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from pilotlight.app import opening
from pilotlight.app.compact import json_text, rounded
from pilotlight.app.reporting import summarise
from pilotlight.app.run_data import probes_data, run_data, snapshots_data
from pilotlight.app.shipped import HOME
from pilotlight.core.errors import RecordError
from pilotlight.core.lab import Lab
from pilotlight.core.report import Report
from pilotlight.labs.catalogue import load
from pilotlight.present.figures import main_figure, to_png
from pilotlight.record.query import runs

LIMIT, PICTURE_LIMIT = 60_000, 28_000
"""Bytes of a lab's two files together, and of its picture."""
POINTS, DIGITS, FRAMES = 60, 4, 8
CURVES = ((60, False), (40, False), (40, True), (25, True), (15, True), (8, True))
"""Points of a curve, and whether only metrics that claims are about are kept: what leaves room."""
LOOKS = ((100, 32), (100, 16), (80, 32), (80, 16), (64, 16))
"""Dots per inch and colours of the picture; the first that is small enough."""
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
    png = _picture(report, lab)
    text = _text(report, lab, LIMIT - len(png)).encode() + b"\n"
    HOME.mkdir(exist_ok=True)
    (HOME / f"{lab.name}.png").write_bytes(png)
    (HOME / f"{lab.name}.json").write_bytes(text)
    return lab.name, len(png) + len(text)


def usable_run(lab: Lab, roots: Sequence[Path]) -> Path | None:
    """A whole run of the lab as its file is now, if there is one directly under these folders."""
    found = (run.path for root in roots for run in runs(root) if run.lab == lab.name)
    return next((path for path in found if fits(path, lab)), None)


def is_in_step(lab: Lab) -> bool:
    """Whether what comes along was made by the lab as its file is now."""
    path = HOME / f"{lab.name}.json"
    return path.is_file() and f'"code":"{_code(lab)}"' in path.read_text("utf-8")


def fits(folder: Path, lab: Lab) -> bool:
    """Whether it is a finished run with verdicts, on the confirming seeds, of this very code."""
    try:
        config = opening.open_lab_run(folder).config
    except RecordError:
        return False
    whole = (folder / "result.json").exists() and config["evidence"]
    confirming = config.get("seeds", [])[:1] in ([], [1000])
    return bool(whole and confirming and config["hashes"]["lab"] == _code(lab))


def _code(lab: Lab) -> str:
    return hashlib.sha256(Path(lab.source).read_bytes()).hexdigest()[:16]


def _picture(report: Report, lab: Lab) -> bytes:
    data = b""
    for dots, colours in LOOKS:
        file = io.BytesIO()
        drawn = to_png(main_figure(report, lab.picture), dots)
        Image.open(io.BytesIO(drawn)).convert("RGB").quantize(colours).save(
            file, "PNG", optimize=True
        )
        data = file.getvalue()
        if len(data) <= PICTURE_LIMIT:
            break
    return data


def _text(report: Report, lab: Lab, room: int) -> str:
    """What is needed, then what there is room for, in the order of how much it tells."""
    whole = run_data(report, has_movie=False)
    about = {key: whole["about"][key] for key in ("data",) if key in whole["about"]}
    base = {key: value for key, value in whole.items() if key not in LEFT_OUT}
    base |= {"recorded": True, "code": _code(lab), "n": 0, "members": [], "about": about}
    base["networks"] = len(report.members)
    for points, named_only in CURVES:
        data = base | _curves(whole, points, named_only)
        if _size(data) <= room:
            break
    for key, value in _extras(report, whole["members"], data["main_metric"], points):
        if _size(data | {key: value}) <= room:
            data[key] = value
    return json_text(rounded(data, DIGITS))


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
    return len(json_text(rounded(data, DIGITS)).encode()) + 1


def _extras(
    report: Report, members: Sequence[Mapping[str, Any]], metric: str | None, points: int
) -> Iterator[tuple[str, Any]]:
    """Parts by name; a later one of the same name, if it fits, takes the place of the earlier."""
    for seeds in (3, 6, 100):
        first = sorted({m["seed"] for m in members})[:seeds]
        yield "members", [_member(m, metric, points) for m in members if m["seed"] in first]
    probes = probes_data(report.members)
    if probes["probes"]:
        yield "probes", probes
    snapshots = snapshots_data(report.members, None, None)
    if snapshots["frames"]:
        kept = [snapshots["frames"][i] for i in _evenly(len(snapshots["frames"]), FRAMES)]
        yield "snapshots", snapshots | {"frames": kept, "members": [snapshots["member"]]}


def _member(member: Mapping[str, Any], metric: str | None, points: int) -> dict[str, Any]:
    shown = {k: c for k, c in member["curves"].items() if k in ("epoch", "step", metric)}
    final = {k: v for k, v in member["final"].items() if k == metric}
    return dict(member) | {"curves": _thin(shown, points), "final": final, "settings": {}}


def _thin(columns: Mapping[str, Any], points: int) -> dict[str, Any]:
    """Lists of equal length at the same few places; anything else as it is."""
    longest = max((len(v) for v in columns.values() if isinstance(v, list)), default=0)
    places = _evenly(longest, points)
    return {
        key: [value[i] for i in places if i < len(value)] if isinstance(value, list) else value
        for key, value in columns.items()
    }


def _evenly(length: int, most: int) -> list[int]:
    """At most so many places, the first and the last among them."""
    if length <= most:
        return list(range(length))
    return sorted({round(i * (length - 1) / (most - 1)) for i in range(most)})

"""What comes along of a lab's run: small, and true to the run."""

from __future__ import annotations

import json
import shutil

import pytest

from pilotlight.app import recording, shipped
from pilotlight.app.reading import read_report
from pilotlight.app.recording import fits, is_in_step, usable_run, write_recorded
from pilotlight.core.errors import RecordError


@pytest.fixture
def home(tmp_path, monkeypatch, lab):
    """An empty place to write to, and `ring` as if it were a lab of the package."""
    monkeypatch.setattr(recording, "HOME", tmp_path / "recorded")
    monkeypatch.setattr(shipped, "HOME", tmp_path / "recorded")
    monkeypatch.setattr(recording, "load", lambda name: lab)
    return tmp_path / "recorded"


def test_it_is_the_run_with_fewer_digits(home, finished, lab):
    name, size = write_recorded(finished.folder)
    assert size == sum(len(path.read_bytes()) for path in home.iterdir())
    run, report = shipped.recorded(name), read_report(finished.folder)
    assert {c["id"]: c["verdict"] for c in run["claims"]} == report.verdicts
    assert run["networks"] == len(report.members)
    for member, row in zip(run["members"], report.members, strict=True):
        metric = run["main_metric"]
        assert member["curves"][metric] == pytest.approx(list(row.curves[metric]), rel=1e-3)
    assert shipped.recorded_picture(name).startswith(b"<svg")
    assert is_in_step(lab)


def frames(run):
    """How many frames there are of all networks, by name."""
    films = run["filmed"].items()
    return {name: sum(len(n["frames"]) for n in film["networks"]) for name, film in films}


def test_it_holds_less_where_there_is_less_room(home, finished, monkeypatch):
    _, size = write_recorded(finished.folder)
    whole = frames(shipped.recorded("ring"))
    assert set(whole) == {"surface", "confusion"}
    monkeypatch.setattr(recording, "LIMIT", size // 2)
    assert write_recorded(finished.folder)[1] <= size // 2
    run = shipped.recorded("ring")
    assert sum(frames(run).values()) < sum(whole.values())
    assert len(run["claims"]) == 2
    assert set(run["curves"][run["main_metric"]]) == {"wide", "wide_and_slow", "narrow"}


def test_only_a_whole_run_of_this_very_code_will_do(home, finished, lab, tmp_path):
    assert fits(finished.folder, lab)
    assert usable_run(lab, [tmp_path, finished.folder.parent]) == finished.folder
    for what, change in (
        ("code", {"hashes": {"lab": "other", "data": []}}),
        ("exploring", {"evidence": False}),
        ("verifying", {"seeds": [2000, 2001]}),
    ):
        copy = tmp_path / what
        shutil.copytree(finished.folder, copy)
        config = json.loads((copy / "config.json").read_text())
        (copy / "config.json").write_text(json.dumps(config | change))
        assert not fits(copy, lab)
        with pytest.raises(RecordError, match="is no whole run of ring as its file is now"):
            write_recorded(copy)
    assert usable_run(lab, [tmp_path]) is None

"""`runs` and `report`."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path

import pytest

from pilotlight.cli import main
from pilotlight.record.query import RunSummary

STARTED = "2030-01-02T03:04:05+00:00"
RUNS = [
    RunSummary(
        Path("runs/a"),
        "momentum",
        STARTED,
        "finished",
        36,
        True,
        {"x": "supported", "y": "refuted", "z": "supported"},
        2_500_000,
    ),
    RunSummary(Path("runs/b"), "dropout", STARTED, "stopped", 1, False, {"x": None}, 500),
    RunSummary(Path("runs/c"), "", STARTED, "damaged", 0, False, {}, 10, "It is torn."),
]


def test_runs_are_told_with_state_verdicts_and_weight(world, capsys):
    world.summaries = RUNS
    assert main(["runs"]) == 0
    assert world.asked == [Path("runs")]
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "finished momentum 36 networks 2.5 MB 2 supported, 1 refuted runs/a",
        "stopped dropout 1 network 500 bytes for exploring runs/b",
        "damaged 10 bytes runs/c: It is torn.",
        "3 runs in runs, 2.5 MB",
    ]


def test_runs_in_json(world, capsys):
    world.summaries = RUNS
    assert main(["runs", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer[0] == {
        "path": "runs/a",
        "lab": "momentum",
        "started": STARTED,
        "state": "finished",
        "members": 36,
        "evidence": True,
        "verdicts": {"x": "supported", "y": "refuted", "z": "supported"},
        "bytes": 2_500_000,
        "problem": "",
    }
    assert len(answer) == 3


def test_no_runs_is_a_fine_answer(world, capsys):
    assert main(["runs"]) == 0
    assert "No runs in runs yet" in capsys.readouterr().out
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_root_that_is_named_must_be_there(world, capsys, tmp_path):
    assert main(["runs", "--root", str(tmp_path)]) == 0
    assert world.asked == [tmp_path]
    assert main(["runs", "--root", str(tmp_path / "nowhere")]) == 2
    assert "there is no such folder" in capsys.readouterr().err


def test_a_report_is_written_and_its_path_printed(world, capsys):
    assert main(["report", "runs/a"]) == 0
    assert world.asked == ["runs/a"]
    assert capsys.readouterr().out == f"{Path('runs/a/report.html')}\n"


def test_a_report_in_json(world, capsys):
    assert main(["report", "runs/a", "--json"]) == 0
    assert world.asked == ["runs/a"]
    assert json.loads(capsys.readouterr().out)["lab"] == "momentum"


@pytest.mark.parametrize("opens", [True, False])
def test_a_report_is_opened_where_there_is_a_browser(opens, world, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or opens)
    assert main(["report", "runs/a", "--open"]) == 0
    assert opened == [Path("runs/a/report.html").absolute().as_uri()]
    assert ("No browser could be opened" in capsys.readouterr().err) is not opens

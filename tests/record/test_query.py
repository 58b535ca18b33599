"""The list of runs shows every run, damaged ones too, and never fails."""

import os
import shutil
from pathlib import Path

import pytest
import torch

from pilotlight.core.event import Measured
from pilotlight.record.folder import Folder
from pilotlight.record.query import RunSummary, runs


def _create(root: Path, name: str, started: str, **config: object) -> Folder:
    values = {"lab": name, "started": started, "evidence": True, **config}
    return Folder.create(name, values, root=root)


def test_no_root_no_runs(tmp_path: Path) -> None:
    assert runs(tmp_path / "runs") == []
    (tmp_path / "file").touch()
    assert runs(tmp_path / "file") == []


def test_a_finished_run(tmp_path: Path) -> None:
    folder = _create(tmp_path, "momentum", "2024-05-01T10:00:00+00:00")
    folder.save_weights(0, {"0/w": torch.ones(2)})
    claims = [{"id": "a", "verdict": "supported"}, {"id": "b", "verdict": None}]
    folder.finish({"members": 24, "claims": claims}, {})
    folder.write_bytes("figures/loss.png", b"x" * 1000)
    size = sum(p.stat().st_size for p in folder.path.rglob("*") if p.is_file())
    assert runs(tmp_path) == [
        RunSummary(
            path=folder.path,
            lab="momentum",
            started="2024-05-01T10:00:00+00:00",
            state="finished",
            members=24,
            evidence=True,
            verdicts={"a": "supported", "b": None},
            bytes=size,
        )
    ]


@pytest.mark.skipif(os.name == "nt", reason="there are no locks on Windows")
def test_runs_that_are_running_and_stopped(tmp_path: Path) -> None:
    folder = _create(tmp_path, "gan", "2024-05-01T10:00:00", evidence=False)
    with folder.lock():
        folder.append(Measured(0, 1, 0.1, (0, 1, 2), {"loss": (0.1, 0.2, None)}))
        folder.append(Measured(1, 1, 0.1, (3,), {"loss": (0.1,)}))
        (running,) = runs(tmp_path)
    (stopped,) = runs(tmp_path)
    assert (running.state, stopped.state) == ("running", "stopped")
    assert (stopped.members, stopped.evidence, stopped.verdicts) == (4, False, {})


def test_newest_first_over_time_zones(tmp_path: Path) -> None:
    _create(tmp_path, "first", "2024-05-01T12:00:00+05:00")  # 07:00 UTC
    _create(tmp_path, "last", "2024-05-01T09:00:00Z")
    _create(tmp_path, "second", "2024-05-01T10:00:00+02:00")
    assert [run.lab for run in runs(tmp_path)] == ["last", "second", "first"]


def test_folders_that_are_no_runs_are_left_out(tmp_path: Path) -> None:
    folder = _create(tmp_path, "momentum", "2024-05-01T10:00:00")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").touch()
    (tmp_path / "file.txt").touch()
    (tmp_path / "half made").mkdir()
    assert [run.path for run in runs(tmp_path)] == [folder.path]


DAMAGE = {
    "truncated config": ("config.json", '{"format": 1, "la', "config.json is damaged"),
    "foreign config": ("config.json", '{"name": "x"}', "no format that Pilotlight wrote"),
    "newer format": ("config.json", '{"format": 2, "pilotlight": "7.0"}', "by Pilotlight 7.0"),
    "odd time": ("config.json", '{"format": 1, "started": "noon"}', "not hold what a run writes"),
    "odd time type": ("config.json", '{"format": 1, "started": 7}', "not hold what a run writes"),
    "truncated result": ("result.json", '{"members":', "result.json is damaged"),
    "odd claims": ("result.json", '{"claims": [1]}', "not hold what a run writes"),
    "no verdict": ("result.json", '{"claims": [{"id": "a"}]}', "not hold what a run writes"),
    "odd members": ("result.json", '{"members": []}', "not hold what a run writes"),
    "broken journal": ("journal.jsonl", "half a li\n", "line 1 is not an event"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_run_is_listed_as_such(tmp_path: Path, damage: str) -> None:
    name, text, problem = DAMAGE[damage]
    good = _create(tmp_path, "momentum", "2024-05-01T10:00:00")
    bad = Folder(shutil.copytree(good.path, tmp_path / "bad"), {})
    (bad.path / name).write_text(text)
    first, second = runs(tmp_path)  # when the bad folder changed is later than 2024
    assert (first.path, first.state) == (bad.path, "damaged")
    assert problem in first.problem
    assert first.bytes >= len(text)
    assert (second.path, second.state, second.problem) == (good.path, "stopped", "")


def test_a_run_that_does_not_say_when_it_started(tmp_path: Path) -> None:
    folder = Folder.create("a", {"lab": "a"}, root=tmp_path)
    os.utime(folder.path, (1714557600, 1714557600))  # 2024-05-01 10:00 UTC
    _create(tmp_path, "b", "2024-05-01T10:00:01+00:00")
    _create(tmp_path, "c", "2024-05-01T09:59:59+00:00")
    assert [run.lab for run in runs(tmp_path)] == ["b", "a", "c"]

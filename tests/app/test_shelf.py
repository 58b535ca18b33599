"""The shelf: what is known of runs is never older than the runs."""

from __future__ import annotations

import json
import shutil

import pytest

from pilotlight.app.shelf import Shelf
from pilotlight.core.errors import RecordError
from pilotlight.record.folder import Folder


@pytest.fixture
def shelf(tmp_path, finished):
    for name in ("one", "two"):
        shutil.copytree(finished.folder, tmp_path / "runs" / name)
    return Shelf(tmp_path / "runs")


def test_an_empty_shelf(tmp_path):
    shelf = Shelf(tmp_path / "nothing")
    assert (shelf.all(), shelf.away(), shelf.names(), shelf.training()) == ([], [], set(), set())


def test_what_is_no_run_is_left_out(shelf):
    (shelf.root / "data").mkdir()
    (shelf.root / "file.txt").touch()
    assert shelf.names() == {"one", "two"}


def test_a_run_that_changes_is_read_again(shelf):
    assert shelf.about("one")["state"] == "finished"
    (shelf.root / "one" / "result.json").unlink()
    assert shelf.about("one")["state"] == "stopped"
    assert not shelf.is_finished("one")
    folder = Folder.open(shelf.root / "one")
    with folder.lock():
        assert shelf.about("one")["state"] == "running"
        assert shelf.training() == {"one"}
        with pytest.raises(RecordError, match=r"one is being trained\. Stop it first\."):
            shelf.put_away("one")
    assert shelf.about("one")["state"] == "stopped"
    assert shelf.training() == set()


def test_the_newest_comes_first(shelf):
    config = shelf.root / "two" / "config.json"
    said = json.loads(config.read_text())
    config.write_text(json.dumps(said | {"started": "2040-01-01T00:00:00+02:00"}))
    assert [run["run"] for run in shelf.all()] == ["two", "one"]


@pytest.mark.parametrize("name", ["three", "..", ".", "", "../runs/one", "one/", "/", ".deleted"])
def test_what_is_not_there_is_not_found(name, shelf):
    for ask in (shelf.find, shelf.about, shelf.put_away, shelf.bring_back):
        with pytest.raises(RecordError, match=r"unknown (deleted )?run"):
            ask(name)


def test_away_and_back(shelf):
    shelf.put_away("one")
    assert shelf.names() == {"two"}
    assert [run["run"] for run in shelf.away()] == ["one"]
    shelf.bring_back("one")
    assert shelf.names() == {"one", "two"}
    assert shelf.about("one")["state"] == "finished"

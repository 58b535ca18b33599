"""Diagnosing a run folder: the rows are compared where they are at hand."""

from pathlib import Path

import pytest

from pilotlight.app.diagnosing import findings
from pilotlight.app.running import start
from pilotlight.core.command import RunCommand
from pilotlight.core.errors import RecordError

SICK = Path(__file__).parents[1] / "measure" / "sick.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    command = RunCommand(
        str(SICK), seeds=1, compare=("healthy", "leak"), changes={"epochs": 2}, out=str(out)
    )
    for _ in start(command):
        pass
    return out


def test_rows_in_both_parts_are_found(folder):
    found, looked = findings(folder)
    assert looked
    (leak,) = [f for f in found if f.code == "leak"]
    assert (leak.comparison, leak.evidence) == (
        "leak",
        "100 % of the held-out rows are training rows too",
    )


def test_without_the_lab_the_rest_is_still_told(folder, monkeypatch):
    monkeypatch.setattr("pilotlight.app.opening.lab_of", lambda folder: None)
    found, looked = findings(folder)
    assert not looked
    assert "leak" not in {f.code for f in found}
    assert "few-seeds" in {f.code for f in found}


def test_no_run_there(tmp_path):
    with pytest.raises(RecordError, match="There is no folder"):
        findings(tmp_path / "nothing")

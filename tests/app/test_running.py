"""Training while one iterates: what is recorded, and going on past what is done."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from pilotlight.app.running import Running, plan, resume, start
from pilotlight.core.command import RunCommand
from pilotlight.core.errors import RecordError, UsageError
from pilotlight.core.event import (
    Checkpoint,
    CohortDone,
    Event,
    Exhibited,
    Finished,
    Measured,
    Progress,
)
from pilotlight.record.folder import Folder

FILES = {
    "config.json",
    "journal.jsonl",
    "result.json",
    "history.npz",
    "weights.safetensors",
    "report.html",
    "figures",
    ".lock",
}


def begin(path: str, tmp_path: Path, **asked) -> Running:
    return start(RunCommand(path, out=str(tmp_path / "run"), **asked))


def kinds(events: list[Event]) -> list[str]:
    return [e.kind for e in events if e.recorded]


def test_a_run_leaves_what_it_says(finished):
    assert set(os.listdir(finished.folder)) == FILES
    assert finished.finished
    assert finished.report().state == "finished"
    assert finished.report().evidence


def test_every_recorded_event_is_yielded_and_in_the_journal(path, tmp_path):
    running = begin(path, tmp_path, quick=True)
    events = list(running)
    recorded = Folder.open(running.folder).events()
    assert kinds(events) == kinds(recorded)
    assert kinds(events)[0] == "exhibited"
    assert isinstance(events[-1], Finished)
    assert any(isinstance(e, Progress) for e in events)
    assert not any(isinstance(e, Progress | Checkpoint) for e in recorded)


def test_progress_ends_at_the_total(path, tmp_path):
    last = [e for e in begin(path, tmp_path, quick=True) if isinstance(e, Progress)][-1]
    assert last.done == last.total == 9 * 2 * 6  # networks, epochs, steps: 96 rows in batches of 16


def test_it_tells_about_itself_before_training(path, tmp_path):
    running = begin(path, tmp_path)
    assert (running.lab_name, running.seconds, running.finished) == ("ring", 4, False)
    assert running.picture is None
    assert os.listdir(running.folder)
    assert running.report().state == "stopped"


def test_a_command_that_is_refused_writes_nothing(path, tmp_path):
    with pytest.raises(UsageError, match="seeds=0"):
        begin(path, tmp_path, seeds=0)
    assert os.listdir(tmp_path) == []


def test_an_exact_lab_is_recorded_too(tmp_path):
    running = begin("backprop", tmp_path)
    events = list(running)
    assert {type(e) for e in events} == {Exhibited, Finished}
    report = running.report()
    assert (report.state, report.evidence, report.members) == ("finished", True, ())
    assert set(os.listdir(running.folder)) == FILES - {"weights.safetensors"}


def test_a_plan_writes_nothing(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = plan(RunCommand(path))
    assert (told["lab"], told["seconds"], told["evidence"]) == ("ring", 4, True)
    assert [len(c["members"]) for c in told["cohorts"]] == [10, 5]
    assert os.listdir(tmp_path) == []


# Going on


def until(running: Running, kind: type[Event], count: int = 1) -> None:
    """Train until so many events of a kind have come, then walk away."""
    events = iter(running)
    for event in events:
        count -= isinstance(event, kind)
        if not count:
            break
    events.close()


def same_numbers(folder: Path, other: Path) -> None:
    ours, theirs = Folder.open(folder), Folder.open(other)
    history, expected = ours.history(), theirs.history()
    assert history.keys() == expected.keys()
    for name, array in history.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
    weights, wanted = ours.weights(), theirs.weights()
    assert weights.keys() == wanted.keys()
    for name, tensor in weights.items():
        assert torch.equal(tensor, wanted[name]), name


def test_cohorts_that_are_done_are_not_trained_again(path, tmp_path, finished):
    running = begin(path, tmp_path)
    until(running, CohortDone)
    assert running.report().state == "stopped"
    events = list(resume(str(running.folder)))
    assert {e.cohort for e in events if isinstance(e, Measured)} == {1}
    assert not any(isinstance(e, Exhibited) for e in events)
    same_numbers(running.folder, finished.folder)
    assert Folder.open(running.folder).result["claims"] == finished.report().to_json()["claims"]


def test_progress_of_a_resumed_run_counts_what_is_done(path, tmp_path):
    running = begin(path, tmp_path)
    until(running, CohortDone)
    progress = [e for e in resume(str(running.folder)) if isinstance(e, Progress)]
    assert progress[0].done > 10 * 6 * 6
    assert progress[-1].done == progress[-1].total == 15 * 6 * 6


def test_seconds_are_summed_over_the_parts(path, tmp_path):
    running = begin(path, tmp_path)
    until(running, CohortDone)
    (done,) = (e for e in Folder.open(running.folder).events() if isinstance(e, CohortDone))
    again = resume(str(running.folder))
    list(again)
    assert again.report().seconds > done.seconds


def test_stopped_between_two_cohorts_by_hand_it_says_how_to_go_on(path, tmp_path):
    running = begin(path, tmp_path)
    until(running, Measured, 3)
    running.stop()
    page = (running.folder / "report.html").read_text("utf-8")
    assert f"pilotlight run --resume {running.folder}" in page
    list(resume(str(running.folder)))
    assert "--resume" not in (running.folder / "report.html").read_text("utf-8")


def test_a_finished_run_has_nothing_left_to_train(finished):
    before = {p: p.stat().st_mtime_ns for p in finished.folder.rglob("*") if p.is_file()}
    again = resume(str(finished.folder))
    assert again.finished
    assert list(again) == []
    assert again.report() == finished.report()
    assert {p: p.stat().st_mtime_ns for p in finished.folder.rglob("*") if p.is_file()} == before


def test_a_finished_run_opens_whatever_became_of_its_lab(path, tmp_path):
    own = tmp_path / "my_lab.py"
    own.write_text(Path(path).read_text("utf-8"), "utf-8")
    running = begin(str(own), tmp_path, quick=True)
    list(running)
    expected = running.report()
    own.write_text(own.read_text("utf-8") + "\n# edited\n", "utf-8")
    assert resume(str(running.folder)).report() == expected
    own.unlink()
    gone = resume(str(running.folder))
    assert list(gone) == []
    assert (gone.report(), gone.seconds, gone.picture) == (expected, 0.0, None)


def test_a_page_that_was_not_written_in_time_is_written(path, tmp_path):
    running = begin(path, tmp_path, quick=True)
    list(running)
    page = running.folder / "report.html"
    said = page.read_text("utf-8")
    page.unlink()
    assert list(resume(str(running.folder))) == []
    assert page.read_text("utf-8") == said


def test_two_processes_do_not_train_in_one_folder(path, tmp_path):
    running = begin(path, tmp_path)
    events = iter(running)
    next(events)
    with pytest.raises(RecordError, match=f"being trained by process {os.getpid()} on "):
        list(resume(str(running.folder)))
    events.close()
    assert list(resume(str(running.folder)))


def test_a_lab_that_was_edited_is_not_gone_on_with(path, tmp_path):
    own = tmp_path / "my_lab.py"
    own.write_text(Path(path).read_text("utf-8"), "utf-8")
    running = begin(str(own), tmp_path)
    until(running, Measured)
    own.write_text(own.read_text("utf-8").replace("0.03", "0.04"), "utf-8")
    with pytest.raises(RecordError, match=r"Cannot resume: the lab's code changed"):
        resume(str(running.folder))


@pytest.mark.parametrize("jobs", [0, 257])
def test_jobs_are_checked_beside_resume_too(jobs, finished):
    with pytest.raises(UsageError, match=f"jobs={jobs}: jobs is a whole number from 1 to 256"):
        resume(str(finished.folder), jobs=jobs)

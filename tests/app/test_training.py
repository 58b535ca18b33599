"""Jobs: the numbers are the same for any number of workers, and for workers that die."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch

from pilotlight.app.running import Running, start
from pilotlight.app.training import usual_jobs
from pilotlight.core.command import RunCommand
from pilotlight.core.errors import RecordError, UsageError
from pilotlight.core.event import CohortDone, Measured, Note, Progress

TOYS = Path(__file__).parents[1] / "toys"
CHANGES = {"epochs": "4"}


def started(tmp_path, jobs, toy="recurrent"):
    command = RunCommand(
        str(TOYS / f"{toy}.py"), changes=CHANGES, jobs=jobs, out=str(tmp_path / f"jobs{jobs}")
    )
    return start(command)


def numbers(running: Running):
    history = np.load(running.folder / "history.npz")
    return {n: history[n] for n in history.files}, running._folder.weights()


def assert_equal(a, b):
    for (curves, weights), (other_curves, other_weights) in [(a, b)]:
        assert curves.keys() == other_curves.keys()
        assert weights.keys() == other_weights.keys()
        for name, curve in curves.items():
            assert np.array_equal(curve, other_curves[name], equal_nan=True), name
        for name, weight in weights.items():
            assert torch.equal(weight, other_weights[name]), name


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    running = started(tmp_path_factory.mktemp("alone"), 1)
    list(running)
    return numbers(running)


def test_two_and_three_workers_give_the_same_bits(tmp_path, alone):
    for jobs in (2, 3):
        running = started(tmp_path, jobs)
        events = list(running)
        assert_equal(numbers(running), alone)
        done = [e.done for e in events if isinstance(e, Progress)]
        assert done == sorted(done)
        assert len([e for e in events if isinstance(e, CohortDone)]) == 8


def test_a_worker_that_dies_is_told_and_its_work_is_done_again(tmp_path, alone):
    running = started(tmp_path, 2)
    killed = False
    notes = []
    for event in running:
        if isinstance(event, Measured) and not killed:
            multiprocessing.active_children()[0].kill()
            killed = True
        if isinstance(event, Note):
            notes.append(event.text)
    assert killed
    assert any("died (signal 9)" in text for text in notes)
    assert_equal(numbers(running), alone)
    assert any("died" in note for note in running.report().notes)
    assert len(running.report().members) == 8


def train_while_killing(running):
    for event in running:
        if isinstance(event, Measured):
            for child in multiprocessing.active_children():
                child.kill()


def test_workers_that_always_die_end_the_run_in_words(tmp_path):
    running = started(tmp_path, 2)
    with pytest.raises(RecordError, match="died 3 times, the last by signal 9"):
        train_while_killing(running)
    assert running.report().state == "stopped"


def test_no_worker_is_left_when_it_is_interrupted(tmp_path):
    running = started(tmp_path, 2)
    events = iter(running)
    while not isinstance(next(events), Measured):
        pass
    assert multiprocessing.active_children()
    events.close()
    assert not multiprocessing.active_children()


def test_jobs_out_of_range_is_told():
    with pytest.raises(UsageError, match="jobs=0: jobs is a whole number from 1 to 256"):
        start(RunCommand("momentum", jobs=0))


def test_short_runs_stay_in_one_process(tmp_path):
    quick = start(RunCommand("momentum", quick=True, out=str(tmp_path / "quick")))
    assert quick._prepared is not None
    assert usual_jobs(quick._prepared) <= usual_jobs(
        start(RunCommand("momentum", out=str(tmp_path / "full")))._prepared
    )

"""kill -9 at any moment: the folder opens, the journal is a prefix, the checkpoint is whole."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pilotlight.core.event import Measured
from pilotlight.record.folder import Folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs fork and kill -9")


def _train(mode: str, folder: Folder, copies: Path, *moments: float) -> None:
    script = Path(__file__).with_name("toy_trainer.py")
    command = [sys.executable, script, mode, folder.path, copies, *map(str, moments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def _check_prefix(folder: Folder) -> tuple[int, int]:
    """The number of events and the step of the checkpoint (-1: none), after checking both."""
    events = folder.events()
    assert all(isinstance(e, Measured) for e in events)
    assert [e.step for e in events] == list(range(len(events)))
    assert [e.values["loss"][0] for e in events] == [e.step * 0.1 for e in events]
    checkpoint = folder.load_checkpoints().get(0)
    if checkpoint is None:
        return len(events), -1
    assert checkpoint.about == {"step": checkpoint.step}
    assert checkpoint.tensors["n"] == checkpoint.step
    assert (checkpoint.tensors["w"] == checkpoint.step).all()
    assert checkpoint.step < len(events)  # it never knows more than the journal
    return len(events), checkpoint.step


def test_killed_at_random_moments(folder: Folder, tmp_path: Path) -> None:
    draw = random.Random(5)
    moments = [draw.uniform(0.03, 0.25) for _ in range(6)]
    _train("random", folder, tmp_path / "copies", *moments)
    found = [_check_prefix(Folder.open(tmp_path / "copies" / str(n))) for n in range(6)]
    assert found == sorted(found)  # nothing that a process had saved was lost by a later one
    assert found[-1][1] > 0
    assert Folder.open(folder.path).state == "stopped"


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """killed-N: what a kill at the N-th call left; resumed-N: what the next process made of it."""
    place = tmp_path_factory.mktemp("every")
    folder = Folder.create("momentum", {"lab": "momentum"}, out=str(place / "run"))
    _train("every", folder, place / "copies")
    return place / "copies"


def test_killed_at_every_call_to_the_system(copies: Path) -> None:
    runs = [Folder.open(path) for path in copies.glob("killed-*")]
    assert {run.state for run in runs} == {"stopped", "finished"}
    reached = [_check_prefix(run) for run in runs if not run.finished]
    assert {events for events, _ in reached} == {0, 1, 2, 3, 4, 5}
    assert {step for _, step in reached} == {-1, 1, 3}


def test_a_run_killed_anywhere_resumes_to_the_same_folder(copies: Path) -> None:
    for path in copies.glob("resumed-*"):
        run = Folder.open(path)
        assert run.result == {"steps": 5}
        assert [e.step for e in run.events()] == list(range(5))
        assert {k: set(w.tolist()) for k, w in run.weights().items()} == {"0/w": {5}, "1/w": {-5}}
        np.testing.assert_array_equal(run.history()["loss"], np.arange(5))
        assert sorted(os.listdir(path)) == [
            ".lock",
            "config.json",
            "history.npz",
            "journal.jsonl",
            "result.json",
            "weights.safetensors",
        ]

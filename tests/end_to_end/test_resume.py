"""What `run --resume` refuses, what it just prints, and who may train in a folder."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest
from command_line import RING, CommandLine, contents, lines, longer, wait_for
from one_command import Fault


@pytest.fixture
def stopped(pilotlight) -> Path:
    """A run of a lab file of one's own that was killed half way."""
    lab = pilotlight.folder / "my_lab.py"
    shutil.copy(RING, lab)
    fault = Fault(200, signal.SIGKILL)
    done = pilotlight("run", lab, "--out", "run", checkpoint_seconds=0, fault=fault)
    assert done.code == -signal.SIGKILL
    return pilotlight.folder / "run"


def refused(pilotlight: CommandLine) -> list[str]:
    """What is said to the wish to go on; nothing is touched."""
    before = contents(pilotlight.folder)
    done = pilotlight("run", "--resume", "run")
    assert (done.code, done.out) == (2, "")
    assert contents(pilotlight.folder) == before
    return done.err.splitlines()


ADVICE = (
    "pilotlight: The numbers would not be of one run. Start a new one, or bring back what changed."
)


def test_the_labs_file_changed(pilotlight, stopped):
    lab = pilotlight.folder / "my_lab.py"
    lab.write_text(lab.read_text("utf-8").replace("0.03)", "0.02)"), "utf-8")
    assert refused(pilotlight) == [
        "pilotlight: Cannot resume: the lab's code changed since this run started.",
        ADVICE,
    ]


@pytest.mark.parametrize(
    ("within", "key", "value", "said"),
    [
        ("hashes", "data", ["0"], "the data changed since this run started."),
        ("versions", "torch", "2.0.0", "this run was started with torch 2.0.0, here is 2."),
        ("versions", "pilotlight", "0", "this run was started with pilotlight 0, here is "),
    ],
)
def test_what_the_numbers_depend_on_changed(within, key, value, said, pilotlight, stopped):
    config = json.loads((stopped / "config.json").read_text("utf-8"))
    config[within][key] = value
    (stopped / "config.json").write_text(json.dumps(config), "utf-8")
    first, second = refused(pilotlight)
    assert first.startswith(f"pilotlight: Cannot resume: {said}")
    assert second == ADVICE


def test_the_labs_file_is_gone(pilotlight, stopped):
    (pilotlight.folder / "my_lab.py").unlink()
    (said,) = refused(pilotlight)
    assert said.endswith("my_lab.py: there is no such file.")


def test_a_checkpoint_that_was_cut(pilotlight, stopped):
    checkpoint = stopped / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-10])
    done = pilotlight("run", "--resume", "run")
    assert (done.code, done.out) == (2, "")
    assert "checkpoint.safetensors is damaged" in done.err
    assert "delete this file: the run then starts over" in done.err
    checkpoint.unlink()
    assert pilotlight("run", "--resume", "run").code == 0


def test_a_finished_run_is_printed_and_nothing_is_trained(pilotlight, whole):
    shutil.copytree(whole, pilotlight.folder / "run")
    before = contents(pilotlight.folder)
    done = pilotlight("run", "--resume", "run", "--json")
    assert done.code == 0
    assert done.err == "ring: this run is finished, so nothing is left to train.\n"
    assert {**done.json, "run": "."} == {
        key: value
        for key, value in json.loads((whole / "result.json").read_text("utf-8")).items()
        if key in done.json
    }
    assert "15 networks in 3 comparisons" in pilotlight("run", "--resume", "run").out
    assert contents(pilotlight.folder) == before


def test_one_process_trains_in_a_folder(pilotlight):
    folder = pilotlight.folder / "run"
    process = pilotlight.start("run", longer(pilotlight.folder, 1000), "--out", "run")
    wait_for(process, lambda: lines(folder) >= 12)
    done = pilotlight("run", "--resume", "run")
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    said = f"pilotlight: run is being trained by process {process.process.pid} on "
    assert done.err.splitlines()[-1].startswith(said)
    assert pilotlight("runs", "--root", ".", "--json").json[0]["state"] == "running"
    process.signal(signal.SIGKILL)
    process.wait()
    assert pilotlight("runs", "--root", ".", "--json").json[0]["state"] == "stopped"

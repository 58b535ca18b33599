"""A disk that is full, and files that must not grow: said in one line, and gone on with later."""

from __future__ import annotations

import subprocess
import sys

import pytest
from command_line import RING, assert_same_run, longer

# A disk of its own, seen by this shell only. It is made larger before the run goes on.
SHELL = """
mkdir disk && mount -t tmpfs -o size=60k none disk || exit 77
"$1" -m pilotlight run "$2" --out disk/run >first.out 2>first.err
echo $? >first.code
mount -o remount,size=100m disk
"$1" -m pilotlight run --resume disk/run >second.out 2>second.err
echo $? >second.code
cp -r disk/run run
"""


def test_a_full_disk(tmp_path, whole):
    typed = ["unshare", "--map-root-user", "--mount", "sh", "-c", SHELL, "sh", sys.executable, RING]
    try:
        done = subprocess.run(typed, cwd=tmp_path, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare here, so no small disk can be made")
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no small disk may be made here")
    assert done.returncode == 0, done.stderr

    assert (tmp_path / "first.code").read_text() == "2\n"
    assert (tmp_path / "first.out").read_text() == ""
    said = (tmp_path / "first.err").read_text().splitlines()[-1]
    assert said.startswith("pilotlight: The disk is full: disk/run/")
    assert said.endswith(
        "What was written so far is kept; free some space, then `pilotlight run --resume disk/run`."
    )
    assert (tmp_path / "second.code").read_text() == "0\n"
    assert_same_run(tmp_path / "run", whole)


@pytest.mark.parametrize(
    ("largest", "checkpoint_seconds", "said"),
    [
        (15_000, None, "run/journal.jsonl could not be written. What was written so far is kept;"),
        (15_000, 0, "run/checkpoint.safetensors could not be written. What was written so far"),
        (100_000, None, "could not be written. The finished run is kept;"),
    ],
    ids=["journal", "checkpoint", "page"],
)
def test_files_that_must_not_grow(largest, checkpoint_seconds, said, pilotlight, whole):
    limits = {"largest_file": largest, "checkpoint_seconds": checkpoint_seconds}
    done = pilotlight("run", RING, "--out", "run", **limits)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    told = done.err.splitlines()[-1]
    assert told.startswith("pilotlight: The file would be larger than is allowed: run/")
    assert said in told
    assert "raise the limit (`ulimit -f`)" in told
    again = pilotlight("run", "--resume", "run")
    assert again.code == 0, again.err
    assert_same_run(pilotlight.folder / "run", whole)


def test_the_page_of_a_stopped_run_that_cannot_be_written(pilotlight):
    lab = longer(pilotlight.folder, 30)
    first = pilotlight("run", lab, "--out", "run", checkpoint_seconds=0, largest_file=30_000)
    assert first.code == 2
    report = pilotlight("report", "run", largest_file=30_000)
    assert (report.code, report.out) == (2, "")
    assert report.err.count("\n") == 1
    assert "could not be written. What was written so far is kept" in report.err
    assert pilotlight("report", "run").code == 0

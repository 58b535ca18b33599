"""Ctrl-C: what was trained is kept and told, and `run --resume` gives the same numbers."""

from __future__ import annotations

import html
import os
import signal
import time

import pytest
from command_line import RING, CommandLine, assert_same_run, cold, lines, longer, wait_for
from one_command import Fault


def test_typed_by_a_person(pilotlight):
    long = longer(pilotlight.folder, 30)
    folder = pilotlight.folder / "my run"
    process = cold(pilotlight.folder, "run", long, "--out", "my run")
    wait_for(process, lambda: lines(folder) >= 12)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == signal.SIGINT + 128, err
    assert "Traceback" not in err
    assert err.splitlines()[-2:] == [
        "Stopped. What was trained so far is kept in my run.",
        'To go on: pilotlight run --resume "my run"',
    ]
    assert "the run is not finished" in out

    page = html.unescape((folder / "report.html").read_text("utf-8"))
    assert "To go on: <code>pilotlight run --resume 'my run'</code>" in page
    told = pilotlight("report", "my run", "--json").json
    assert told["evidence"] is False
    assert {claim["verdict"] for claim in told["claims"]} == {None}

    assert pilotlight("run", "--resume", "my run").code == 0
    assert pilotlight("run", long, "--out", "whole").code == 0
    assert_same_run(folder, pilotlight.folder / "whole")
    told = pilotlight("report", "my run", "--json").json
    assert told["evidence"] is True
    assert None not in {claim["verdict"] for claim in told["claims"]}


def stop_at(pilotlight: CommandLine, call: int) -> dict:
    """Ctrl-C as a run makes its n-th call to the system; what it says in JSON."""
    fault = Fault(call, signal.SIGINT)
    done = pilotlight("run", RING, "--out", "run", "--json", checkpoint_seconds=0, fault=fault)
    assert done.code == 130
    assert "Traceback" not in done.err
    assert "Stopped. What was trained so far is kept in run." in done.err
    return done.json


@pytest.mark.parametrize("call", [50, 301])
def test_at_a_call_to_the_system(call, pilotlight, whole):
    assert stop_at(pilotlight, call)["evidence"] is False
    assert "pilotlight run --resume run" in (pilotlight.folder / "run/report.html").read_text()
    assert pilotlight("run", "--resume", "run").code == 0
    assert_same_run(pilotlight.folder / "run", whole)


@pytest.mark.parametrize("before_the_end", [30, 24, 21, 4])
def test_while_the_end_is_written(before_the_end, pilotlight, whole, calls):
    """All is trained by then, so there is a verdict."""
    assert stop_at(pilotlight, calls - before_the_end)["evidence"] is True
    assert pilotlight("run", "--resume", "run").code == 0
    assert_same_run(pilotlight.folder / "run", whole)


def test_twice_in_a_row(pilotlight):
    """An impatient person gets no traceback either, and loses nothing but the page."""
    folder = pilotlight.folder / "run"
    process = pilotlight.start("run", longer(pilotlight.folder, 1000), "--out", "run")
    wait_for(process, lambda: lines(folder) >= 12)
    process.signal(signal.SIGINT)
    wait_for(process, lambda: "Stopped" in process.err.read_text("utf-8"))
    time.sleep(0.05)  # now the page is being written
    process.signal(signal.SIGINT)
    done = process.wait()
    assert (done.code, done.out) == (130, "")
    assert done.err.splitlines()[-3:] == [
        "Stopped. What was trained so far is kept in run.",
        "To go on: pilotlight run --resume run",
        "pilotlight: stopped.",
    ]
    assert pilotlight("report", "run").code == 0


def test_before_anything_is_trained(pilotlight):
    process = cold(
        pilotlight.folder, "run", "momentum", "--quick", "--out", "run", new_session=True
    )
    assert "momentum: Does momentum" in process.stderr.readline()  # torch is being imported now
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert (out, err) == ("", "pilotlight: stopped.\n")


@pytest.mark.slow
def test_with_workers(pilotlight):
    """In a terminal Ctrl-C reaches the workers too."""
    long = longer(pilotlight.folder, 150)
    folder = pilotlight.folder / "run"
    process = cold(
        pilotlight.folder, "run", long, "--out", "run", "--jobs", 2, "--json", new_session=True
    )
    wait_for(process, lambda: lines(folder) >= 12)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert pilotlight("run", "--resume", "run", "--jobs", 2).code == 0
    assert pilotlight("run", long, "--out", "whole").code == 0
    assert_same_run(folder, pilotlight.folder / "whole", in_order=False)

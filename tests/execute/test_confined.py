"""A confined process: what it sends arrives, and nothing of it is left."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from pilotlight.execute.confined import Confined, Ended, Limits
from pilotlight.execute.processes import Job

HERE = Path(__file__).parent
SHORT = Limits(silence=0.5, total=3.0)
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")


@pytest.fixture(autouse=True)
def jobs_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))


def run(name, limits=SHORT, **arguments):
    """All messages, how it ended, and what it printed."""
    with Confined(Job("toy_messages", name, arguments), limits) as process:
        messages = list(process.messages())
        return messages, process.ended, process.printed()


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if os.name == "posix" else True


def test_messages_arrive_in_order_and_then_the_end():
    assert run("count", upto=4) == ([0, 1, 2, 3], Ended("done"), "")


def test_what_came_in_time_is_given_however_late_it_is_asked_for():
    """A learner may think for an hour before the known mistakes are looked at."""
    limits = Limits(silence=0.4, total=0.4)
    with Confined(Job("toy_messages", "count", {"upto": 4}), limits) as process:
        messages = process.messages()
        assert next(messages) == 0
        time.sleep(1)
        assert list(messages) == [1, 2, 3]
        assert process.ended == Ended("done")


def test_who_says_nothing_for_too_long_is_ended():
    start = time.monotonic()
    assert run("sleeps")[:2] == (["here"], Ended("time"))
    assert time.monotonic() - start < 10


def test_who_talks_without_end_is_ended():
    messages, ended, _ = run("floods")
    assert ended.how in ("time", "died")
    assert len(messages) <= 64


@pytest.mark.parametrize("code", [0, 3])
def test_a_sudden_end_is_told_with_its_code(code):
    assert run("leaves", code=code)[:2] == (["here"], Ended("died", code))


def test_an_error_of_ours_is_told_as_one():
    messages, ended, _ = run("fails")
    assert messages == ["here"]
    assert ended.how == "fault"
    assert ended.detail.strip().endswith("KeyError: 'ours'")


def test_what_is_printed_is_kept_apart_and_cut():
    messages, _, printed = run("prints", times=3)
    assert printed == ("x" * 999 + "\n") * 2
    assert messages == [["printed"]]  # all that lies in its folder


def test_endless_output_is_refused():
    _, ended, printed = run("prints", limits=Limits(file=10_000), times=1000)
    assert "File too large" in ended.detail
    assert len(printed) == 2000


def test_a_child_left_behind_is_ended():
    [child], ended, _ = run("leaves_a_child")
    assert ended == Ended("done")
    until = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_alive(child)


def test_a_forked_child_does_not_speak_for_its_parent():
    assert run("forks")[0] == ["from the parent"]


@linux
def test_memory_is_limited():
    limits = Limits(memory=100 * 2**20)
    assert run("takes_memory", limits, megabytes=200)[0] == ["refused"]
    assert run("takes_memory", limits, megabytes=20)[0] == [20 * 2**20]


def test_nobody_types():
    assert run("reads")[0] == [""]


def test_rubbish_in_place_of_messages_ends_it():
    messages, ended, _ = run("writes_rubbish")
    assert messages == []
    assert ended.how == "died"
    assert run("count", upto=1)[0] == [0]  # the server that processes come from is unharmed


def test_the_folder_is_gone_afterwards(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    run("prints", times=1)
    assert list(tmp_path.glob("pilotlight-*")) == []

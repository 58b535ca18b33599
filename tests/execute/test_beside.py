"""A long job beside this process: its items, its end from either side, its own workers."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from living import gone, is_alive

from pilotlight.execute.beside import Beside
from pilotlight.execute.processes import Died, Job

HERE = Path(__file__).parent


def beside(name, **arguments):
    return Beside(Job("toy_jobs", name, arguments))


def test_all_items_arrive_in_order():
    assert list(beside("count", upto=50).items()) == list(range(50))


def test_an_error_comes_as_one():
    process = beside("fail")
    with pytest.raises(RuntimeError, match="ValueError: no such thing"):
        list(process.items())


def test_a_death_is_told_with_its_signal():
    assert list(beside("die", after=2).items()) == [0, 1, Died(0, -9)]


def test_it_can_be_ended_at_once():
    process = beside("count", upto=1000, pause=0.05)
    items = process.items()
    next(items)
    begin = time.monotonic()
    process.end()
    assert time.monotonic() - begin < 1
    assert not is_alive(process.pid)
    assert isinstance(list(items)[-1], Died)


def test_what_does_not_hear_is_killed():
    process = beside("deaf")
    next(process.items())
    process.end()
    assert not is_alive(process.pid)


def test_its_own_workers_end_with_it():
    process = beside("with_worker")
    worker = next(process.items())
    assert is_alive(worker)
    process.end()
    assert gone(worker)


def test_its_workers_come_from_the_same_server():
    """Another server would import torch once more."""
    process = beside("parents")
    own, of_worker = next(process.items())
    process.end()
    assert own == of_worker


SCRIPT = """
import sys
sys.path.insert(0, {here!r})
from pilotlight.execute.beside import Beside
from pilotlight.execute.processes import Job
process = Beside(Job("toy_jobs", "with_worker", {{}}))
print(process.pid, next(process.items()), flush=True)
import time
time.sleep(60)
"""


def test_it_ends_when_this_process_is_killed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(here=str(HERE)))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as it:
        pids = [int(pid) for pid in it.stdout.readline().split()]
        assert all(map(is_alive, pids))
        it.kill()
    assert all(map(gone, pids))

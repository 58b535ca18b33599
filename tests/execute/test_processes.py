"""Worker processes: every message arrives, a death is told, nobody is left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from living import gone, is_alive

from pilotlight.execute.processes import Died, Job, Message, Workers

HERE = Path(__file__).parent


def job(name, **arguments):
    return Job("toy_jobs", name, arguments)


def items(messages, number):
    return [m.item for m in messages if isinstance(m, Message) and m.job == number]


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_all_messages_arrive_in_each_jobs_order(at_once):
    with Workers(at_once) as workers:
        messages = list(workers.stream([job("count", upto=n) for n in (3, 0, 5)]))
    assert [items(messages, i) for i in range(3)] == [[0, 1, 2], [], [0, 1, 2, 3, 4]]


def test_jobs_run_at_the_same_time():
    with Workers(2) as workers:
        messages = list(workers.stream([job("count", upto=5, pause=0.1)] * 2))
    assert len({m.job for m in messages[:4]}) == 2


def test_a_death_is_told_with_its_signal_and_others_go_on():
    with Workers(2) as workers:
        messages = list(workers.stream([job("die", after=2), job("count", upto=4)]))
    assert Died(0, -9) in messages
    assert items(messages, 0) == [0, 1]
    assert items(messages, 1) == [0, 1, 2, 3]


def test_a_worker_does_one_job_after_another_and_one_stream_after_another():
    with Workers(1) as workers:
        first = list(workers.stream([job("pid")] * 3))
        second = list(workers.stream([job("pid")]))
    assert len({m.item for m in first + second}) == 1


def test_after_a_death_another_worker_takes_the_next_job():
    with Workers(1) as workers:
        messages = list(workers.stream([job("die", after=1), job("count", upto=2)]))
    assert Died(0, -9) in messages
    assert items(messages, 1) == [0, 1]


def test_a_worker_that_died_while_it_waited_is_told_with_its_next_job():
    with Workers(1) as workers:
        (waiting,) = list(workers.stream([job("pid")]))
        os.kill(waiting.item, signal.SIGKILL)
        assert list(workers.stream([job("count", upto=2)])) == [Died(0, -9)]
        assert items(list(workers.stream([job("count", upto=2)])), 0) == [0, 1]


def test_an_error_is_raised_here_with_its_own_words():
    with Workers(1) as workers, pytest.raises(RuntimeError, match="ValueError: no such thing"):
        list(workers.stream([job("fail")]))


def test_leaving_ends_all_workers():
    with Workers(2) as workers:
        stream = workers.stream([job("who")] * 2)
        pids = [next(stream).item, next(stream).item]
        assert all(is_alive(pid) for pid in pids)
    assert not any(is_alive(pid) for pid in pids)


SCRIPT = """
import sys
sys.path.insert(0, {here!r})
from pilotlight.execute.processes import Job, Workers
print("top", flush=True)
with Workers(1) as workers:
    for message in workers.stream([Job("toy_jobs", {function!r}, {arguments!r})]):
        print(message.item, flush=True)
"""


def test_a_script_without_a_main_guard_is_not_run_again(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(here=str(HERE), function="count", arguments={"upto": 2}))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["top", "0", "1"]


def test_workers_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "script.py"
    arguments = {"upto": 600, "pause": 0.05}
    text = SCRIPT.format(here=str(HERE), function="count", arguments=arguments)
    script.write_text(text.replace("print(message.item", "print(workers._busy[0].process.pid"))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout.readline() == "top\n"
        pid = int(it.stdout.readline())
        assert is_alive(pid)
        it.kill()
    assert gone(pid)

"""kill -9 at any moment, then `run --resume`: the numbers are those of a run never interrupted."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import RING, CommandLine, assert_same_run, cold, lines, longer, wait_for
from one_command import Fault

from pilotlight.record.folder import Folder

EPOCH = 6
"""Steps; more than one, so that a checkpoint may lie within an epoch."""


def kill_at(pilotlight: CommandLine, call: int, *typed: object) -> tuple[int, int]:
    """Kill a command as it makes its n-th call to the system; cohort and step of its checkpoint."""
    done = pilotlight(*typed, checkpoint_seconds=0, fault=Fault(call, signal.SIGKILL))
    assert done.code == -signal.SIGKILL, done.err
    checkpoints = Folder.open(pilotlight.folder / "run").load_checkpoints()
    return max(((c.cohort, c.step) for c in checkpoints.values()), default=(0, 0))


def resume(pilotlight: CommandLine, whole: Path) -> None:
    done = pilotlight("run", "--resume", "run")
    assert done.code == 0, done.err
    assert_same_run(pilotlight.folder / "run", whole)


@pytest.mark.parametrize("before_the_end", [20, 32, 300])
def test_killed_at_a_call_to_the_system(before_the_end, pilotlight, whole, calls):
    """The last of them write the page, the result, the curves, the weights."""
    kill_at(pilotlight, calls - before_the_end, "run", RING, "--out", "run")
    resume(pilotlight, whole)


def test_killed_three_times_within_an_epoch(pilotlight, whole):
    run = ("run", RING, "--out", "run")
    again = ("run", "--resume", "run")
    reached = [kill_at(pilotlight, 100, *run)]
    reached += [kill_at(pilotlight, call, *again) for call in (120, 200)]
    assert reached == sorted(set(reached))
    assert any(step % EPOCH for _, step in reached)
    resume(pilotlight, whole)


@pytest.mark.parametrize("written", [1, 20])
def test_killed_from_outside(written, pilotlight, whole):
    process = pilotlight.start("run", RING, "--out", "run", checkpoint_seconds=0)
    folder = pilotlight.folder / "run"
    wait_for(process, lambda: lines(folder) >= written)
    process.signal(signal.SIGKILL)
    assert process.wait().code == -signal.SIGKILL
    assert Folder.open(folder).state == "stopped"
    resume(pilotlight, whole)


def test_killed_before_the_folder_is_a_run(pilotlight):
    done = pilotlight("run", RING, "--out", "run", fault=Fault(2, signal.SIGKILL))
    assert done.code == -signal.SIGKILL
    again = pilotlight("run", "--resume", "run")
    assert (again.code, again.out) == (2, "")
    assert "run is not a run folder: it has no config.json" in again.err


def test_a_lab_of_ours_typed_by_a_person(pilotlight):
    """Killed before its first checkpoint it starts over, and tells nothing twice."""
    assert pilotlight("run", "momentum", "--quick", "--out", "whole").code == 0
    folder = pilotlight.folder / "run"
    process = cold(pilotlight.folder, "run", "momentum", "--quick", "--out", "run")
    wait_for(process, lambda: lines(folder) >= 6)
    process.kill()
    process.communicate()
    done = pilotlight("run", "--resume", "run")
    assert "24 networks in 8 comparisons" in done.out
    assert_same_run(folder, pilotlight.folder / "whole")


def processes_of(session: int) -> Iterator[int]:
    """The living processes of a session."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of, *_ = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(of) == session and state != "Z":
            yield int(stat.parent.name)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_workers_of_a_killed_run_end_and_give_its_folder_free(pilotlight):
    long = longer(pilotlight.folder, 30)
    assert pilotlight("run", long, "--out", "whole").code == 0
    process = cold(pilotlight.folder, "run", long, "--out", "run", "--jobs", 2, new_session=True)
    folder = pilotlight.folder / "run"
    wait_for(process, lambda: lines(folder) >= 20)
    assert len(list(processes_of(process.pid))) > 2
    process.kill()
    process.communicate()
    done = pilotlight("run", "--resume", "run", "--jobs", 1)
    assert done.code == 0, done.err
    assert list(processes_of(process.pid)) == []
    assert_same_run(folder, pilotlight.folder / "whole", in_order=False)


@pytest.mark.slow
def test_killed_everywhere(tmp_path, whole, calls):
    for call in range(6, calls, 13):
        place = tmp_path / str(call)
        place.mkdir()
        line = CommandLine(place)
        kill_at(line, call, "run", RING, "--out", "run")
        resume(line, whole)

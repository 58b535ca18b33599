"""Real commands in real processes, on real folders."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

if os.name == "nt":
    collect_ignore_glob = ["test_*.py"]  # no fork, no kill -9, no limits on files
else:
    sys.path.insert(0, str(Path(__file__).parent))  # the processes look for one_command there
    from command_line import RING, CommandLine
    from one_command import Fault


@pytest.fixture(scope="session", autouse=True)
def _heard():
    """Ctrl-C reaches the commands even if the tests run in the background, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def pilotlight(tmp_path):
    """`pilotlight` in a folder of its own."""
    line = CommandLine(tmp_path)
    yield line
    line.end()


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> Path:
    """The lab's run, never interrupted."""
    line = CommandLine(tmp_path_factory.mktemp("whole"))
    done = line("run", RING, "--out", "run")
    assert done.code == 0, done.err
    return line.folder / "run"


@pytest.fixture(scope="session")
def calls(tmp_path_factory) -> int:
    """How many calls to the system write a run that takes a checkpoint after every step."""
    line = CommandLine(tmp_path_factory.mktemp("calls"))
    never = Fault(-1, signal.SIGKILL)
    done = line("run", RING, "--out", "run", checkpoint_seconds=0, fault=never)
    assert done.code == 0, done.err
    return int(done.err.splitlines()[-1].removesuffix(" calls"))

"""A laboratory in a folder of its own, and one that trains for all tests that need one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from serving import RING, Served, let_in, serving

from pilotlight.app import beside
from pilotlight.app.running import start
from pilotlight.core.command import RunCommand
from pilotlight.server.laboratory import Laboratory


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A finished run of the small lab; for copying."""
    running = start(RunCommand(str(RING), out=str(tmp_path_factory.mktemp("finished") / "run")))
    for _ in running:
        pass
    return running.folder


@pytest.fixture
def laboratory(tmp_path, monkeypatch, finished) -> Laboratory:
    """One with two finished runs, `one` and `two`."""
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        shutil.copytree(finished, tmp_path / "runs" / name)
    return Laboratory(tmp_path / "runs", upload_limit=100_000, own=[str(RING)])


@pytest.fixture
def client(laboratory) -> Iterator[httpx.Client]:
    """A browser that was let in."""
    with serving(laboratory) as (browser, keys):
        yield let_in(browser, keys)


@pytest.fixture(scope="session")
def served(tmp_path_factory) -> Iterator[Served]:
    """One server for all tests that train."""
    made = Laboratory(tmp_path_factory.mktemp("served") / "runs", 100_000, [str(RING)])
    beside.warm()
    with serving(made) as (browser, keys):
        yield Served(made, let_in(browser, keys), keys)

"""A small lab as a file, and one finished run of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pilotlight.app.running import Running, start
from pilotlight.core.command import RunCommand
from pilotlight.core.lab import Lab
from pilotlight.labs.catalogue import load

RING = Path(__file__).parents[1] / "end_to_end" / "ring.py"


@pytest.fixture(scope="session")
def path() -> str:
    """The lab's file: 3 comparisons, 5 seeds, two cohorts, two claims, one exhibit."""
    return str(RING)


@pytest.fixture(scope="session")
def lab(path: str) -> Lab:
    """The lab."""
    return load(path)


@pytest.fixture(scope="session")
def finished(path: str, tmp_path_factory: pytest.TempPathFactory) -> Running:
    """A finished run of the lab as it is; for reading only."""
    running = start(RunCommand(path, out=str(tmp_path_factory.mktemp("finished") / "run")))
    for _ in running:
        pass
    return running

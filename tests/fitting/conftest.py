"""Tests here share small_fits.py, beside them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from pilotlight.fitting import study

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """One thread, short trainings, the first two baselines; a slow test gets all in full."""
    torch.set_num_threads(1)
    if request.node.get_closest_marker("slow"):
        return
    monkeypatch.setattr(study, "STEPS", 150)
    whole = study.baselines
    monkeypatch.setattr(study, "baselines", lambda task, neural: whole(task, neural)[:2])

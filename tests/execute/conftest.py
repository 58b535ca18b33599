"""Tests here send jobs of toy_jobs.py, which workers import too."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
sys.path.insert(0, HERE)


@pytest.fixture(autouse=True)
def jobs_can_be_imported(monkeypatch):
    """Workers look where this process looks when they start."""
    monkeypatch.syspath_prepend(HERE)

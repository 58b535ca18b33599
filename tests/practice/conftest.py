"""A small exercise file of two functions and a class, with everything an exercise has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pilotlight.practice import catalogue
from pilotlight.practice.catalogue import Entry

TOY = Path(__file__).parent / "toys" / "two_fold.py"


@pytest.fixture
def text() -> str:
    """The whole file."""
    return TOY.read_text("utf-8")


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    """The exercise in a file of its own."""
    return catalogue.read(Path(shutil.copy(TOY, tmp_path)))

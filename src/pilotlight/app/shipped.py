"""Runs that come with the package: one for each lab, so that its page shows something at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pilotlight

HOME = Path(pilotlight.__file__).parent / "recorded"


def has_recorded(lab: str) -> bool:
    """Whether a run of this lab comes along."""
    return (HOME / f"{lab}.json").is_file()


def recorded(lab: str) -> dict[str, Any] | None:
    """The run of this lab that comes along, as `run_data` gives it but thinned out."""
    path = HOME / f"{lab}.json"
    found: dict[str, Any] | None = json.loads(path.read_bytes()) if path.is_file() else None
    return found


def recorded_picture(lab: str) -> bytes | None:
    """Its main figure, PNG."""
    path = HOME / f"{lab}.png"
    return path.read_bytes() if path.is_file() else None

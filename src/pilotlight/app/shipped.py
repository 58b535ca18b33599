"""Runs that come with the package: one for each lab, so that its page shows something at once."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pilotlight

HOME = Path(pilotlight.__file__).parent / "recorded"
RUN, PICTURE = ".json.gz", ".svg.gz"
"""How the names of a packed run and a packed drawing end."""


def has_recorded(lab: str) -> bool:
    """Whether a run of this lab comes along."""
    return (HOME / f"{lab}{RUN}").is_file()


def recorded(lab: str) -> dict[str, Any] | None:
    """The run of this lab that comes along, as `run_data` gives it but thinned out."""
    path = HOME / f"{lab}{RUN}"
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def recorded_picture(lab: str) -> bytes | None:
    """Its main figure, SVG."""
    path = HOME / f"{lab}{PICTURE}"
    return gzip.decompress(path.read_bytes()) if path.is_file() else None

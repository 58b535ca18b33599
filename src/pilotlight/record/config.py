"""config.json: the one file that makes a folder a run. Its other keys are the writer's business."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pilotlight.core.errors import RecordError
from pilotlight.core.event import plain
from pilotlight.record.atomic import damaged

CONFIG = "config.json"
FORMAT = 1
"""Version of the run folder's layout. A reader refuses newer ones."""


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """JSON for people to read; what is not finite becomes null."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    # A file name that is not UTF-8 reaches us as lone surrogates; their escape is valid JSON.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def json_mapping(data: bytes) -> dict[str, Any]:
    """The mapping that the bytes hold.

    Raises:
        ValueError: they are no JSON, or something other than a mapping.
    """
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def read_config(folder: Path) -> dict[str, Any]:
    """What config.json of a run folder says.

    Raises:
        RecordError: no folder, no run folder, a damaged config.json, or a newer format.
    """
    try:
        data = (folder / CONFIG).read_bytes()
    except OSError as error:
        raise RecordError(_not_a_run(folder, error)) from error
    try:
        config = json_mapping(data)
    except ValueError as error:
        raise damaged(folder / CONFIG, error) from error
    _check_format(folder, config)
    return config


def _not_a_run(folder: Path, error: OSError) -> str:
    if folder.is_file():
        inside = (folder.parent / CONFIG).is_file()
        instead = f" Name its folder: {folder.parent}" if inside else ""
        return f"{folder} is a file, not a run folder.{instead}"
    if not os.path.lexists(folder):
        return f"There is no folder {folder}. `pilotlight runs` lists the runs."
    if isinstance(error, FileNotFoundError):
        return f"{folder} is not a run folder: it has no {CONFIG}."
    return f"{folder / CONFIG} cannot be read: {error.strerror}."


def _check_format(folder: Path, config: Mapping[str, Any]) -> None:
    version = config.get("format")
    if type(version) is not int or version < 1:
        raise RecordError(
            f"{folder} is not a run folder: its {CONFIG} has no format that Pilotlight wrote "
            f"(format: {version!r})."
        )
    if version > FORMAT:
        raise RecordError(
            f"{folder} was written by Pilotlight {config.get('pilotlight', '(unknown version)')} "
            f"in format {version}; this Pilotlight reads up to format {FORMAT}. Update Pilotlight."
        )

"""Open a run folder, whoever made it: what the rest of the app relies on is there, or it is said.

The record's own door checks that the files are whole; this one checks what `prepare` wrote.
"""

from __future__ import annotations

from pathlib import Path

from pilotlight.core.errors import PilotlightError, RecordError
from pilotlight.core.lab import Lab
from pilotlight.labs.catalogue import load
from pilotlight.present.words import listed
from pilotlight.record.folder import Folder

KEYS = (
    "lab",
    "file",
    "question",
    "started",
    "command",
    "evidence",
    "why_no_verdict",
    "plan",
    "about",
    "hashes",
    "versions",
)
"""What config.json of every run holds, beside its format."""


def open_folder(path: str | Path) -> Folder:
    """The run folder at `path`.

    Raises:
        RecordError: no run there, or one that something else than Pilotlight wrote.
    """
    folder = Folder.open(path)
    lacking = [key for key in KEYS if key not in folder.config]
    if lacking:
        raise RecordError(
            f"{path} is not a run that Pilotlight wrote: its config.json lacks {listed(lacking)}."
        )
    return folder


def open_lab_run(path: str | Path) -> Folder:
    """The run folder of a lab at `path`.

    Raises:
        RecordError: no run there, or that of a fit.
    """
    folder = open_folder(path)
    if folder.config.get("kind") == "fit":
        raise RecordError(
            f"{path} is the run of a fit, not of a lab. What it found is in {path}/result.json; "
            f"`pilotlight fit --resume {path} --json` prints it, pl.open_fitted opens it."
        )
    return folder


def lab_of(folder: Folder) -> Lab | None:
    """The lab of a run, where it is at hand; a folder copied from elsewhere opens without."""
    try:
        return load(folder.config["file"] or folder.config["lab"])
    except PilotlightError:
        return None

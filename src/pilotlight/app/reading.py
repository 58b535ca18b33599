"""Read what there is: runs, reports, labs, scripts."""

from __future__ import annotations

from pathlib import Path

from pilotlight.app.reporting import summarise
from pilotlight.app.writing import write_pages
from pilotlight.core.errors import PilotlightError
from pilotlight.core.lab import Lab
from pilotlight.core.report import Report
from pilotlight.engine.script import script
from pilotlight.labs.catalogue import load
from pilotlight.record.folder import Folder
from pilotlight.record.query import RunSummary, runs


def lab_of(path: str | Path) -> Lab | None:
    """The lab of a run, where it is at hand; a folder copied from elsewhere opens without.

    Raises:
        RecordError: no readable run there.
    """
    folder = Folder.open(path)
    try:
        return load(folder.config["file"] or folder.config["lab"])
    except PilotlightError:
        return None


def read_report(path: str | Path) -> Report:
    """The report of a run folder, finished or not.

    Raises:
        RecordError: no readable run there.
    """
    folder = Folder.open(path)
    return summarise(folder, lab_of(path))


def write_page(path: str | Path) -> Path:
    """Write a run's report.html afresh from what is recorded; returns its path."""
    folder = Folder.open(path)
    lab = lab_of(path)
    return write_pages(folder, summarise(folder, lab), lab)


def list_runs(root: str | Path = "runs") -> list[RunSummary]:
    """The runs in a folder, newest first."""
    return runs(Path(root))


def lab_page(name: str) -> Lab:
    """A lab with all it declares."""
    return load(name)


def lab_script(name: str, comparison: str | None = None) -> str:
    """A lab as a plain PyTorch program."""
    return script(load(name), comparison)

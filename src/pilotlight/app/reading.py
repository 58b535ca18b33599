"""Read what there is: runs, reports, labs, scripts."""

from __future__ import annotations

from pathlib import Path

from pilotlight.app import opening
from pilotlight.app.fit_page import write_fit_page
from pilotlight.app.reporting import summarise
from pilotlight.app.writing import write_pages
from pilotlight.core.lab import Lab
from pilotlight.core.report import Report
from pilotlight.engine.script import script
from pilotlight.labs.catalogue import load
from pilotlight.record.query import RunSummary, runs


def lab_of(path: str | Path) -> Lab | None:
    """The lab of a run, where it is at hand; a folder copied from elsewhere opens without.

    Raises:
        RecordError: no readable run there.
    """
    return opening.lab_of(opening.open_folder(path))


def read_report(path: str | Path) -> Report:
    """The report of a run folder, finished or not.

    Raises:
        RecordError: no readable run there.
    """
    folder = opening.open_lab_run(path)
    return summarise(folder, opening.lab_of(folder))


def write_page(path: str | Path) -> Path:
    """Write a run's report.html afresh from what is recorded; returns its path.

    Raises:
        RecordError: no readable run there, or nothing can be written there.
    """
    folder = opening.open_folder(path)
    if folder.config.get("kind") == "fit":
        return write_fit_page(folder)
    lab = opening.lab_of(folder)
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

"""`runs` and `report`: what was run, and the page of one run."""

from __future__ import annotations

import webbrowser
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pilotlight.cli.codes import FINE
from pilotlight.cli.text import emit, table, tell, weight
from pilotlight.core.errors import UsageError
from pilotlight.present import words

if TYPE_CHECKING:
    from pilotlight.record.query import RunSummary


def show_runs(root: str | None, as_json: bool) -> int:
    """Print the runs below a folder; none is a fine answer for the usual folder only."""
    folder = Path("runs" if root is None else root)
    if root is not None and not folder.is_dir():
        raise UsageError(f"--root {root}: there is no such folder.")
    from pilotlight.app.reading import list_runs

    found = list_runs(folder)
    if as_json:
        emit([asdict(run) | {"path": str(run.path)} for run in found])
    elif found:
        print(table([_row(run) for run in found], indent=""))
        total = weight(sum(run.bytes for run in found))
        print(f"{words.count(len(found), 'run')} in {folder}, {total}")
    else:
        print(f"No runs in {folder} yet. The first one: pilotlight run momentum")
    return FINE


def _row(run: RunSummary) -> tuple[str, ...]:
    counts = Counter(verdict for verdict in run.verdicts.values() if verdict)
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    networks = words.count(run.members, "network")
    if run.problem:  # long, so it stands in the last column, which is wrapped
        return run.state, "", "", weight(run.bytes), "", f"{run.path}: {run.problem}"
    said = verdicts if run.evidence else words.EXPLORING
    return run.state, run.lab, networks, weight(run.bytes), said, str(run.path)


def show_report(run: str, as_json: bool, open_page: bool) -> int:
    """Write a run's page; print its path or the report's JSON; open the page when asked."""
    from pilotlight.app.reading import read_report, write_page

    page = write_page(run)
    if as_json:
        emit(read_report(run).to_json())
    else:
        print(page)
    if open_page and not webbrowser.open(page.absolute().as_uri()):
        tell("No browser could be opened. Open the page by hand.")
    return FINE

"""`pl.run`: the command line's `run`, in a cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pilotlight.app.reading import lab_of, read_report
from pilotlight.app.running import Running, resume, start
from pilotlight.core.command import RunCommand
from pilotlight.core.errors import UsageError
from pilotlight.core.event import Measured, Progress
from pilotlight.core.lab import Lab
from pilotlight.notebook.display import Bar
from pilotlight.notebook.view import RunView


def run(
    lab: str | Path | Lab,
    *,
    seeds: int | None = None,
    changes: dict[str, Any] | None = None,
    compare: Sequence[str] = (),
    device: str = "auto",
    quick: bool = False,
    out: str | Path | None = None,
    resume_from: str | Path | None = None,
) -> RunView:
    """Run a lab, by name, by its file's path, or as a `Lab` made in the notebook.

    The interrupt button stops at once; what was trained is kept, and the message says how to go
    on: the same call with `resume_from=FOLDER`.

    Args:
        lab: a name ("momentum"), a path ("./my_lab.py"), or a Lab with a name and a question.
        seeds: how many networks of each comparison; the lab's own number unless given.
        changes: settings other than the lab's own, for exploring.
        compare: only these comparisons, for exploring.
        device: "auto", "cpu", "cuda" or "mps".
        quick: fewer seeds and shorter training, for a first look.
        out: the run's folder, new or empty; without it runs/NAME-DATE-ID.
        resume_from: the folder of a run that was stopped, to go on with it as it was started.

    Raises:
        UsageError: all that is wrong with the call, before anything is trained.
        RecordError: the folder cannot be made, read or resumed.
        KeyboardInterrupt: it was interrupted.
    """
    if resume_from is not None:
        return _train(resume(str(resume_from), lab if isinstance(lab, Lab) else None))
    if isinstance(lab, Lab) and not (lab.name and lab.question):
        raise UsageError("A Lab made in a notebook needs name='...' and question='...?'.")
    command = RunCommand(
        lab if isinstance(lab, Lab) else str(lab),
        seeds=seeds,
        changes=changes or {},
        compare=tuple(compare),
        device=device,
        quick=quick,
        out=None if out is None else str(out),
    )
    return _train(start(command))


def open_run(folder: str | Path) -> RunView:
    """Look at a run that was made before, here or elsewhere.

    Raises:
        RecordError: no readable run there.
    """
    lab = lab_of(folder)
    return RunView(read_report(folder), lab.picture if lab else None)


def _train(running: Running) -> RunView:
    bar = Bar()
    latest: Measured | None = None
    bar.start(0)
    try:
        for event in running:
            if isinstance(event, Measured):
                latest = event
            elif isinstance(event, Progress):
                bar.update(event, latest)
    except KeyboardInterrupt:
        running.stop()
        bar.close(
            f"Stopped. What was trained is kept. To go on: resume_from={str(running.folder)!r}"
        )
        raise
    except BaseException:
        bar.close("Stopped by an error.")
        raise
    report = running.report()
    bar.close(f"Done. Report: {running.folder / 'report.html'}")
    return RunView(report, running.picture)

"""`pl.run`: the command line's `run`, in a cell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from pilotlight.app.interrupt import InterruptButton
from pilotlight.app.reading import lab_of, read_report
from pilotlight.app.running import Running, resume, start
from pilotlight.core.command import RunCommand
from pilotlight.core.errors import PilotlightError, UsageError, raise_all
from pilotlight.core.event import Measured, Progress
from pilotlight.core.lab import Lab
from pilotlight.labs.catalogue import find
from pilotlight.notebook.display import Bar
from pilotlight.notebook.view import RunView


@contextmanager
def told_briefly() -> Iterator[None]:
    """Let IPython show what a person can mend as its message, without a traceback."""
    try:
        yield
    except (PilotlightError, KeyboardInterrupt) as error:
        text = f"{type(error).__name__}: {error}".removesuffix(": ")
        vars(error)["_render_traceback_"] = text.splitlines  # IPython asks for it
        raise


@told_briefly()
def run(
    lab: str | Path | Lab,
    *,
    seeds: int | None = None,
    changes: Mapping[str, Any] | None = None,
    compare: Sequence[str] = (),
    device: str = "auto",
    quick: bool = False,
    jobs: int | None = None,
    compiled: bool = False,
    out: str | Path | None = None,
    resume_from: str | Path | None = None,
) -> RunView:
    """Run a lab, by name, by its file's path, or as a `Lab` made in the notebook.

    The interrupt button stops it; what was trained is kept, and the message says how to go on:
    `pl.run(lab, resume_from=FOLDER)`.

    Args:
        lab: a name ("momentum"), a path ("./my_lab.py"), or a Lab with a name and a question.
        seeds: how many networks of each comparison; the lab's own number unless given.
        changes: settings other than the lab's own, for exploring.
        compare: only these comparisons, for exploring.
        device: "auto", "cpu", "cuda" or "mps".
        quick: fewer seeds and shorter training, for a first look.
        jobs: worker processes; for a long run one per core unless given. The numbers are the same.
        compiled: turn the steps into machine code first: a wait of 15 to 45 seconds, then quicker.
        out: the run's folder, new or empty; without it runs/NAME-DATE-ID.
        resume_from: the folder of a run that was stopped, to go on with it as it was started.

    Raises:
        UsageError: all that is wrong with the call, before anything is trained.
        RecordError: the folder cannot be made, read or resumed.
        KeyboardInterrupt: it was interrupted.
    """
    command = RunCommand(
        lab if isinstance(lab, Lab) else str(lab),
        seeds=seeds,
        changes={name: _number(value) for name, value in (changes or {}).items()},
        compare=tuple(compare),
        device=device,
        quick=quick,
        jobs=jobs,
        compiled=compiled,
        out=None if out is None else str(out),
    )
    with InterruptButton() as button:
        if resume_from is None:
            running = _started(command)
        else:
            running = _resumed(command, str(resume_from))
        return _train(running, command, button)


@told_briefly()
def open_run(folder: str | Path) -> RunView:
    """Look at a run that was made before, here or elsewhere.

    Raises:
        RecordError: no readable run there.
    """
    lab = lab_of(folder)
    return RunView(read_report(folder), lab.picture if lab else None)


# What was asked for


def _number(value: Any) -> Any:
    """numpy's and torch's numbers, as a sweep over an array gives them, as Python's."""
    return value.item() if hasattr(value, "item") else value


def _unfit_for_a_folder(lab: Lab) -> list[str]:
    """What keeps a Lab made in a cell from being recorded and found again; one of a file is fine.

    The name of a lab of ours would make a reader take its runs for runs of ours.
    """
    if lab.source:
        return []
    problems = []
    if not re.fullmatch(r"[\w-]+", lab.name):
        problems.append(f"name={lab.name!r}: name the Lab in letters and hyphens, as in 'my-lab'.")
    elif _is_ours(lab.name):
        problems.append(f"name={lab.name!r}: there is a lab of this name. Choose another one.")
    if not lab.question:
        problems.append("question='': say what the Lab asks, as in question='Does it help?'.")
    return problems


def _is_ours(name: str) -> bool:
    try:
        find(name)
    except UsageError:
        return False
    return True


def _started(command: RunCommand) -> Running:
    if isinstance(command.lab, Lab):
        raise_all(_unfit_for_a_folder(command.lab))
    return start(command)


def _resumed(command: RunCommand, folder: str) -> Running:
    """Go on with the run in a folder, which must be one of this lab."""
    lab = command.lab
    usual = RunCommand(lab, jobs=command.jobs)
    typed = [f.name for f in fields(command) if getattr(command, f.name) != getattr(usual, f.name)]
    if typed:
        raise UsageError(
            f"resume_from goes on with what was asked for then. Leave out {', '.join(typed)}."
        )
    recorded = read_report(folder).lab
    if lab == recorded and not _is_ours(recorded):
        raise UsageError(f"{recorded!r} is none of our labs: give the Lab itself, or its file.")
    name = lab.name if isinstance(lab, Lab) else find(lab).name
    if name != recorded:
        raise UsageError(f"{folder} holds a run of {recorded!r}, not of {name!r}.")
    return resume(folder, lab if isinstance(lab, Lab) else None, command.jobs)


# Training


def _train(running: Running, command: RunCommand, button: InterruptButton) -> RunView:
    bar = Bar()
    latest: Measured | None = None
    bar.start(0)
    events: Any = iter(running)
    try:
        with closing(events):  # else the traceback that IPython keeps holds the folder's lock
            for event in events:
                if isinstance(event, Measured):
                    latest = event
                elif isinstance(event, Progress):
                    bar.update(event, latest)
                button.heed()
        report = running.report()
        button.heed()
    except BaseException as error:
        # an interrupt in compiled code may come out as another error
        if button.pressed or isinstance(error, KeyboardInterrupt):
            bar.close(f"Stopped. What was trained is kept. To go on: {_again(command, running)}")
            raise KeyboardInterrupt from None
        bar.close("Stopped by an error.")
        raise
    bar.close(f"Done. Report: {running.folder / 'report.html'}")
    return RunView(report, running.picture)


def _again(command: RunCommand, running: Running) -> str:
    """What to type to go on."""
    lab = "lab" if isinstance(command.lab, Lab) else repr(command.lab)
    return f"pl.run({lab}, resume_from={str(running.folder)!r})"

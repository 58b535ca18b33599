"""`pl.run`: the command line's `run`, in a cell."""

from __future__ import annotations

import _thread
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pilotlight.app.reading import lab_of, read_report
from pilotlight.app.running import Running, resume, start
from pilotlight.core.command import RunCommand
from pilotlight.core.errors import PilotlightError, UsageError, raise_all
from pilotlight.core.event import Measured, Progress
from pilotlight.core.lab import Lab
from pilotlight.labs.catalogue import entries, find
from pilotlight.notebook.display import Bar
from pilotlight.notebook.view import RunView

GRACE_SECONDS = 1.0
"""How long a step may take to its end after the interrupt button is pressed."""


@contextmanager
def _told_briefly() -> Iterator[None]:
    """Let IPython show what a person can mend as its message, without a traceback."""
    try:
        yield
    except (PilotlightError, KeyboardInterrupt) as error:
        text = f"{type(error).__name__}: {error}".removesuffix(": ")
        vars(error)["_render_traceback_"] = text.splitlines  # IPython asks for it
        raise


@_told_briefly()
def run(
    lab: str | Path | Lab,
    *,
    seeds: int | None = None,
    changes: Mapping[str, Any] | None = None,
    compare: Sequence[str] = (),
    device: str = "auto",
    quick: bool = False,
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
        out: the run's folder, new or empty; without it runs/NAME-DATE-ID.
        resume_from: the folder of a run that was stopped, to go on with it as it was started.

    Raises:
        UsageError: all that is wrong with the call, before anything is trained.
        RecordError: the folder cannot be made, read or resumed.
        KeyboardInterrupt: it was interrupted.
    """
    if resume_from is not None:
        typed = {"seeds": seeds, "changes": changes, "compare": compare, "quick": quick, "out": out}
        typed["device"] = device != "auto"
        _refuse_beside_resume([name for name, value in typed.items() if value])
        return _train(_resumed(lab, str(resume_from)), lab)
    if isinstance(lab, Lab):
        raise_all(_unfit_for_a_folder(lab))
    command = RunCommand(
        lab if isinstance(lab, Lab) else str(lab),
        seeds=seeds,
        changes={name: _number(value) for name, value in (changes or {}).items()},
        compare=tuple(compare),
        device=device,
        quick=quick,
        out=None if out is None else str(out),
    )
    return _train(start(command), lab)


@_told_briefly()
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
    elif lab.name in {entry.name for entry in entries()}:
        problems.append(f"name={lab.name!r}: there is a lab of this name. Choose another one.")
    if not lab.question:
        problems.append("question='': say what the Lab asks, as in question='Does it help?'.")
    return problems


def _refuse_beside_resume(typed: Sequence[str]) -> None:
    if typed:
        raise UsageError(
            f"resume_from goes on with what was asked for then. Leave out {', '.join(typed)}."
        )


def _resumed(lab: str | Path | Lab, folder: str) -> Running:
    """Go on with the run in a folder, which must be one of this lab."""
    recorded = read_report(folder).lab
    if isinstance(lab, Lab):
        name = lab.name
    elif str(lab) == recorded and recorded not in {entry.name for entry in entries()}:
        raise UsageError(f"{folder}: {recorded!r} was made in a notebook; give the Lab itself.")
    else:
        name = find(str(lab)).name
    if name != recorded:
        raise UsageError(f"{folder} holds a run of {recorded!r}, not of {name!r}.")
    return resume(folder, lab if isinstance(lab, Lab) else None)


# Training


def _train(running: Running, lab: str | Path | Lab) -> RunView:
    bar = Bar()
    latest: Measured | None = None
    bar.start(0)
    events: Any = iter(running)
    try:
        # Closed here: the traceback that IPython keeps would else keep the run folder locked.
        with _interrupt_button() as heed, closing(events):
            for event in events:
                if isinstance(event, Measured):
                    latest = event
                elif isinstance(event, Progress):
                    bar.update(event, latest)
                heed()
    except KeyboardInterrupt:
        named = "lab" if isinstance(lab, Lab) else repr(str(lab))
        again = f"pl.run({named}, resume_from={str(running.folder)!r})"
        bar.close(f"Stopped. What was trained is kept. To go on: {again}")
        raise
    except BaseException:
        bar.close("Stopped by an error.")
        raise
    report = running.report()
    bar.close(f"Done. Report: {running.folder / 'report.html'}")
    return RunView(report, running.picture)


@contextmanager
def _interrupt_button() -> Iterator[Callable[[], None]]:
    """Yield a function that raises KeyboardInterrupt if the button was pressed: call it often.

    Raised in the middle of a step, KeyboardInterrupt is lost about once in ten times, for Python
    drops what is raised while it frees an object, and now and then it breaks torch's transforms.
    So a press waits for the end of the step; a second one, or a step that takes long, does not.
    """
    usual = signal.getsignal(signal.SIGINT)
    if not callable(usual) or threading.current_thread() is not threading.main_thread():
        yield lambda: None  # interrupts do not come here
        return
    pressed = False
    hurry = threading.Timer(GRACE_SECONDS, _thread.interrupt_main)
    hurry.daemon = True

    def press(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed:
            usual(number, frame)
        else:
            pressed = True
            hurry.start()

    def heed() -> None:
        if pressed:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, press)
    try:
        yield heed
    finally:
        hurry.cancel()
        signal.signal(signal.SIGINT, usual)

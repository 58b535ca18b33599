"""`pl.run` and `pl.open_run` in a plain Python process: what they ask, keep and give back."""

from __future__ import annotations

import signal
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

import pilotlight as pl
from pilotlight.app import interrupt
from pilotlight.core.errors import RecordError, UsageError
from pilotlight.core.event import Exhibited
from pilotlight.record.folder import Folder


@pytest.fixture(autouse=True)
def _in_a_place_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def width_lab(**other: object) -> pl.Lab:
    """Four small networks; two widths, so two cohorts."""
    return pl.Lab(
        **{
            "name": "width",
            "question": "Does a wider layer help?",
            "area": "mine",
            "seconds": 5,
            "text": "",
            "data": pl.digits,
            "model": lambda s: pl.mlp(64, [s.width], 10),
            "train": pl.supervised(cross_entropy),
            "optimizer": pl.sgd,
            "settings": {"rate": pl.log(1e-4, 1, 0.1), "width": 4, "batch": 256, "epochs": 1},
            "compare": {"narrow": {}, "wide": {"width": 8}},
            "seeds": 2,
            **other,
        }
    )


def exact_lab(*functions: Callable[[], float]) -> pl.Lab:
    """A lab of exhibits only: nothing is trained."""
    return pl.Lab(
        name="exact",
        question="Is it so?",
        area="mine",
        seconds=1,
        text="",
        exhibits=[pl.exhibit(tolerance=0)(f) for f in functions],
    )


def press() -> float:
    """The interrupt button, as a kernel hears of it."""
    signal.raise_signal(signal.SIGINT)
    return 0.0


def fine() -> float:
    """Nothing is wrong."""
    return 0.0


def shown(folder: str) -> list[str]:
    return [e.id for e in Folder.open(folder).events() if isinstance(e, Exhibited)]


# Running


def test_a_lab_made_in_a_cell_runs_and_opens_again(capsys: pytest.CaptureFixture[str]) -> None:
    run = pl.run(width_lab(), out="here")
    assert run.report.state == "finished"
    assert [len(curves) for curves in run.history["test_accuracy"].values()] == [2, 2]
    assert "Done. Report: " in capsys.readouterr().err
    again = pl.open_run("here")
    assert again.history == run.history
    assert again.folder == Path("here")


def test_all_arguments_reach_the_run() -> None:
    lab = width_lab()
    rates = np.array([0.05, 0.2])
    run = pl.run(
        lab,
        seeds=1,
        changes={"rate": rates[1], "width": torch.tensor(5)},
        compare=["narrow"],
        device="cpu",
        jobs=1,
        out=Path("there"),
    )
    [row] = run.report.members
    assert (row.comparison, row.settings["rate"], row.settings["width"]) == ("narrow", 0.2, 5)
    assert run.report.about["plan"]["device"] == "cpu"
    assert run.folder == Path("there")
    assert len(run.report.why_no_verdict) == 3


def test_quick_takes_the_quick_settings() -> None:
    run = pl.run(width_lab(quick={"epochs": 2}, seeds=4), quick=True, compare=("narrow",))
    assert [m.settings["epochs"] for m in run.report.members] == [2, 2, 2]
    assert run.folder.parent == Path("runs")


# What is refused


def test_an_unknown_lab_is_a_short_message() -> None:
    with pytest.raises(UsageError, match=r"unknown lab 'momentm'\. Did you mean 'momentum'\?") as e:
        pl.run("momentm")
    [line] = vars(e.value)["_render_traceback_"]()
    assert line.startswith("UsageError: unknown lab 'momentm'. Did you mean 'momentum'?")


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(UsageError, match="unknown setting 'rte'") as e:
        pl.run(width_lab(), changes={"rte": 1}, compare=("thin",), seeds=0, device="gpu")
    assert len(e.value.problems) == 4
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("name", "question", "match"),
    [
        ("", "Is it?", "name='': name the Lab"),
        ("a/b", "Is it?", "name='a/b': name the Lab"),
        ("momentum", "Is it?", "name='momentum': there is a lab of this name"),
        ("mine", "", "question='': say what the Lab asks"),
    ],
)
def test_a_lab_made_in_a_cell_needs_a_name_and_a_question(
    name: str, question: str, match: str
) -> None:
    with pytest.raises(UsageError, match=match):
        pl.run(width_lab(name=name, question=question))


def test_no_run_there() -> None:
    with pytest.raises(RecordError, match="There is no folder runs/none"):
        pl.open_run("runs/none")
    with pytest.raises(RecordError, match="There is no folder runs/none"):
        pl.run("momentum", resume_from="runs/none")


# The interrupt button


def test_a_press_ends_the_run_after_the_step_in_hand(capsys: pytest.CaptureFixture[str]) -> None:
    usual = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match=r"^$") as e:
        pl.run(exact_lab(press, fine), out="here")
    assert shown("here") == ["press"]
    assert vars(e.value)["_render_traceback_"]() == ["KeyboardInterrupt"]
    said = capsys.readouterr().err
    assert "Stopped. What was trained is kept. To go on: pl.run(lab, resume_from='here')" in said
    assert signal.getsignal(signal.SIGINT) is usual


def test_the_message_for_a_lab_by_name_can_be_pasted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pilotlight.notebook.display.Bar.update", lambda *_: press())
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        pl.run("momentum", quick=True, compare=("plain",), out="here")
    assert "To go on: pl.run('momentum', resume_from='here')" in capsys.readouterr().err


def test_a_press_is_not_lost_while_an_object_is_freed() -> None:
    def while_freed() -> float:
        class Thing: ...

        thing = Thing()
        weakref.finalize(thing, press)  # what is raised in there goes nowhere
        del thing
        return 0.0

    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        pl.run(exact_lab(while_freed, fine), out="here")
    assert shown("here") == ["while_freed"]


def test_a_second_press_does_not_wait_for_the_step() -> None:
    def twice() -> float:
        press()
        return press()

    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        pl.run(exact_lab(fine, twice), out="here")
    assert shown("here") == ["fine"]


def test_a_long_step_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def long() -> float:
        press()
        time.sleep(60)
        return 0.0

    monkeypatch.setattr(interrupt, "GRACE_SECONDS", 0.1)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        pl.run(exact_lab(long))
    assert time.monotonic() - started < 30


def test_an_error_that_the_press_brought_about_is_the_press() -> None:
    def broken() -> float:
        press()
        raise TypeError("incompatible function arguments")

    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        pl.run(exact_lab(broken))


def test_an_error_without_a_press_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> float:
        raise TypeError("incompatible function arguments")

    with pytest.raises(TypeError, match="incompatible") as e:
        pl.run(exact_lab(broken))
    assert "_render_traceback_" not in vars(e.value)
    assert "Stopped by an error." in capsys.readouterr().err


def test_outside_the_main_thread_it_runs_as_well() -> None:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(pl.run(exact_lab(fine)).report.state))
    thread.start()
    thread.join()
    assert found == ["finished"]


# Going on


def stopped(lab: pl.Lab, monkeypatch: pytest.MonkeyPatch, after: int) -> KeyboardInterrupt:
    """Run into "here" and press at the update of number `after`; the error keeps its frames."""
    updates: list[object] = []

    def update(*given: object) -> None:
        updates.append(given)
        if len(updates) == after:
            press()

    with monkeypatch.context() as patched:
        patched.setattr("pilotlight.notebook.display.Bar.update", update)
        with pytest.raises(KeyboardInterrupt, match=r"^$") as caught:
            pl.run(lab, out="here")
    return caught.value


def test_a_stopped_run_goes_on_to_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = width_lab()
    threads = torch.get_num_threads()
    error = stopped(lab, monkeypatch, after=1)
    assert error.__traceback__ is not None  # as IPython keeps it for %debug
    assert torch.get_num_threads() == threads
    assert pl.open_run("here").report.state == "stopped"  # no lock is held
    resumed = pl.run(lab, resume_from="here")
    whole = pl.run(lab)
    assert resumed.report.state == "finished"
    assert resumed.report.members == whole.report.members
    assert pl.run(lab, resume_from="here").report.members == whole.report.members  # nothing to do


def test_what_goes_on_is_a_run_of_that_lab_as_it_was_asked_for() -> None:
    lab = width_lab()
    pl.run(lab, compare=("narrow",), out="here")
    with pytest.raises(UsageError, match="holds a run of 'width', not of 'momentum'"):
        pl.run("momentum", resume_from="here")
    with pytest.raises(UsageError, match="holds a run of 'width', not of 'exact'"):
        pl.run(exact_lab(fine), resume_from="here")
    with pytest.raises(UsageError, match="give the Lab itself"):
        pl.run("width", resume_from="here")
    with pytest.raises(UsageError, match=r"Leave out seeds, changes, quick\."):
        pl.run(lab, resume_from="here", quick=True, seeds=3, changes={"rate": 0.1})
    assert pl.run(lab, resume_from="here", jobs=2).report.state == "finished"

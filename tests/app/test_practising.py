"""Begin, hint, check, watch: what a person can do, in a folder of their own."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from pilotlight.app import practising
from pilotlight.app.practising import Checking, begin, check_here, next_hint, standings
from pilotlight.core.errors import UsageError
from pilotlight.practice import catalogue, source
from pilotlight.practice.progress import Progress

SOLUTION = source.solution(catalogue.find("momentum").text)
WRONG = SOLUTION.replace("weight.sub_", "weight.add_")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def standing(name):
    return next(s for s in standings() if s.entry.name == name)


def test_at_first_all_is_open_and_one_is_next(place):
    found = standings()
    assert {s.done.state for s in found} == {"open"}
    assert [s.is_next for s in found].count(True) == 1
    assert next(s for s in found if s.is_next).entry.needs == ()
    assert list(place.iterdir()) == []


def test_next_is_the_first_whose_needs_are_solved():
    progress = Progress(Path("practice"))
    for s in standings():
        assert not s.is_next or all(standing(n).done.solved for n in s.entry.needs)
    order = []
    while following := next((s.entry for s in standings() if s.is_next), None):
        order.append(following.name)
        progress.solved(following.name)
    assert sorted(order) == sorted(e.name for e in catalogue.entries())


def test_to_begin_writes_the_stub_once_and_never_over_it():
    begun = begin("momentum")
    assert (begun.path, begun.is_new) == (Path("practice/momentum.py"), True)
    assert "NotImplementedError" in begun.path.read_text()
    begun.path.write_text("mine")
    assert not begin("momentum").is_new
    assert begun.path.read_text() == "mine"


def test_within_the_practice_folder_it_is_the_practice_folder(place, monkeypatch):
    begin("momentum")
    Progress(Path("practice")).solved("dropout")
    monkeypatch.chdir(place / "practice")
    assert standing("dropout").done.solved
    assert begin("k-folds").path == Path("k_folds.py")


def test_a_notebook_too_and_its_solution_is_said_to_have_been_shown():
    student = begin("momentum", as_notebook=True)
    assert student.path == Path("practice/momentum.ipynb")
    assert standing("momentum").done.shown_after is None
    solved = begin("momentum", as_notebook=True, solved=True)
    assert solved.path == Path("practice/momentum_solution.ipynb")
    assert standing("momentum").done.shown_first
    cells = json.loads(solved.path.read_text())["cells"]
    assert "velocity.mul_(momentum)" in cells[2]["source"]


def test_hints_come_one_by_one_and_the_last_stays():
    shown = [next_hint("momentum") for _ in range(4)]
    assert [(h.number, h.of) for h in shown] == [(1, 3), (2, 3), (3, 3), (3, 3)]
    assert shown[0].text != shown[1].text


def test_the_solution_on_request():
    text, done = practising.show_solution("momentum")
    assert text == SOLUTION
    assert (done.shown_after, done.shown_first) == (0, True)


@pytest.mark.parametrize("action", [begin, next_hint, practising.show_solution, Checking])
def test_an_unknown_name_has_a_nearest_one(action):
    with pytest.raises(UsageError, match=r"unknown exercise 'momentun'\. Did you mean"):
        action("momentun")


@pytest.mark.parametrize("typed", ["momentum", "elsewhere/momentum.py", "momentum.py"])
def test_a_file_that_is_not_there_is_told_with_how_to_begin(typed):
    with pytest.raises(UsageError, match=r"There is no .*To begin: pilotlight practice momentum"):
        Checking(typed)


def test_a_file_that_cannot_be_read_is_told(place):
    (place / "momentum.py").write_bytes(b"\xff\xfe\xfa")
    with (
        Checking("./momentum.py") as checking,
        pytest.raises(UsageError, match=r"momentum\.py is not a text file"),
    ):
        checking.check()


def test_tries_are_counted_and_after_three_a_solution_is_offered():
    path = begin("momentum").path
    with Checking("momentum") as checking:
        assert len(checking.check().done.tries) == 0  # a stub is no try
        for text, tries in [
            (WRONG, 1),
            (WRONG + "# again\n", 1),
            ("import (", 1),  # did not run
            (WRONG.replace("rate", "2 * rate", 1).replace("2 * rate:", "rate:"), 2),
            (SOLUTION.replace("add_", "sub_"), 3),
        ]:
            path.write_text(text)
            checked = checking.check()
            assert not checked.verdict.passed
            assert len(checked.done.tries) == tries
            assert checked.offers_solution == (tries == 3)
        path.write_text(SOLUTION)
        checked = checking.check()
        assert checked.verdict.passed
        assert checked.done.solved
        assert not checked.offers_solution
        assert checked.upcoming not in ("momentum", None)
        path.write_text(WRONG)
        assert checking.check().done.solved  # solved stays solved


def test_a_file_elsewhere_is_checked_by_its_name(place):
    (place / "mine").mkdir()
    (place / "mine" / "momentum.py").write_text(SOLUTION)
    with Checking("mine/momentum.py") as checking:
        said = checking.check().to_json()
    assert said["passed"]
    assert said["file"] == "mine/momentum.py"
    assert [c["state"] for c in said["checks"]] == ["passed"] * 6
    assert standing("momentum").done.solved


def test_watching_checks_at_every_save_until_it_passes():
    path = begin("momentum").path
    saves = iter([WRONG, SOLUTION])

    def save(after: float) -> None:
        time.sleep(after)
        other = path.with_name("saving")
        other.write_text(next(saves))
        other.replace(path)  # as editors do

    seconds = []
    with Checking("momentum") as checking:
        verdicts = []
        for checked in checking.watch():
            verdicts.append(checked.verdict)
            seconds.append(checked.seconds)
            if not checked.verdict.passed:
                threading.Thread(target=save, args=(0.2,)).start()
    assert [v.passed for v in verdicts] == [False, False, True]
    assert verdicts[1].mistake.startswith("The step goes uphill")
    assert min(seconds[1:]) < 1.0


# In this process


def right(weight, gradient, velocity, rate, momentum):
    velocity.mul_(momentum).add_(gradient)
    weight.sub_(rate * velocity)


def uphill(weight, gradient, velocity, rate, momentum):
    velocity.mul_(momentum).add_(gradient)
    weight.add_(rate * velocity)


def test_functions_of_this_process_are_checked_by_their_parameters():
    assert check_here("momentum", right).verdict.passed
    checked = check_here("momentum", uphill)
    assert checked.verdict.mistake.startswith("The step goes uphill")
    assert checked.done.solved
    assert len(check_here("momentum", uphill).done.tries) == 1


def test_a_type_that_the_exercise_gives_is_found_beside_the_answer():
    cell: dict = {}
    exec(source.solution(catalogue.find("dqn-target").text), cell)
    assert check_here("dqn-target", cell["dqn_loss"]).verdict.passed


def test_an_error_has_the_line_of_this_file():
    def broken(weight, gradient, velocity, rate, momentum):
        raise ValueError("mine")

    checked = check_here("momentum", broken)
    assert checked.verdict.problem == "ValueError: mine"
    assert checked.verdict.line == broken.__code__.co_firstlineno + 1


@pytest.mark.parametrize("answers", [(), (right, right), (3,)])
def test_what_cannot_be_checked_is_told_with_what_to_write(answers):
    with pytest.raises(UsageError, match=r'pl\.check\("momentum", momentum_step\)'):
        check_here("momentum", *answers)

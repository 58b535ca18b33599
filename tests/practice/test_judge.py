"""The verdict is computed from what came back."""

from __future__ import annotations

import pytest

from pilotlight.practice.judge import Attempt, judge, mistake

RIGHT = {
    "signatures": {"f": "(x)", "g": "(x, y=1)"},
    "checks": [
        {"task": "A", "name": "one", "means": "One.", "within": 1e-9, "expected": 1},
        {"task": "A", "name": "two", "means": "Two.", "within": 1e-9, "expected": 2},
        {"task": "B", "name": "three", "means": "Three.", "within": 1e-9, "expected": 3},
    ],
}
SIGNATURES = {"f": "(x)", "g": "(x, y=1)", "h": "()"}


def error(kind="ValueError", text="bad", line=7):
    return {"kind": "error", "type": kind, "text": text, "line": line}


def states(verdict):
    return [r.state for r in verdict.results]


def test_all_checks_ran_and_passed():
    verdict = judge("e", RIGHT, Attempt(None, SIGNATURES, {"one": 1, "two": 2, "three": 3}))
    assert verdict.passed
    assert [r.task for r in verdict.results] == ["A", "A", "A", "B"]
    assert (verdict.problem, verdict.line, verdict.failing) == ("", None, None)


def test_the_first_problem_leads_and_the_others_are_told_too():
    verdict = judge("e", RIGHT, Attempt(None, SIGNATURES, {"one": 1, "two": 5, "three": error()}))
    assert not verdict.passed
    assert states(verdict) == ["passed", "passed", "failed", "failed"]
    assert verdict.problem == "expected 2, got 5."
    assert verdict.line is None
    assert (verdict.results[-1].problem, verdict.results[-1].line) == ("ValueError: bad", 7)


def test_a_check_that_did_not_run_has_not_passed():
    attempt = Attempt(None, SIGNATURES, {"one": 1}, cut="It was not done.")
    verdict = judge("e", RIGHT, attempt)
    assert states(verdict) == ["passed", "passed", "failed", "not run"]
    assert verdict.problem == "It was not done."
    assert not judge("e", RIGHT, Attempt(None, SIGNATURES, {"one": 1})).passed


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (Attempt(cut="It ended its process."), "It ended its process."),
        (Attempt(stopped=error()), "ValueError: bad"),
        (Attempt(None, {"f": "(x)"}), "g(x, y=1) is missing. Has it been renamed?"),
        (Attempt(None, SIGNATURES | {"f": "(y)"}), "f: expected f(x), got f(y)."),
    ],
)
def test_without_the_right_signatures_nothing_is_checked(attempt, said):
    attempt.seen = {"one": 1, "two": 2, "three": 3} if attempt.signatures else {}
    verdict = judge("e", RIGHT, attempt)
    assert states(verdict) == ["failed", "not run", "not run", "not run"]
    assert verdict.problem == said
    assert verdict.line == (7 if attempt.stopped else None)
    assert verdict.is_cut_short == (not attempt.signatures)


def test_a_stub_is_not_written():
    seen = dict.fromkeys(("one", "two", "three"), error("NotImplementedError"))
    assert not judge("e", RIGHT, Attempt(None, SIGNATURES, seen)).written
    assert judge("e", RIGHT, Attempt(None, SIGNATURES, {"one": error()})).written


@pytest.mark.parametrize(
    "message",
    [
        None,
        "passed",
        {"check": "one"},
        {"check": "one", "seen": {"kind": "tensor"}},
        {"check": ["one"], "seen": 1},
        {"stopped": "no"},
        {"signatures": "all"},
        {"passed": True},
    ],
)
def test_what_is_no_message_of_ours_counts_for_nothing(message):
    attempt = Attempt()
    attempt.add(message)
    assert attempt == Attempt()


def test_messages_are_gathered():
    attempt = Attempt()
    for message in ({}, {"signatures": SIGNATURES}, {"check": "one", "seen": 1}):
        attempt.add(message)
    attempt.add({"stopped": error()})
    assert attempt == Attempt(error(), SIGNATURES, {"one": 1})


# Known mistakes


def known(message, one, two, three):
    return {"message": message, "seen": {"one": one, "two": two, "three": three}}


KNOWN = [known("halves", 0.5, 1, 1.5), known("adds", 2, 3, 4), known("late", 1, 2, 4)]


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        ((0.5, 1, 1.5), "halves"),
        ((2, 3, 4), "adds"),
        ((1, 2, 4), "late"),
        ((0.5, 1, 9), "Perhaps: halves"),  # there is something else besides
        ((7, 1, 1.5), ""),  # what fails first is not explained
        ((1, 2, 3), ""),
    ],
)
def test_the_mistake_that_gives_the_same_is_told(seen, message):
    attempt = Attempt(None, SIGNATURES, dict(zip(("one", "two", "three"), seen, strict=True)))
    assert mistake(RIGHT, attempt, KNOWN) == message


def test_two_mistakes_that_give_the_same_are_not_guessed_between():
    attempt = Attempt(None, SIGNATURES, {"one": 2, "two": 3, "three": 4})
    assert mistake(RIGHT, attempt, [*KNOWN, known("also adds", 2, 3, 4)]) == ""


def test_nothing_came_back_nothing_is_known():
    assert mistake(RIGHT, Attempt(), KNOWN) == ""

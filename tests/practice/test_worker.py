"""Answers, oracle and known mistakes go through the same checks."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from pilotlight.practice import source, worker
from pilotlight.practice.exercise import Check


def test_what_is_right_comes_from_the_oracle(entry):
    right = worker.right(entry)
    assert right["signatures"]["twice"] == "(x, times=1)"
    assert [(c["task"], c["name"]) for c in right["checks"]] == [
        ("Function", "by_function"),
        ("Function", "small"),
        ("Object", "by_object"),
    ]
    assert right["checks"][0]["means"] == "The function doubles."
    assert right["checks"][0]["expected"]["items"]["doubled"]["values"] == [2, 4]
    assert right["checks"][1]["expected"]["items"]["zero"]["kind"] == "bound"


def test_each_known_mistake_goes_through_all_checks(entry):
    known = list(worker.mistakes(entry))
    assert len(known) == 4
    assert known[0]["message"].startswith("It multiplies by three")
    assert known[0]["seen"]["by_function"]["items"]["doubled"]["values"] == [3, 6]
    assert set(known[0]["seen"]) == {"by_function", "small", "by_object"}


def test_an_attempt_says_signatures_then_checks(entry):
    messages = list(worker.attempt(str(entry.path), source.solution(entry.text), "mine.py"))
    assert messages[0] == {}
    assert set(messages[1]) == {"signatures"}
    assert [m["check"] for m in messages[2:]] == ["by_function", "small", "by_object"]


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [("x = (", "SyntaxError", 1), ("\nimport sys\nsys.exit()", "SystemExit", 3)],
)
def test_a_file_that_does_not_run_is_told(text, kind, line, entry):
    *_, last = worker.attempt(str(entry.path), text, "mine.py")
    assert (last["stopped"]["type"], last["stopped"]["line"]) == (kind, line)


def state():
    return random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()


def draws(answer):
    """It draws."""
    return {"drawn": [random.random(), float(np.random.rand()), torch.rand(2)]}


def test_what_is_drawn_is_the_same_each_time_and_leaves_no_trace():
    before = state()
    first = worker.observe(Check(draws), {})
    random.random()
    torch.rand(1)
    after = state()
    assert worker.observe(Check(draws), {}) == first
    assert worker.observe(Check(draws), {}, seed=1) != first
    assert state() == after != before

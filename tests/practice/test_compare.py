"""Expected against actual, in one sentence."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pilotlight.practice.compare import alike, difference, is_seen, told
from pilotlight.practice.exercise import at_least, at_most, between
from pilotlight.practice.seen import seen


def tensor(*values, **options):
    return torch.tensor(values, **({"dtype": torch.float64} | options))


def said(expected, actual, within=1e-9):
    return difference(seen(expected), seen(actual), within, "x")


@pytest.mark.parametrize(
    "value",
    [None, True, 3, "a", [1, 2], {"a": tensor(1, 2)}, np.array([1.5]), math.nan, -math.inf],
)
def test_equal_is_nothing_to_say(value):
    assert said(value, value) is None


@pytest.mark.parametrize(
    ("expected", "actual", "words"),
    [
        (tensor(1, 2), None, "x: expected a tensor of shape (2), got None."),
        (tensor(1, 2), 3.0, "x: expected a tensor of shape (2), got 3."),
        (True, 1, "x: expected True, got 1."),
        (1.0, 2.0, "x: expected 1, got 2."),
        (1.0, 1.00001, "x: expected 1, got 1.00001."),
        (1.0, math.nan, "x: expected 1, got nan."),
        (tensor(1, 2), tensor(1, 2, 3), "x shape: expected (2), got (3)."),
        (tensor(1, 2), tensor(1, 3), "x: expected [1, 2], got [1, 3]."),
        ([1, 2], [1, 3], "x: expected [1, 2], got [1, 3]."),
        ([[1], [2]], [[1]], "x: expected 2 items, got 1."),
        ([[1], [2]], [[1], [3]], "x[1]: expected [2], got [3]."),
        ({"a": 1}, {}, "x: a is missing."),
        ({"a": 1}, {"a": 1, "b": 2}, "x: b is too much."),
        ({"a": 1}, {"a": 2}, "x a: expected 1, got 2."),
        (at_least(3), 2, "x: expected at least 3, got 2."),
        (at_most(3), 4, "x: expected at most 3, got 4."),
        (between(1, 2), 2.5, "x: expected between 1 and 2, got 2.5."),
        (between(1, 2), None, "x: expected a number, got None."),
        ("a", object(), "x: expected 'a', got a object."),
    ],
)
def test_what_differs_is_told(expected, actual, words):
    assert said(expected, actual) == words


def test_dtype_device_and_gradient_come_before_values():
    assert said(tensor(1), tensor(2, dtype=torch.float32)).startswith(
        "x dtype: expected float64, got float32. Somewhere a number of another precision"
    )
    assert said(tensor(1), tensor(2, device="meta")).startswith("x device: expected cpu, got meta.")
    assert "Its history was cut" in said(tensor(1, requires_grad=True), tensor(2))
    assert "It still carries a graph" in said(tensor(1), tensor(2, requires_grad=True))


def test_of_many_values_the_first_that_differs_is_shown():
    right = torch.zeros(3, 4, dtype=torch.float64)
    wrong = right.clone()
    wrong[1, 2] = wrong[2, 0] = 5
    assert said(right, wrong) == "x[1, 2]: expected 0, got 5. 2 of 12 differ."


def test_tolerance_is_relative_above_one_and_absolute_below():
    assert said(1000.0, 1000.9, within=1e-3) is None
    assert said(1000.0, 1001.1, within=1e-3)
    assert said(0.0, 0.0009, within=1e-3) is None
    assert said(0.0, 0.0011, within=1e-3)


def test_float32_is_compared_as_float32():
    assert said(tensor(0.1, dtype=torch.float32), tensor(0.1 + 1e-7, dtype=torch.float32)) is None


def test_what_is_too_large_to_compare_does_not_pass():
    large = torch.zeros(30_000)
    assert said(large, large) == "x: too large to compare."
    nowhere = torch.zeros(3, device="meta")
    assert said(nowhere, nowhere) is None


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("ValueError", "bad", "ValueError: bad"),
        ("RecursionError", "max", "It calls itself again and again (RecursionError)"),
        ("SystemExit", "0", "It ended the program (sys.exit)"),
        ("RuntimeError", "[...] can't allocate memory: you tried", "more memory than a check"),
        ("MemoryError", "", "more memory than a check"),
        ("OSError", "[Errno 27] File too large", "printed or wrote more"),
        ("EOFError", "", "in a check nobody types"),
        ("KeyError", "", "KeyError"),
    ],
)
def test_errors_in_words(kind, text, words):
    error = {"kind": "error", "type": kind, "text": text, "line": None}
    assert words in told(error)
    assert difference(1.0, error, 1e-9) == told(error)


def test_alike_compares_two_answers_by_what_was_asked():
    expected = seen({"share": between(1, 2), "value": 1.0})

    def of(share, value):
        return seen({"share": share, "value": value})

    assert alike(of(3, 5.0), of(9, 5.0), expected, 1e-9)  # both above
    assert not alike(of(3, 5.0), of(0, 5.0), expected, 1e-9)
    assert not alike(of(3, 5.0), of(3, 6.0), expected, 1e-9)
    assert not alike(of(3, 5.0), seen({"share": 3}), expected, 1e-9)


def test_errors_are_alike_by_type_and_text():
    one = {"kind": "error", "type": "ValueError", "text": "a", "line": 3}
    assert alike(one, one | {"line": 9}, 1.0, 1e-9)
    assert not alike(one, one | {"text": "b"}, 1.0, 1e-9)


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "tensor"},
        {"kind": "tensor", "shape": [2], "values": [1.0]},
        {"kind": "tensor", "shape": ["a"], "values": []},
        {"kind": "tensor", "shape": [1], "values": [{}]},
        {"kind": "nonsense"},
        {"kind": "mapping", "items": {"a": {}}},
        {"kind": "error", "type": "E", "text": 3, "line": None},
        {"kind": "bound", "low": 0, "high": 9},
        {},
    ],
)
def test_what_is_made_up_is_not_data(value):
    assert not is_seen(value)


def test_deep_nesting_is_not_data():
    value = []
    for _ in range(50):
        value = [value]
    assert not is_seen(value)
    assert is_seen(seen({"a": [tensor(1), None, {"b": 2}]}))

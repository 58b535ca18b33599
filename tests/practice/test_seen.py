"""Values become data that JSON can hold."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from pilotlight.practice.exercise import at_least
from pilotlight.practice.seen import MOST_VALUES, failed, seen


@pytest.mark.parametrize("value", [None, True, 3, 2.5, "text", [1, [2.5, None]], math.inf])
def test_plain_values_stay(value):
    assert seen(value) == value


def test_numbers_of_numpy_become_pythons():
    made = [seen(v) for v in (np.int64(3), np.float32(0.5), np.bool_(True))]
    assert made == [3, 0.5, True]
    assert [type(v) for v in made] == [int, float, bool]


def test_a_tensor_tells_all_that_is_compared():
    value = torch.tensor([[1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    assert seen(value) == {
        "kind": "tensor",
        "shape": [1, 2],
        "dtype": "float64",
        "device": "cpu",
        "gradient": True,
        "values": [1.0, 2.0],
    }


def test_values_that_are_too_many_or_nowhere_are_left_out():
    assert seen(torch.zeros(MOST_VALUES + 1))["values"] is None
    assert seen(torch.zeros(2, device="meta"))["values"] is None
    assert seen(torch.zeros(2, device="meta"))["device"] == "meta"


def test_an_array_a_mapping_and_a_tuple():
    assert seen(np.array([1, 2]))["values"] == [1, 2]
    assert seen({"a": (1, range(2))}) == {"kind": "mapping", "items": {"a": [1, [0, 1]]}}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (torch.nn.Linear(1, 1), "Linear"),
        (10**30, "number of 20 digits or more"),
        (torch.zeros(1, dtype=torch.complex64), "tensor of complex numbers"),
        ((i for i in range(3)), "generator"),
    ],
)
def test_what_is_none_of_these_is_named(value, said):
    assert seen(value) == {"kind": "object", "type": said}


def test_a_list_that_holds_itself_ends():
    value = []
    value.append(value)
    json.dumps(seen(value))


def test_all_of_it_goes_through_json():
    value = {"t": torch.tensor([math.nan, math.inf]), "b": at_least(0.5), "n": None}
    there_and_back = json.loads(json.dumps(seen(value)))
    assert there_and_back["items"]["b"] == {"kind": "bound", "low": 0.5, "high": math.inf}
    assert math.isnan(there_and_back["items"]["t"]["values"][0])


def error_of(text: str) -> dict:
    try:
        exec(compile(text, "mine.py", "exec"), {})
    except Exception as error:
        return failed(error, "mine.py")
    raise AssertionError("it ran")


def test_an_error_names_the_learners_line():
    said = error_of("import math\n\ndef f():\n    return math.sqrt(-1)\nf()\n")
    assert said == {"kind": "error", "type": "ValueError", "text": said["text"], "line": 4}
    assert "math domain error" in said["text"] or "nonnegative" in said["text"]
    assert error_of("1 +")["line"] == 1


def test_an_error_of_elsewhere_has_no_line():
    assert failed(ValueError("x\ny"), "mine.py") == {
        "kind": "error",
        "type": "ValueError",
        "text": "x y",
        "line": None,
    }

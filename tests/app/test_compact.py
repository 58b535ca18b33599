"""Compact JSON for a page."""

from __future__ import annotations

import json
import math

import pytest

from pilotlight.app.compact import json_text, rounded


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.123456789, 0.12346),
        (1.0, 1),
        (-1e-12, -1e-12),
        (123456.7, 123460),
        (1e300, 1e300),
        (math.nan, None),
        (math.inf, None),
        (True, True),
        ("0.123456789", "0.123456789"),
        ({"a": (0.123456789, [2.0])}, {"a": [0.12346, [2]]}),
        (12345678901, 12345678901),
    ],
)
def test_numbers_have_five_digits(value, said):
    assert rounded(value) == said


def test_json_has_no_nan_and_no_needless_space():
    text = json_text({"a": [1, math.nan], "b": "ü"})
    assert text == '{"a":[1,null],"b":"ü"}'
    assert json.loads(text)["a"] == [1, None]

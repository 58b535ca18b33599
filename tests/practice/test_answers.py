"""What was written, as something that checks can use."""

from __future__ import annotations

import pytest

from pilotlight.practice import answers

TEXT = """
from dataclasses import dataclass

def f(x, *, rate: float = 0.1):
    return x * rate

@dataclass
class C:
    size: int
    def of(self, x: int) -> int:
        return x
    def _own(self):
        pass

number = 3
"""


def test_names_are_there_and_dataclasses_work():
    answer = answers.run(TEXT, "mine.py")
    assert answer.f(2, rate=3) == 6
    assert answer.C(4).size == 4
    assert answer.f.__code__.co_filename == "mine.py"


def test_our_own_future_does_not_leak_into_it():
    assert answers.run("def f(x: int): ...", "m").f.__annotations__ == {"x": int}


def test_signatures_without_annotations():
    answer = vars(answers.run(TEXT, "mine.py"))
    assert answers.signatures(answer, ["f", "C", "g"]) == {
        "f": "(x, *, rate=0.1)",
        "C": "(size)",
        "C.of": "(self, x)",
    }


def test_what_has_no_signature_says_what_it_is():
    answer = {"number": 3}
    assert answers.signatures(answer, ["number"]) == {"number": "what is not a function but a int"}


def test_what_it_raises_comes_out():
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        answers.run("1 / 0", "mine.py")

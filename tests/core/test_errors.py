"""Errors: one message with all problems, and the nearest name that does exist."""

import pytest

from pilotlight.core.errors import (
    LabError,
    PilotlightError,
    RecordError,
    UsageError,
    did_you_mean,
    raise_all,
    unknown,
)


def test_all_problems_are_in_the_message_and_in_order():
    error = UsageError("one is wrong", "two is wrong")
    assert str(error) == "one is wrong\ntwo is wrong"
    assert error.problems == ("one is wrong", "two is wrong")


@pytest.mark.parametrize("kind", [UsageError, RecordError, LabError])
def test_every_error_for_a_person_is_caught_by_one_name(kind):
    with pytest.raises(PilotlightError, match="this"):
        raise kind("this")


def test_no_problem_raises_nothing():
    raise_all([])


def test_problems_are_raised_together_as_the_asked_kind():
    with pytest.raises(LabError, match="first\nsecond"):
        raise_all(["first", "second"], LabError)


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("momentun", ["rate", "momentum"], "Did you mean 'momentum'?"),
        ("xyz", ["rate", "momentum"], "There is: momentum, rate."),
        ("xyz", [], "There is none."),
    ],
)
def test_what_is_said_of_an_unknown_word(word, known, said):
    assert did_you_mean(word, known) == said
    assert unknown("setting", word, known) == f"unknown setting '{word}'. {said}"

"""Settings: what a literal means, what fits, and that all problems are told at once."""

import math

import pytest

from pilotlight.core.errors import UsageError
from pilotlight.core.settings import (
    Settings,
    as_setting,
    choice,
    log,
    parse_changes,
    resolve,
    switch,
    unit,
    whole,
)

DECLARED = {
    "rate": log(1e-4, 1, 0.01),
    "momentum": unit(0.9),
    "batch": whole(1, 512, 64),
    "nesterov": switch(False),
    "norm": choice("batch", "layer"),
}


@pytest.mark.parametrize(
    ("literal", "scale", "low"),
    [
        (15, "whole", 1),
        (0, "whole", 0),
        (-3, "whole", -3),
        (0.1, "linear", -math.inf),
        (True, "switch", -math.inf),
        ("relu", "choice", -math.inf),
    ],
)
def test_a_bare_literal_is_read_by_its_type(literal, scale, low):
    setting = as_setting(literal)
    assert (setting.default, setting.scale, setting.low) == (literal, scale, low)
    assert setting.problem("it", literal) is None


def test_a_setting_is_kept_as_it_is():
    assert as_setting(DECLARED["rate"]) is DECLARED["rate"]


def test_numbers_and_switches_may_differ_in_a_cohort_whole_numbers_and_choices_not():
    assert [s.per_member for s in DECLARED.values()] == [True, True, False, True, False]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("rate", [1e-4, 1, 1.0, 0.3], [0.9e-4, 1.1, math.nan, math.inf, "fast", True, None]),
        ("momentum", [0, 0.0, 1.0], [-0.1, 1.5]),
        ("batch", [1, 64, 512], [0, 513, 64.0, True, "64"]),
        ("nesterov", [True, False], [0, 1, "true"]),
        ("norm", ["batch", "layer"], ["none", "", None, ["batch"]]),
    ],
)
def test_what_fits_and_what_does_not(name, good, bad):
    setting = DECLARED[name]
    assert [setting.problem(name, value) for value in good] == [None] * len(good)
    for value in bad:
        assert setting.problem(name, value) == f"{name}={value}: {name} is {setting.allowed}."


def test_the_allowed_values_in_words():
    assert [s.allowed for s in DECLARED.values()] == [
        "a number from 0.0001 to 1",
        "a number from 0 to 1",
        "a whole number from 1 to 512",
        "true or false",
        "one of batch, layer",
    ]
    assert as_setting(3).allowed == "a whole number, 1 or more"
    assert as_setting(0.5).allowed == "a number"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("rate", "1e-3", 0.001),
        ("rate", "fast", "fast"),
        ("batch", "32", 32),
        ("batch", "3e1", 30),
        ("batch", "32.5", 32.5),
        ("batch", "inf", math.inf),
        ("nesterov", "Yes", True),
        ("nesterov", " false ", False),
        ("nesterov", "perhaps", "perhaps"),
        ("norm", "layer", "layer"),
    ],
)
def test_a_typed_text_is_read(name, text, value):
    read = DECLARED[name].parse(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("name", ["rate", "batch"])
def test_a_typed_nan_is_refused_in_words(name):
    with pytest.raises(UsageError, match=f"{name}=nan: {name} is a"):
        parse_changes({name: "nan"}, DECLARED)


def test_all_problems_of_typed_changes_are_told_at_once():
    texts = {"momentm": "0.5", "batch": "0", "rate": "fast", "nesterov": "true"}
    with pytest.raises(UsageError, match="momentm") as caught:
        parse_changes(texts, DECLARED)
    assert caught.value.problems == (
        "unknown setting 'momentm'. Did you mean 'momentum'?",
        "batch=0: batch is a whole number from 1 to 512.",
        "rate=fast: rate is a number from 0.0001 to 1.",
    )


def test_typed_changes_are_read_by_their_setting():
    assert parse_changes({"batch": "8", "nesterov": "true"}, DECLARED) == {
        "batch": 8,
        "nesterov": True,
    }


# --- the settings of one comparison ---


def test_a_comparison_stands_above_changes_above_defaults():
    found = resolve(DECLARED, {"momentum": 0.5, "batch": 8}, {"momentum": 0.0}, "plain")
    assert dict(found) == {
        "rate": 0.01,
        "momentum": 0.0,
        "batch": 8,
        "nesterov": False,
        "norm": "batch",
    }


def test_a_comparisons_function_sees_the_changes():
    own = {"rate": lambda s: s.rate / (1 - s.momentum), "momentum": 0.0}
    found = resolve(DECLARED, {"momentum": 0.5}, own, "larger_step")
    assert (found.rate, found.momentum) == (0.02, 0.0)


def test_a_function_that_cannot_be_computed_is_told_with_its_comparison():
    own = {"rate": lambda s: s.rate / (1 - s.momentum)}
    with pytest.raises(UsageError, match="comparison 'larger_step': rate cannot be computed"):
        resolve(DECLARED, {"momentum": 1.0}, own, "larger_step")


def test_every_problem_of_a_comparison_is_told():
    with pytest.raises(UsageError, match="unknown setting") as caught:
        resolve(DECLARED, {"momentm": 0.5}, {"bach": 3}, "plain")
    assert caught.value.problems == (
        "unknown setting 'momentm'. Did you mean 'momentum'?",
        "unknown setting 'bach'. Did you mean 'batch'?",
    )
    with pytest.raises(UsageError, match="rate=7") as caught:
        resolve(DECLARED, {"rate": 7.0, "batch": 0}, {}, "plain")
    assert len(caught.value.problems) == 2
    with pytest.raises(UsageError, match=r"comparison 'plain': rate=7\.0: rate is a number from"):
        resolve(DECLARED, {}, {"rate": 7.0}, "plain")


# --- values read as attributes ---


def test_values_are_read_as_attributes_and_as_a_mapping():
    settings = Settings({"rate": 0.1, "batch": 8})
    assert (settings.rate, settings["batch"], len(settings)) == (0.1, 8, 2)
    assert list(settings) == ["rate", "batch"]
    assert repr(settings) == "Settings(rate=0.1, batch=8)"
    assert settings == {"rate": 0.1, "batch": 8}


def test_a_misspelt_attribute_names_the_nearest():
    with pytest.raises(AttributeError, match=r"unknown setting 'rat'\. Did you mean 'rate'\?"):
        _ = Settings({"rate": 0.1}).rat


def test_later_changes_of_the_given_mapping_do_not_reach_the_settings():
    values = {"rate": 0.1}
    settings = Settings(values)
    values["rate"] = 1.0
    assert settings.rate == 0.1


@pytest.mark.parametrize("name", ["items", "values", "get"])
def test_a_name_that_settings_have_for_something_else_is_refused(name):
    with pytest.raises(UsageError, match=f"{name}: a setting cannot be called so"):
        resolve({name: whole(1, 9, 2)}, {}, {}, "plain")

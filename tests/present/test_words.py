"""Numbers, times and claims in words."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pilotlight.core.lab import Claim
from pilotlight.core.report import MemberRow, Report
from pilotlight.measure.verdicts import judge
from pilotlight.present import words


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0, "0"),
        (0.9463, "0.946"),
        (3.0, "3"),
        (1024, "1,024"),
        (12345.6, "12,346"),
        (-0.05, "-0.05"),
        (0.00042, "0.00042"),
        (999.6, "1,000"),
        (0.000042, "4.2e-5"),
        (3.14e-14, "3.14e-14"),
        (2.5e12, "2.5e12"),
        (math.nan, "not finite"),
        (-math.inf, "not finite"),
        (None, "not finite"),
    ],
)
def test_numbers_have_sensible_digits(x, text):
    assert words.number(x) == text


@pytest.mark.parametrize("x", [0.1 / 3, 123.456, 7.7e-12, 8.8e15, 0.000999, 999.6, 1e9])
def test_numbers_stay_within_half_a_percent(x):
    assert float(words.number(x).replace(",", "")) == pytest.approx(x, rel=0.005)


def test_numbers_read_together_have_equal_decimals():
    assert words.alike(0.2, 0.15, 0.25) == ["0.20", "0.15", "0.25"]
    assert words.alike(0.2013, 0.1521, 0.2505) == ["0.201", "0.152", "0.251"]
    assert words.alike(-3.4, -7.91, 1.1) == ["-3.4", "-7.9", "1.1"]
    assert words.alike(1500.0, 900.0, 2100.0) == ["1,500", "900", "2,100"]
    assert words.alike(2.5e-9, 1e-9, 4e-9) == ["2.50e-9", "1.00e-9", "4.00e-9"]
    assert words.alike(0.5, 0.5) == ["0.5", "0.5"]


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.04, "less than 0.1 seconds"),
        (0.42, "0.4 seconds"),
        (1.0, "1 second"),
        (59, "about 59 seconds"),
        (118, "about 2 minutes"),
        (5000, "about 83 minutes"),
        (5400, "about 1.5 hours"),
        (3600 * 30, "about 30 hours"),
        (86_400 * 3, "about 3 days"),
    ],
)
def test_times_are_said_as_people_say_them(x, text):
    assert words.seconds(x) == text


def test_recorded_values_are_said_without_none_or_nan():
    assert words.said(None) == "not set"
    assert words.said(True) == "yes"
    assert words.said([1, None, math.nan]) == "1, not set, not finite"
    assert words.said(list(range(20))) == "0, 1, 2, 3, 4, 5, 6, 7, ... (20 values)"
    assert words.said({"name": "digits", "rows": 1797, "groups": None}) == "digits, rows: 1,797"


def test_minus_changes_signs_but_no_words():
    assert words.minus("-3.4 to -1, 1e-9, k-fold-5, 2025-01-31") == (
        "−3.4 to −1, 1e-9, k-fold-5, 2025-01-31"
    )


def test_effects_carry_sign_unit_and_interval(statistical: Report):
    first, _, last = statistical.claims
    assert words.effect_words(first) == "+0.201 accuracy"
    assert words.interval_words(first) == "99.67 % interval 0.152 to 0.251"
    assert words.effect_words(last) == "-3.4 epochs"
    alone = replace(first, right=None)
    assert words.effect_words(alone) == "0.201 accuracy"
    wide = replace(first, effect=-0.003, interval=(-0.11, 0.11))
    assert words.effect_words(wide) == "-0.0030 accuracy"
    assert words.effect_words(replace(wide, effect=0.0)) == "0.00 accuracy"
    assert words.effect_words(replace(wide, effect=-2e-9)) == "0.0000 accuracy"
    assert words.effect_words(replace(wide, effect=0.24, interval=(-24, 24))) == "+0.24 accuracy"
    assert words.interval_words(replace(wide, interval=(-24, 24))).endswith("-24 to 24")
    assert words.effect_words(replace(first, effect=None)) == "effect cannot be computed"
    assert words.effect_words(replace(first, effect=math.nan)) == "effect cannot be computed"
    assert words.interval_words(replace(first, interval=None)) == "no interval"
    assert words.interval_words(replace(first, interval=(0.1, math.inf))) == "no interval"


def test_p_and_expectation_are_said(statistical: Report):
    supported, refuted, _ = statistical.claims
    assert words.p_phrase(supported.p) == "p < 0.0001"
    assert words.p_phrase(refuted.p) == "p = 0.004"
    assert words.p_phrase(None) == ""
    assert words.expected_words(supported) == "as expected"
    assert words.expected_words(refuted) == "not as expected: the lab expects undecided"
    assert words.expected_words(replace(refuted, verdict=None)) == ""


def test_the_region_of_a_bound_is_the_one_the_judge_writes():
    claims = {
        "least": Claim("More.", "a", "b", at_least=0.05),
        "most": Claim("Fewer.", "a", "b", at_most=-2),
        "within": Claim("Alike.", "a", "b", within=1e-6),
    }
    members = [
        MemberRow(i, "ab"[i % 2], i // 2, {}, final={"test_accuracy": 0.5 + 0.01 * i})
        for i in range(6)
    ]
    found = {r.id: words.region(r.bound) for r in judge(claims, members, {}, "", evidence=True)}
    assert found == {
        "least": (0.05, math.inf),
        "most": (-math.inf, -2.0),
        "within": (-1e-6, 1e-6),
    }
    assert words.region("") is None


def test_a_run_that_is_not_finished_says_so(statistical: Report, stopped: Report):
    assert words.state_words(statistical) == ""
    assert words.resume_command(statistical) == ""
    assert "was stopped before its end" in words.state_words(stopped)
    assert words.resume_command(stopped) == ("pilotlight run --resume runs/momentum-20250131-8c1f")
    assert words.resume_command(replace(stopped, run="my runs/a")).endswith("'my runs/a'")
    running = replace(stopped, state="running")
    assert "is still running" in words.state_words(running)
    assert words.resume_command(running) == ""


def test_lists_and_reasons_read_as_sentences(exploring: Report):
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed(["a"]) == "a"
    assert words.listed([]) == ""
    assert words.reasons(exploring) == "1 seed instead of 12; rate was changed to 0.02"
    assert words.count(1, "seed") == "1 seed"
    assert words.count(1200, "seed") == "1,200 seeds"

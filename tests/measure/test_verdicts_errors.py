"""How often the judge errs, and how often it finds what is there, against theory."""

import math

import numpy as np
from scipy import stats

from pilotlight.core.lab import Claim
from pilotlight.core.report import MemberRow
from pilotlight.measure.verdicts import LEVEL, judge


def networks(**values):
    return [
        MemberRow(i, comparison, 1000 + i, {}, {}, {"test_accuracy": v})
        for comparison, column in values.items()
        for i, v in enumerate(column)
    ]


def within_chance(count, repeats, chance):
    low, high = stats.binom.ppf([0.0005, 0.9995], repeats, chance)
    return low <= count <= high


def test_false_alarms_in_a_lab_of_three_true_nulls_are_as_rare_as_the_level():
    generator = np.random.default_rng(2024)
    claims = {c: Claim("", c, None, at_least=0.0) for c in "abc"}
    repeats, level = 600, 0.05
    false = 0
    for _ in range(repeats):
        members = networks(**{c: list(generator.normal(0, 1, 8)) for c in "abc"})
        results = judge(claims, members, {}, "", evidence=True, level=level)
        false += any(r.verdict != "undecided" for r in results)
    assert within_chance(false, repeats, 1 - (1 - level / 3) ** 3)
    assert not within_chance(false, repeats, 1 - (1 - level) ** 3)  # what no correction gives


def test_no_effect_is_claimed_wrongly_as_rarely_as_the_level():
    """The true effect lies on the bound: the worst case."""
    generator = np.random.default_rng(5)
    claim = {"it": Claim("", "a", None, within=1.0)}
    decided = {"supported": 0, "refuted": 0, "undecided": 0}
    for _ in range(600):
        members = networks(a=list(generator.normal(1.0, 0.5, 8)))
        decided[judge(claim, members, {}, "", evidence=True, level=0.1)[0].verdict] += 1
    assert within_chance(decided["supported"], 600, 0.05)
    assert within_chance(decided["refuted"], 600, 0.05)


def test_power_is_that_of_the_noncentral_t():
    generator = np.random.default_rng(9)
    claims = {"it": Claim("", "a", None, at_least=0.0)}
    effect, n, repeats = 1.2, 12, 500
    found = sum(
        judge(claims, networks(a=list(generator.normal(effect, 1, n))), {}, "", evidence=True)[
            0
        ].verdict
        == "supported"
        for _ in range(repeats)
    )
    needed = stats.t.isf(LEVEL / 2, n - 1)
    assert within_chance(found, repeats, stats.nct.sf(needed, n - 1, effect * math.sqrt(n)))

"""The judge where something is missing: variance, seeds, networks, comparisons, finite numbers."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from pilotlight.core.lab import Claim, Metric
from pilotlight.core.report import MemberRow
from pilotlight.measure.verdicts import judge

N = 12


def networks(metric="test_accuracy", **values):
    """One network for each comparison and value; None is one that diverged."""
    return [
        MemberRow(
            i, comparison, 1000 + i, {}, {}, {metric: v}, diverged_at=3 if v is None else None
        )
        for comparison, column in values.items()
        for i, v in enumerate(column)
    ]


def one(claim, members, own=None, **options):
    (result,) = judge({"it": claim}, members, own or {}, "digits", evidence=True, **options)
    return result


def noise(seed, scale=0.01, n=N):
    return np.random.default_rng(seed).normal(0.0, scale, n)


def test_differences_without_variance_are_decided_by_the_exact_rank_test():
    members = networks(left=[0.9] * N, right=[0.5] * N)
    result = one(Claim("", "left", "right", at_least=0.05), members)
    assert result.effect == pytest.approx(0.4)
    assert result.interval == pytest.approx((0.4, 0.4))
    assert result.p == 2 * 2.0**-N
    assert result.verdict == "supported"
    assert "takes the place of t" in result.notes[0]


def test_no_difference_at_all_is_no_effect_and_neither_more_nor_less():
    members = networks(left=[0.5] * N, right=[0.5] * N)
    for bound in ({"within": 0.02}, {"within": 0.0}, {"at_least": 0.0}, {"at_most": 0.0}):
        result = one(Claim("", "left", "right", **bound), members)
        assert (result.effect, result.interval, result.verdict) == (0, (0, 0), "supported")
    assert one(Claim("", "left", "right", at_least=0.01), members).verdict == "refuted"


def test_a_constant_difference_on_its_bound_is_not_decided_by_rounding():
    for pair in ((0.95, 0.90), (0.90, 0.85), (0.85, 0.80), (0.1 + 0.2, 0.25)):
        members = networks(left=[pair[0]] * N, right=[pair[1]] * N)
        assert one(Claim("", "left", "right", at_least=0.05), members).verdict == "supported"


def test_a_difference_that_varies_only_by_rounding_has_no_variance():
    right = [0.1 + i / 15 for i in range(N)]
    assert np.ptp([(v + 0.05) - v for v in right]) > 0
    members = networks(left=[v + 0.05 for v in right], right=right)
    result = one(Claim("", "left", "right", at_least=0.05), members)
    assert (result.verdict, result.p) == ("supported", 2 * 2.0**-N)


def test_small_slopes_over_large_numbers_keep_their_variance():
    numbers = {"small": 1.0, "large": 1e6}
    columns = {"small": [0.5] * N, "large": list(0.7 + noise(1, 0.02))}
    result = one(Claim("", trend=numbers, at_least=0.0), networks(**columns))
    rises = np.array(columns["large"]) - 0.5
    assert result.p == pytest.approx(stats.ttest_1samp(rises, 0).pvalue)


def test_few_seeds_without_variance_are_too_few():
    result = one(
        Claim("", "left", "right", at_least=0.0), networks(left=[0.9] * 3, right=[0.5] * 3)
    )
    assert (result.verdict, result.interval, result.p) == ("undecided", None, 0.25)
    assert result.effect == pytest.approx(0.4)
    assert "too few" in result.notes[-1]


@pytest.mark.parametrize("success", [None, bool])
def test_one_seed_has_an_effect_and_nothing_else(success):
    claim = Claim("", "left", "right", at_least=0.0, success=success)
    result = one(claim, networks(left=[0.9], right=[0.0]))
    assert result.effect in (0.9, 1.0)
    assert (result.verdict, result.interval, result.p) == ("undecided", None, None)
    assert result.notes == ("One seed shows no spread, so there is no interval and no verdict.",)
    assert result.seeds == 1


def test_when_all_diverged_the_worst_counts_and_is_said():
    members = networks(left=[None] * N, right=list(0.9 + noise(1)))
    result = one(Claim("", "left", "right", at_most=-0.5), members)
    assert result.verdict == "supported"
    assert result.effect == pytest.approx(-0.9, abs=0.02)
    assert result.notes == ("12 of 24 networks diverged; each counts as the worst value, 0.",)


def test_when_everything_diverged_without_a_worst_nothing_is_judged():
    members = networks("test_loss", left=[None] * N, right=[None] * N)
    result = one(Claim("", "left", "right", metric="test_loss", at_most=0.0), members)
    assert (result.verdict, result.effect, result.p) == ("undecided", None, None)
    assert "24 of 24 networks diverged" in result.notes[0]


def test_dropping_diverged_networks_changes_the_answer():
    """Half of the left networks diverge; those that survive are better than the right ones."""
    left = [v if i % 2 else None for i, v in enumerate(0.95 + noise(1))]
    members = networks(left=left, right=list(0.90 + noise(2)))
    counted = one(Claim("", "left", "right", at_least=0.0), members, level=0.05)
    dropped = one(
        Claim("", "left", "right", at_least=0.0, diverged="left out"), members, level=0.05
    )
    assert (counted.verdict, counted.seeds) == ("refuted", 12)
    assert (dropped.verdict, dropped.seeds) == ("supported", 6)
    assert counted.effect < 0 < dropped.effect
    assert "Left out: 6 seeds with a diverged network." in dropped.notes


def test_a_comparison_that_did_not_run_has_no_effect():
    result = one(Claim("", "left", "right", at_least=0.0), networks(left=[0.9, 0.8]))
    assert (result.verdict, result.effect, result.interval, result.p, result.seeds) == (
        "undecided",
        None,
        None,
        None,
        0,
    )
    assert result.notes == ("This run has no network of 'right'.",)


def test_a_run_without_any_network_is_undecided():
    assert one(Claim("", "left", None, at_least=0.0), []).verdict == "undecided"
    assert judge({}, [], {}, "", evidence=True) == ()


def test_wild_numbers_give_no_nan():
    members = networks("test_loss", left=[1e30, 0.1, 0.2] * 4, right=[0.1, 0.1, 0.1] * 4)
    for test, bound in itertools.product(("t", "rank"), ({"at_least": 0.0}, {"within": 1e31})):
        result = one(Claim("", "left", "right", metric="test_loss", test=test, **bound), members)
        numbers = [result.effect, *result.interval, result.p]
        assert all(math.isfinite(n) for n in numbers)


def test_an_infinite_worst_is_read_as_the_worst_seen():
    epochs = Metric(
        unit="epochs", better="lower", worst=math.inf, of=lambda curves: curves["reached"][0]
    )
    curves = [{"step": [0.0], "reached": [float(v)]} for v in (2, 3, 2, 4, math.inf, 3)]
    members = [MemberRow(i, "left", i, {}, c) for i, c in enumerate(curves)]
    result = one(Claim("", "left", None, metric="epochs", at_most=9), members, {"epochs": epochs})
    assert result.effect == pytest.approx(np.mean([2, 3, 2, 4, 4, 3]))

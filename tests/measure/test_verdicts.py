"""The judge: the table of verdicts, against scipy, and what is said."""

import itertools

import numpy as np
import pytest
from scipy import stats

from pilotlight.core.errors import UsageError
from pilotlight.core.lab import Claim
from pilotlight.core.report import MemberRow
from pilotlight.measure.holm import holm
from pilotlight.measure.verdicts import LEVEL, judge

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


def pairs(difference, seed=0, scale=0.01, n=N):
    """Two comparisons that share large noise from their seeds and differ by `difference`."""
    shared = 0.5 + noise(seed + 100, 0.2, n)
    own = noise(seed, scale, n)
    return networks(left=list(shared + difference + own), right=list(shared))


# --- the table ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bound", "difference", "verdict"),
    [
        ({"at_least": 0.05}, 0.10, "supported"),
        ({"at_least": 0.05}, 0.00, "refuted"),
        ({"at_least": 0.05}, 0.05, "undecided"),
        ({"at_most": 0.05}, 0.00, "supported"),
        ({"at_most": 0.05}, 0.10, "refuted"),
        ({"at_most": 0.05}, 0.05, "undecided"),
        ({"within": 0.05}, 0.00, "supported"),
        ({"within": 0.05}, 0.10, "refuted"),
        ({"within": 0.05}, -0.10, "refuted"),
        ({"within": 0.05}, 0.05, "undecided"),
        ({"within": 0.05}, -0.05, "undecided"),
    ],
)
@pytest.mark.parametrize("test", ["t", "rank"])
def test_the_table_of_verdicts(bound, difference, verdict, test):
    claim = Claim("", "left", "right", test=test, **bound)
    assert one(claim, pairs(difference)).verdict == verdict


def interval_rule(claim, interval):
    """The table of verdicts, from the interval alone."""
    low, high = interval
    if claim.at_least is not None:
        yes, no = low >= claim.at_least, high < claim.at_least
    elif claim.at_most is not None:
        yes, no = high <= claim.at_most, low > claim.at_most
    else:
        width = claim.within
        yes, no = -width <= low and high <= width, low > width or high < -width
    return "supported" if yes else "refuted" if no else "undecided"


@pytest.mark.parametrize("kind", ["at_least", "at_most", "within"])
@pytest.mark.parametrize("test", ["t", "rank"])
def test_verdict_interval_and_p_agree_in_every_family(kind, test):
    """300 families of three claims with effects near their bounds."""
    generator = np.random.default_rng(11)
    verdicts = set()
    for _ in range(100):
        claims = {
            f"c{i}": Claim("", f"l{i}", None, test=test, **{kind: abs(generator.normal(0, 0.5))})
            for i in range(3)
        }
        columns = {f"l{i}": list(generator.normal(generator.normal(), 0.7, 14)) for i in range(3)}
        for (_, claim), result in zip(
            claims.items(),
            judge(claims, networks(**columns), {}, "", evidence=True),
            strict=True,
        ):
            assert result.verdict == interval_rule(claim, result.interval)
            assert (result.verdict != "undecided") == (result.p <= LEVEL)
            verdicts.add(result.verdict)
    assert verdicts == {"supported", "refuted", "undecided"}


@pytest.mark.parametrize("bound", [{"at_least": 0.3}, {"at_most": 0.3}, {"within": 0.3}])
def test_for_one_rate_verdict_interval_and_p_agree(bound):
    claim = Claim("", "left", None, success=bool, **bound)
    for wins in range(21):
        result = one(claim, networks(left=[1.0] * wins + [0.0] * (20 - wins)))
        assert result.verdict == interval_rule(claim, result.interval)
        assert (result.verdict != "undecided") == (result.p <= LEVEL)


@pytest.mark.parametrize("bound", [{"at_least": 0.2}, {"at_most": 0.0}, {"within": 0.4}])
def test_for_two_rates_a_verdict_needs_interval_and_exact_test(bound):
    claim = Claim("", "left", "right", success=bool, **bound)
    for both, left, right in itertools.product(range(0, 21, 4), repeat=3):
        if both + left + right <= 20:
            neither = 20 - both - left - right
            members = networks(
                left=[1.0] * (both + left) + [0.0] * (right + neither),
                right=[1.0] * both + [0.0] * left + [1.0] * right + [0.0] * neither,
            )
            result = one(claim, members)
            assert (result.verdict != "undecided") == (result.p <= LEVEL)
            assert result.verdict in (interval_rule(claim, result.interval), "undecided")


# --- against scipy -----------------------------------------------------------------------------


def test_effect_interval_and_p_are_those_of_scipys_paired_t():
    members = pairs(0.03, scale=0.04)
    left = np.array([m.final["test_accuracy"] for m in members[:N]])
    right = np.array([m.final["test_accuracy"] for m in members[N:]])
    result = one(Claim("", "left", "right", at_least=0.0), members)
    expected = stats.ttest_rel(left, right)
    assert result.effect == pytest.approx((left - right).mean())
    assert result.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert result.interval == pytest.approx(expected.confidence_interval(0.99), rel=1e-9)
    assert (result.seeds, result.level) == (N, LEVEL)


def test_an_unpaired_test_would_not_see_the_effect():
    members = pairs(0.03)
    left = [m.final["test_accuracy"] for m in members[:N]]
    right = [m.final["test_accuracy"] for m in members[N:]]
    assert stats.ttest_ind(left, right).pvalue > 0.5
    assert one(Claim("", "left", "right", at_least=0.0), members).verdict == "supported"


def test_no_effect_is_two_one_sided_tests():
    values = 0.004 + noise(3, 0.02)
    above = stats.ttest_1samp(values, -0.03, alternative="greater").pvalue
    below = stats.ttest_1samp(values, 0.03, alternative="less").pvalue
    result = one(Claim("", "left", None, within=0.03), networks(left=list(values)))
    assert result.p == pytest.approx(2 * max(above, below), rel=1e-9)


def test_outside_no_effect_p_is_against_the_nearer_bound():
    values = -0.08 + noise(3, 0.02)
    nearer = stats.ttest_1samp(values, -0.03, alternative="less").pvalue
    result = one(Claim("", "left", None, within=0.03), networks(left=list(values)))
    assert result.p == pytest.approx(2 * nearer, rel=1e-9)
    assert result.verdict == "refuted"


def test_not_significant_is_not_no_effect():
    values = 0.01 + noise(4, 0.05)
    result = one(Claim("", "left", None, within=0.02), networks(left=list(values)))
    assert stats.ttest_1samp(values, 0).pvalue > 0.05
    assert result.verdict == "undecided"


def test_ranks_are_not_led_astray_by_one_wild_seed():
    values = [*(0.05 + noise(5, 0.01, N - 1)), -3.0]
    members = networks(left=values)
    assert one(Claim("", "left", None, at_least=0.0), members, level=0.05).verdict == "undecided"
    ranked = one(Claim("", "left", None, at_least=0.0, test="rank"), members, level=0.05)
    exact = stats.wilcoxon(values, method="exact").pvalue
    assert ranked.p == pytest.approx(exact)
    assert ranked.verdict == "supported"


def test_a_trend_is_t_over_the_slopes_of_the_seeds():
    numbers = {"small": 1.0, "middle": 2.0, "large": 4.0}
    generator = np.random.default_rng(6)
    columns = {c: list(0.1 * x + generator.normal(0, 0.02, N)) for c, x in numbers.items()}
    per_seed = np.polyfit(list(numbers.values()), np.array(list(columns.values())), 1)[0]
    expected = stats.ttest_1samp(per_seed, 0.05)
    result = one(Claim("", trend=numbers, at_least=0.05), networks(**columns))
    assert result.effect == pytest.approx(per_seed.mean())
    assert result.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert result.verdict == "supported"
    assert result.unit == "accuracy per unit"
    assert result.test == "t over the slopes of the seeds, Holm over 1 claim, level 0.01"


def test_one_rate_is_clopper_and_pearson():
    claim = Claim("", "left", None, at_least=0.5, success=lambda accuracy: accuracy >= 0.9)
    result = one(claim, networks(left=[0.95] * 19 + [0.3]))
    expected = stats.binomtest(19, 20, 0.5)
    assert result.effect == 0.95
    assert result.p == pytest.approx(expected.pvalue)
    assert result.interval == pytest.approx(tuple(expected.proportion_ci(0.99)))
    assert (result.verdict, result.unit) == ("supported", "share of seeds")
    assert result.test == "exact binomial, null: effect 0.5, Holm over 1 claim, level 0.01"


def test_two_rates_name_their_tests_and_give_mcnemars_p():
    claim = Claim("", "lstm", "rnn", at_least=0.0, success=lambda accuracy: accuracy >= 0.9)
    result = one(claim, networks(lstm=[1.0] * 14 + [0.5] * 6, rnn=[1.0] * 2 + [0.5] * 18))
    mcnemar = stats.binomtest(12, 12).pvalue
    assert (result.effect, result.verdict) == (0.6, "supported")
    assert mcnemar <= result.p <= LEVEL
    assert "null: effect 0," in result.test
    assert "only lstm: 12; only rnn: 0; neither: 6" in result.notes[0]
    assert f"p = {mcnemar:.2g}, not corrected" in result.notes[0]


# --- Holm --------------------------------------------------------------------------------------


def test_each_interval_has_the_level_of_its_claim():
    columns = {"a": list(1.0 + noise(1)), "b": list(0.01 + noise(2)), "c": list(noise(3))}
    claims = {c: Claim("", c, None, at_least=0.0) for c in "abc"}
    results = judge(claims, networks(**columns), {}, "", evidence=True)
    raw = {c: stats.ttest_1samp(columns[c], 0).pvalue for c in "abc"}
    _, levels = holm(list(raw.values()), LEVEL)
    assert len(set(levels)) > 1
    for result, level in zip(results, levels, strict=True):
        expected = stats.ttest_1samp(columns[result.id], 0).confidence_interval(1 - level)
        assert result.interval == pytest.approx(expected)
        assert result.level == level


def test_a_claim_that_cannot_be_judged_still_counts_in_the_correction():
    values = noise(8) + 0.02
    claims = {c: Claim("", c, None, at_least=0.0) for c in ("here", "away", "gone")}
    here, away, gone = judge(claims, networks(here=list(values)), {}, "", evidence=True)
    assert here.p == pytest.approx(3 * stats.ttest_1samp(values, 0).pvalue)
    assert (away.verdict, away.p, gone.verdict, gone.p) == ("undecided", None, "undecided", None)


# --- what is said ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "bound", "test"),
    [
        (Claim("", "left", "right", at_least=0.05), "at least 0.05", "paired t"),
        (Claim("", "left", None, at_most=0.9), "at most 0.9", "one-sample t"),
        (
            Claim("", "left", "right", within=0.02, test="rank"),
            "within ±0.02",
            "paired exact signed-rank, null: effect ±0.02",
        ),
    ],
)
def test_bound_and_test_in_words(claim, bound, test):
    claims = {"first": claim, "second": Claim("", "left", None, at_least=0.0)}
    result = judge(claims, pairs(0.1), {}, "", evidence=True)[0]
    assert result.bound == bound
    assert result.test == f"{test}, Holm over 2 claims, level 0.01"


def test_statement_scope_unit_and_names_are_carried_along():
    claim = Claim("So it is.", "left", "right", at_least=0.05, scope="rate 0.1")
    result = one(claim, pairs(0.1))
    assert (result.id, result.statement, result.scope) == ("it", "So it is.", "digits; rate 0.1")
    assert (result.unit, result.metric) == ("accuracy", "test_accuracy")
    assert (result.left, result.right) == ("left", "right")


def test_unknown_metrics_of_all_claims_are_said_at_once():
    claims = {
        "one": Claim("", "left", None, metric="test_acuracy", at_least=0.0),
        "two": Claim("", "left", None, metric="test_los", at_least=0.0),
    }
    with pytest.raises(UsageError, match=r"claim 'one'.*test_accuracy") as caught:
        judge(claims, [], {}, "", evidence=True)
    assert len(caught.value.problems) == 2


def test_without_evidence_there_is_no_verdict_but_all_else():
    claims = {"it": Claim("So it is.", "left", "right", at_least=0.05, expected="supported")}
    (result,) = judge(claims, pairs(0.1), {}, "", evidence=False)
    (full,) = judge(claims, pairs(0.1), {}, "", evidence=True)
    assert result.verdict is None
    assert result.expected == "supported"
    assert (result.effect, result.interval, result.p) == (full.effect, full.interval, full.p)

"""The judge: the table of verdicts, Holm's correction, and what happens where data are missing."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from pilotlight.core.errors import UsageError
from pilotlight.core.lab import Claim, Metric
from pilotlight.core.report import MemberRow
from pilotlight.measure.verdicts import LEVEL, holm, judge

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


def test_holm_by_hand():
    corrected, levels = holm([0.01, 0.04, 0.03, 0.005], 0.05)
    assert corrected == pytest.approx([0.03, 0.06, 0.06, 0.02])
    # 0.005 <= 0.05/4 and 0.01 <= 0.05/3 are decided, 0.03 > 0.05/2 is not, so 0.04 keeps 0.05/2.
    assert levels == pytest.approx([0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4])


def test_holm_when_all_are_decided_ends_at_the_whole_level():
    assert holm([0.001, 0.002, 0.003], 0.01)[1] == pytest.approx([0.01 / 3, 0.01 / 2, 0.01])


def test_holm_when_none_is_decided_is_bonferroni():
    assert holm([0.5, 0.02, 0.9], 0.01)[1] == pytest.approx([0.01 / 3] * 3)


@pytest.mark.parametrize("seed", range(10))
def test_holm_equals_its_definition(seed):
    """A closed test: a claim is decided if Bonferroni decides every subset that holds it."""
    p = np.random.default_rng(seed).uniform(0, 0.03, 5).round(3)
    corrected, _ = holm(list(p), 0.01)
    for i in range(5):
        subsets = [s for k in range(1, 6) for s in itertools.combinations(range(5), k) if i in s]
        closed = max(len(s) * min(p[j] for j in s) for s in subsets)
        assert corrected[i] == pytest.approx(min(1.0, closed))


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


# --- how often it errs -------------------------------------------------------------------------


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


# --- where something is missing ----------------------------------------------------------------


def test_without_evidence_there_is_no_verdict_but_all_else():
    claims = {"it": Claim("So it is.", "left", "right", at_least=0.05, expected="supported")}
    (result,) = judge(claims, pairs(0.1), {}, "", evidence=False)
    (full,) = judge(claims, pairs(0.1), {}, "", evidence=True)
    assert result.verdict is None
    assert result.expected == "supported"
    assert (result.effect, result.interval, result.p) == (full.effect, full.interval, full.p)


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

"""Success rates against closed forms, published figures, and the enumeration of all outcomes."""

import itertools
from collections import Counter
from math import comb

import numpy as np
import pytest
from scipy import optimize, stats

from pilotlight.measure.rates import (
    PairedRates,
    Rate,
    exact_score_test,
    sign_test,
    tango_score,
)


def tables(n):
    """All four counts that sum to n."""
    for both, left, right in itertools.product(range(n + 1), repeat=3):
        if both + left + right <= n:
            yield both, left, right, n - both - left - right


def test_the_rate_interval_in_closed_form_at_its_ends():
    n, level = 12, 0.01
    assert Rate(0, n).interval(level) == pytest.approx((0.0, 1 - (level / 2) ** (1 / n)))
    assert Rate(n, n).interval(level) == pytest.approx(((level / 2) ** (1 / n), 1.0))


@pytest.mark.parametrize("successes", [0, 3, 11, 12])
def test_the_rate_p_by_summing_the_binomial(successes):
    bound = 0.4
    terms = [comb(12, k) * bound**k * (1 - bound) ** (12 - k) for k in range(13)]
    assert Rate(successes, 12).above(bound) == pytest.approx(sum(terms[successes:]))
    assert Rate(successes, 12).below(bound) == pytest.approx(sum(terms[: successes + 1]))


@pytest.mark.parametrize("successes", range(11))
def test_interval_and_p_of_a_rate_never_disagree(successes):
    rate = Rate(successes, 10)
    for level, bound in itertools.product([0.3, 0.01], np.linspace(-0.1, 1.1, 49)):
        low, high = rate.interval(level)
        assert (low > bound) == (rate.above(bound) <= level / 2)
        assert (high < bound) == (rate.below(bound) <= level / 2)


def test_mcnemar_by_hand():
    # 8 against 1 of 9: 2 (1 + 9) / 2^9.
    assert PairedRates(2, 8, 1, 1).mcnemar == pytest.approx(2 * (1 + 9) / 2**9)
    assert PairedRates(2, 8, 1, 1).above(0.0) >= (1 + 9) / 2**9


def test_mcnemar_on_armitage_and_berry():
    """Two media for tubercle bacilli, 12 against 2: exact p = 0.0129 (Liddell 1983)."""
    assert PairedRates(20, 12, 2, 16).mcnemar == pytest.approx(0.0129, abs=5e-5)


def test_without_discordant_seeds_nothing_differs():
    assert sign_test(0, 0, "two-sided") == 1.0
    assert PairedRates(12, 0, 0, 0).above(0.0) == 1.0
    assert PairedRates(12, 0, 0, 0).below(0.0) == 1.0


@pytest.mark.parametrize(
    ("table", "expected"),
    [((59, 6, 16, 80), (-0.1186, -0.0046)), ((1, 1, 7, 12), (-0.507, -0.026))],
)
def test_newcombes_interval_on_published_tables(table, expected):
    """Fagerland, Lydersen and Laake (2017), Statistical Analysis of Contingency Tables, 8.6."""
    digits = 4 if table[0] == 59 else 3
    assert np.round(PairedRates(*table).interval(0.05), digits) == pytest.approx(expected)


def test_newcombes_interval_without_correlation_adds_wilsons_in_squares():
    # All seeds of one side succeed, so the correlation is 0 by definition.
    paired = PairedRates(7, 3, 0, 0)
    wilson = stats.binomtest(7, 10).proportion_ci(0.95, "wilson")
    every = stats.binomtest(10, 10).proportion_ci(0.95, "wilson")
    low = 0.3 - np.hypot(1 - every.low, wilson.high - 0.7)
    high = 0.3 + np.hypot(0.0, 0.7 - wilson.low)
    assert paired.interval(0.05) == pytest.approx((low, high))


def test_newcombes_interval_stays_in_range_and_shrinks_with_the_level():
    for table in tables(7):
        wide = PairedRates(*table).interval(0.001)
        narrow = PairedRates(*table).interval(0.1)
        assert -1 - 1e-12 <= wide[0] <= narrow[0] <= PairedRates(*table).effect + 1e-12
        assert PairedRates(*table).effect - 1e-12 <= narrow[1] <= wide[1] <= 1 + 1e-12


def test_exchanging_sides_turns_the_sign():
    for both, left, right, neither in tables(5):
        one = PairedRates(both, left, right, neither)
        other = PairedRates(both, right, left, neither)
        low, high = one.interval(0.05)
        assert other.interval(0.05) == pytest.approx((-high, -low), abs=1e-12)
        assert one.above(0.2) == pytest.approx(other.below(-0.2))


def test_the_interval_excludes_what_p_decides():
    for table in tables(7):
        paired = PairedRates(*table)
        for level, bound in itertools.product([0.05, 0.01], [-0.3, 0.0, 0.25]):
            low, high = paired.interval(level)
            assert low >= bound or paired.above(bound) > level / 2
            assert high <= bound or paired.below(bound) > level / 2


def test_the_exact_test_alone_does_not_decide_either():
    paired = PairedRates(0, 19, 1, 0)
    exact = sign_test(19, 1, "greater")
    assert paired.interval(2 * 1.05 * exact)[0] < 0
    assert paired.above(0.0) > 1.05 * exact


def test_counting_pairs_the_seeds():
    left = np.array([1.0, 1.0, 1.0, 0.0, 0.0])
    right = np.array([1.0, 0.0, 0.0, 1.0, 0.0])
    assert PairedRates.of(left, right) == PairedRates(1, 2, 1, 1)


@pytest.mark.parametrize(("low", "high", "table"), [(-0.1240, -0.0054, (6, 16, 161))])
def test_tangos_score_is_the_normal_quantile_at_his_published_limits(low, high, table):
    """Fagerland, Lydersen and Laake (2017), 8.6: complete response, 95 % score interval."""
    b, c, n = table
    scores = [tango_score(np.array([b]), np.array([c]), n, d)[0] for d in (low, high)]
    assert scores == pytest.approx([1.96, -1.96], abs=0.01)


@pytest.mark.parametrize("bound", [-0.4, 0.15, 0.6])
@pytest.mark.parametrize("counts", [(4, 1), (0, 3), (2, 2)])
def test_tangos_score_uses_the_most_likely_discordance(counts, bound):
    (b, c), n = counts, 9

    def loss(right):
        p = [right + bound, right, 1 - 2 * right - bound]
        return -stats.multinomial.logpmf([b, c, n - b - c], n, p)

    ends = (max(0, -bound) + 1e-9, (1 - bound) / 2 - 1e-9)
    right = optimize.minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-10})
    variance = n * (2 * right.x + bound * (1 - bound))
    score = tango_score(np.array([b]), np.array([c]), n, bound)[0]
    assert score == pytest.approx((b - c - n * bound) / np.sqrt(variance), rel=1e-5, abs=1e-7)


def test_the_exact_test_by_enumerating_all_outcomes():
    """Four seeds, each ending left only, right only or alike: 81 outcomes."""
    n, bound, observed = 4, 0.3, (3, 0)

    def score(b, c):
        return tango_score(np.array([b]), np.array([c]), n, bound)[0]

    outcomes = Counter((o.count(0), o.count(1)) for o in itertools.product(range(3), repeat=n))
    assert sum(outcomes.values()) == 81
    extreme = {o: ways for o, ways in outcomes.items() if score(*o) >= score(*observed) - 1e-9}

    def chance(right):
        alike = max(1 - 2 * right - bound, 0.0)
        return sum(
            ways * (right + bound) ** b * right**c * alike ** (n - b - c)
            for (b, c), ways in extreme.items()
        )

    largest = max(chance(right) for right in np.linspace(0, (1 - bound) / 2, 501))
    assert exact_score_test(*observed, n, bound) == pytest.approx(largest)


def test_the_exact_test_at_and_beyond_the_ends():
    assert exact_score_test(5, 0, 5, 1.0) == 1.0
    assert exact_score_test(0, 5, 5, -1.0) == 1.0
    assert exact_score_test(0, 4, 5, -1.0) == 0.0
    assert exact_score_test(0, 5, 5, -1.5) == 0.0
    # Only "always alike or left" is possible at the edge: all six alike has chance 0.5^6 at least.
    assert exact_score_test(0, 0, 6, -0.5) >= 0.5**6


@pytest.mark.parametrize("bound", [0.0, 0.2, 0.5])
def test_the_verdict_errs_no_more_often_than_its_level_where_the_interval_alone_does(bound):
    """All outcomes of eight seeds, at true differences equal to the bound, over the nuisances."""
    n, level = 8, 0.01
    found = [PairedRates(*t) for t in tables(n)]
    counts = np.array(list(tables(n)))
    p = np.array([[r.above(bound), r.below(bound)] for r in found]).T
    decided = p <= level / 2
    limits = np.array([r.interval(level) for r in found]).T
    alone = np.array([limits[0] > bound, limits[1] < bound])
    errors, errors_alone = [], []
    for right, both in itertools.product(np.linspace(0, (1 - bound) / 2, 9), (0.0, 0.3, 0.5, 1.0)):
        rest = 1 - bound - 2 * right
        cells = [rest * both, bound + right, right, rest * (1 - both)]
        chances = stats.multinomial.pmf(counts, n, cells)
        errors.append(decided @ chances)
        errors_alone.append(alone @ chances)
    assert np.max(errors) <= level / 2
    if bound:
        assert np.max(errors_alone) > 2 * level / 2

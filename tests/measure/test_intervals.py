"""Intervals and p of means, ranks and slopes, against scipy, enumeration and published figures."""

import itertools

import numpy as np
import pytest
from scipy import stats

from pilotlight.measure.intervals import Mean, Rank, signed_rank_tail, slopes

LEVELS = [0.5, 0.1, 0.01, 0.002]


def differences(seed, n=12, mean=0.3):
    return np.random.default_rng(seed).normal(mean, 1.0, n)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("level", LEVELS)
def test_the_mean_agrees_with_scipys_t_test(seed, level):
    d = differences(seed)
    for bound in (-0.4, 0.0, 0.7):
        above = stats.ttest_1samp(d, bound, alternative="greater")
        below = stats.ttest_1samp(d, bound, alternative="less")
        assert Mean(d).above(bound) == pytest.approx(above.pvalue, rel=1e-12)
        assert Mean(d).below(bound) == pytest.approx(below.pvalue, rel=1e-12)
    expected = stats.ttest_1samp(d, 0).confidence_interval(1 - level)
    assert Mean(d).interval(level) == pytest.approx(expected, rel=1e-12)


def test_the_t_interval_of_two_seeds_in_closed_form():
    # With one degree of freedom t is Cauchy, whose quantile is a tangent.
    low, high = Mean(np.array([1.0, 3.0])).interval(0.05)
    half = np.tan(np.pi * (0.5 - 0.025))
    assert (low, high) == pytest.approx((2 - half, 2 + half), rel=1e-12)


@pytest.mark.parametrize("level", [0.5, 0.1, 0.01])
def test_the_t_interval_covers_as_often_as_it_says(level):
    generator = np.random.default_rng(8)
    intervals = [Mean(generator.normal(2.0, 3.0, 6)).interval(level) for _ in range(2000)]
    covered = sum(low <= 2.0 <= high for low, high in intervals)
    low, high = stats.binom.ppf([0.0005, 0.9995], 2000, 1 - level)
    assert low <= covered <= high


@pytest.mark.parametrize("n", range(1, 11))
def test_the_signed_rank_distribution_by_enumerating_all_signs(n):
    ranks = np.arange(1, n + 1)
    sums = np.array([ranks @ signs for signs in itertools.product((0, 1), repeat=n)])
    expected = [(sums >= w).mean() for w in range(n * (n + 1) // 2 + 1)]
    assert signed_rank_tail(n) == pytest.approx(np.array(expected), abs=1e-15)


@pytest.mark.parametrize("n", [2, 5, 12, 30])
@pytest.mark.parametrize("bound", [-0.5, 0.0, 0.9])
def test_the_rank_p_agrees_with_scipys_exact_wilcoxon(n, bound):
    d = differences(n, n)
    for ours, side in ((Rank(d).above, "greater"), (Rank(d).below, "less")):
        theirs = stats.wilcoxon(d - bound, alternative=side, method="exact").pvalue
        assert ours(bound) == pytest.approx(theirs, rel=1e-9)


def test_the_published_example_of_hollander_and_wolfe():
    """Nonparametric Statistical Methods, table 3.1: depression scores of nine patients."""
    before = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    after = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    rank = Rank(after - before)
    assert rank.effect == pytest.approx(-0.46)
    assert rank.below(0.0) == pytest.approx(0.0195, abs=5e-5)
    assert rank.interval(0.04) == pytest.approx((-0.786, -0.010))


@pytest.mark.parametrize("n", [3, 6, 8])
def test_the_rank_effect_is_the_median_of_all_walsh_averages(n):
    d = differences(n, n)
    averages = [(a + b) / 2 for a, b in itertools.combinations_with_replacement(d, 2)]
    assert Rank(d).effect == pytest.approx(np.median(averages), rel=1e-12)


@pytest.mark.parametrize("level", [0.3, 0.05, 0.01])
def test_the_rank_interval_covers_exactly_as_often_as_the_signs_say(level):
    """Given the sizes of the differences, all signs are equally likely under symmetry around 0."""
    sizes = np.abs(differences(1, 9))
    intervals = [
        Rank(sizes * np.array(signs)).interval(level)
        for signs in itertools.product((-1, 1), repeat=9)
    ]
    missed = np.mean([low > 0 or high < 0 for low, high in intervals])
    tail = signed_rank_tail(9)
    assert missed == 2 * tail[tail <= level / 2].max()


def test_rank_needs_enough_seeds_for_a_level():
    assert Rank(differences(0, 7)).interval(0.01) is None  # 2 / 2^7 = 0.0156
    assert Rank(differences(0, 8)).interval(0.01) is not None  # 2 / 2^8 = 0.0078


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", [Mean, Rank])
def test_interval_and_p_never_disagree(kind, seed):
    # Rounded, so that ties and values on the bound are common.
    d = np.round(differences(seed, 10), 1)
    for level, bound in itertools.product(LEVELS, np.arange(-10, 20) / 10):
        interval = kind(d).interval(level)
        if interval is None:
            assert kind(d).above(bound, reached=True) > level / 2
            continue
        low, high = interval
        touching = min(abs(low - bound), abs(high - bound)) < 1e-9
        if not touching:
            assert (low > bound) == (kind(d).above(bound) <= level / 2)
            assert (high < bound) == (kind(d).below(bound) <= level / 2)


def test_a_value_on_the_bound_counts_only_as_reaching_it():
    rank = Rank(np.full(8, 0.25))
    assert rank.above(0.25) == 1.0
    assert rank.below(0.25) == 1.0
    assert rank.above(0.25, reached=True) == 2**-8
    assert rank.below(0.25, reached=True) == 2**-8
    assert rank.interval(0.01) == (0.25, 0.25)


def test_rounding_does_not_take_a_value_off_its_bound():
    single = np.float32([0.95, 0.90]).astype(float)
    d = np.full(8, single[0] - single[1])
    assert d[0] != 0.05
    assert Rank(d, resolution=1e-6).above(0.05) == 1.0
    assert Rank(d, resolution=1e-6).below(0.05) == 1.0
    assert Rank(d, resolution=1e-6).above(0.05, reached=True) == 2**-8


def test_ties_make_the_rank_p_larger_never_smaller():
    """Ties broken at random give the exact null; counting them for neither side is safe."""
    d = np.array([0.0, 0.0, 1.0, 1.0, -1.0, 2.0, 2.0, 3.0])
    generator = np.random.default_rng(3)
    for _ in range(50):
        broken = d + generator.uniform(-1e-6, 1e-6, len(d))
        exact = stats.wilcoxon(broken, alternative="greater", method="exact").pvalue
        assert Rank(d).above(0.0) >= exact


def test_slopes_are_recovered_from_lines_and_least_squares_otherwise():
    numbers = [1.0, 2.0, 4.0]
    lines = np.array([[2.0 * x + 1, -0.5 * x] for x in numbers])
    assert slopes(numbers, lines) == pytest.approx([2.0, -0.5])
    noisy = np.random.default_rng(5).normal(size=(3, 4))
    assert slopes(numbers, noisy) == pytest.approx(np.polyfit(numbers, noisy, 1)[0])

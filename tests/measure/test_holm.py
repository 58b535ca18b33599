"""Holm's correction by hand and by its definition."""

import itertools

import numpy as np
import pytest

from pilotlight.measure.holm import holm


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

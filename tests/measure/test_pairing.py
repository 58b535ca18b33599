"""Pairing by seed: which networks count, as what, and what is said about it."""

import numpy as np
import pytest

from pilotlight.core.lab import Claim, Metric
from pilotlight.core.report import MemberRow
from pilotlight.measure.metrics import STANDARD
from pilotlight.measure.pairing import pair

ACCURACY = STANDARD["accuracy"]
LOSS = STANDARD["loss"]


def networks(comparison, values, metric="test_accuracy", first_seed=1000):
    """One network for each value; None is one that diverged."""
    return [
        MemberRow(
            i, comparison, first_seed + i, {}, {}, {metric: v}, diverged_at=3 if v is None else None
        )
        for i, v in enumerate(values)
    ]


def test_values_are_paired_by_seed_whatever_the_order_of_the_networks():
    claim = Claim("", "left", "right", at_least=0.0)
    members = networks("left", [0.1, 0.2, 0.3]) + networks("right", [0.4, 0.5, 0.6])[::-1]
    paired = pair(claim, ACCURACY, members)
    assert paired.values == pytest.approx(np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]))
    assert (paired.seeds, paired.notes) == (3, ())


def test_seeds_are_in_ascending_order():
    claim = Claim("", "left", None, at_least=0.0)
    seeds = [2003, 64, 1000, 7]
    members = [MemberRow(i, "left", s, {}, {}, {"test_accuracy": s}) for i, s in enumerate(seeds)]
    assert pair(claim, ACCURACY, members).values.tolist() == [[7, 64, 1000, 2003]]


def test_seeds_of_one_comparison_only_are_left_out_and_said():
    claim = Claim("", "left", "right", at_least=0.0)
    members = networks("left", [0.1, 0.2, 0.3]) + networks("right", [0.4, 0.5], first_seed=1001)
    paired = pair(claim, ACCURACY, members)
    assert paired.values == pytest.approx(np.array([[0.2, 0.3], [0.4, 0.5]]))
    assert paired.notes == ("Left out: 1 seed not trained by every comparison.",)


def test_a_comparison_that_did_not_run_leaves_nothing_to_pair():
    claim = Claim("", "left", "right", at_least=0.0)
    paired = pair(claim, ACCURACY, networks("left", [0.1, 0.2]))
    assert paired.seeds == 0
    assert paired.notes == ("This run has no network of 'right'.",)


def test_a_diverged_network_counts_as_the_metrics_worst():
    claim = Claim("", "left", "right", at_least=0.0)
    members = networks("left", [0.8, None, None]) + networks("right", [0.4, 0.5, None])
    paired = pair(claim, ACCURACY, members)
    assert paired.values == pytest.approx(np.array([[0.8, 0, 0], [0.4, 0.5, 0]]))
    assert paired.notes == ("3 of 6 networks diverged; each counts as the worst value, 0.",)


def test_without_a_worst_it_counts_as_the_worst_of_the_whole_run():
    claim = Claim("", "left", None, metric="test_loss", at_most=1.0)
    elsewhere = MemberRow(9, "third", 1, {}, {"test_loss": [7.5, 1.0]}, {"test_loss": 1.0})
    members = [*networks("left", [0.8, None], "test_loss"), elsewhere]
    paired = pair(claim, LOSS, members)
    assert paired.values == pytest.approx(np.array([[0.8, 7.5]]))
    (note,) = paired.notes
    assert note == "1 of 2 networks diverged; each counts as the worst value seen in this run, 7.5."


def test_when_nothing_finite_was_seen_there_is_nothing_to_pair():
    claim = Claim("", "left", None, metric="test_loss", at_most=1.0)
    paired = pair(claim, LOSS, networks("left", [None, None], "test_loss"))
    assert paired.seeds == 0
    assert "2 of 2 networks diverged" in paired.notes[0]
    assert "no finite value" in paired.notes[0]


def test_diverged_networks_can_be_left_out_with_their_pair():
    claim = Claim("", "left", "right", at_least=0.0, diverged="left out")
    members = networks("left", [0.8, None, 0.7]) + networks("right", [0.4, 0.5, 0.3])
    paired = pair(claim, ACCURACY, members)
    assert paired.values == pytest.approx(np.array([[0.8, 0.7], [0.4, 0.3]]))
    assert paired.notes == ("Left out: 1 seed with a diverged network.",)


def test_a_network_without_a_value_yet_is_left_out_not_counted_as_worst():
    claim = Claim("", "left", "right", at_least=0.0)
    waiting = MemberRow(7, "right", 1001, {})
    members = networks("left", [0.8, 0.9]) + networks("right", [0.4]) + [waiting]
    paired = pair(claim, ACCURACY, members)
    assert paired.values == pytest.approx(np.array([[0.8], [0.4]]))
    assert paired.notes == ("Left out: 1 seed without a value of test_accuracy.",)


def test_never_counts_as_the_worst_even_where_divergence_is_left_out():
    metric = Metric(unit="epochs", better="lower", worst=99.0, of=lambda curves: None)
    claim = Claim("", "left", None, metric="epochs", at_most=5.0, diverged="left out")
    members = [
        MemberRow(0, "left", 1000, {}, {"step": [0.0]}),
        MemberRow(1, "left", 1001, {}, {"step": [0.0]}, diverged_at=1),
    ]
    paired = pair(claim, metric, members)
    assert paired.values == pytest.approx(np.array([[99.0]]))
    assert paired.notes == (
        "Left out: 1 seed with a diverged network.",
        "1 of 1 networks never reached epochs; each counts as the worst value, 99.",
    )


def test_success_makes_ones_and_zeros_and_a_diverged_network_a_failure():
    claim = Claim("", "left", None, at_least=0.5, success=lambda accuracy: accuracy < 0.9)
    paired = pair(claim, ACCURACY, networks("left", [0.8, None, 0.95]))
    # The worst accuracy, 0, would be a success of this test; divergence never is.
    assert paired.values == pytest.approx(np.array([[1, 0, 0]]))
    assert paired.notes == ("1 of 3 networks diverged; each counts as a failure.",)


def test_trends_pair_all_their_comparisons():
    claim = Claim("", trend={"a": 1, "b": 2, "c": 3}, at_least=0.0)
    members = [m for i, c in enumerate("abc") for m in networks(c, [i / 10, i / 5])]
    assert pair(claim, ACCURACY, members).values.shape == (3, 2)

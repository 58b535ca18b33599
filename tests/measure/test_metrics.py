"""The registry of metrics and the value of one network."""

import math

import pytest

from pilotlight.core.errors import UsageError
from pilotlight.core.lab import Metric
from pilotlight.core.report import MemberRow
from pilotlight.measure.metrics import STANDARD, find, is_measured, value, worst_value


def network(curves=None, final=None, diverged_at=None, index=0):
    return MemberRow(
        index, "plain", 1000 + index, {}, curves or {}, final or {}, diverged_at=diverged_at
    )


@pytest.mark.parametrize(
    "name", ["accuracy", "train_accuracy", "validation_accuracy", "test_accuracy"]
)
def test_a_standard_metric_is_found_with_and_without_its_part(name):
    assert find(name, {}) is STANDARD["accuracy"]


def test_accuracy_is_better_higher_and_loss_better_lower_without_a_worst():
    assert (STANDARD["accuracy"].better, STANDARD["accuracy"].worst) == ("higher", 0.0)
    assert (STANDARD["loss"].better, STANDARD["loss"].worst) == ("lower", None)
    assert STANDARD["accuracy"].unit == "accuracy"


def test_a_labs_own_metric_comes_first_by_its_full_name_then_without_its_part():
    whole, bare = Metric(unit="modes"), Metric(unit="rows")
    assert find("test_modes", {"test_modes": whole, "modes": bare}) is whole
    assert find("train_modes", {"test_modes": whole, "modes": bare}) is bare
    assert find("test_accuracy", {"accuracy": bare}) is bare


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("test_acuracy", "test_accuracy"), ("los", "loss"), ("epochs_til", "epochs_till_done")],
)
def test_an_unknown_metric_is_answered_with_the_nearest(asked, meant):
    with pytest.raises(UsageError, match=f"unknown metric '{asked}'. Did you mean '{meant}'?"):
        find(asked, {"epochs_till_done": Metric()})


def test_the_value_is_the_final_one():
    member = network({"step": [0, 1], "test_loss": [2.0, 1.0]}, {"test_loss": 0.9})
    assert value("test_loss", STANDARD["loss"], member) == 0.9


def test_a_diverged_network_has_no_value_but_is_measured():
    loss = STANDARD["loss"]
    first = Metric(of=lambda curves: curves["test_loss"][0])
    member = network({"step": [0.0], "test_loss": [2.0]}, {"test_loss": 2.0}, diverged_at=5)
    assert value("test_loss", loss, member) is None
    assert value("first", first, member) is None
    assert is_measured("test_loss", loss, member)
    assert is_measured("first", first, member)


def test_a_network_without_any_event_is_not_measured():
    assert not is_measured("test_loss", STANDARD["loss"], network())
    assert not is_measured("first", Metric(of=lambda curves: 1.0), network())


def epochs_to(target):
    def reached(curves):
        pairs = zip(curves["epoch"], curves["test_accuracy"], strict=True)
        return next((epoch for epoch, accuracy in pairs if accuracy >= target), None)

    return Metric(unit="epochs", better="lower", of=reached)


def test_a_derived_metric_is_computed_from_the_curves():
    member = network({"epoch": [0, 1, 2], "step": [0, 5, 10], "test_accuracy": [0.1, 0.8, 0.9]})
    assert value("epochs", epochs_to(0.8), member) == 1
    assert value("epochs", epochs_to(0.95), member) is None


@pytest.mark.parametrize(
    ("batch_loss", "rows"),
    [
        ([None, 2.5, 1.5, None], [1, 2]),  # as the engine gives it: not at the start and the end
        ([None, 2.5, 1.5, 0.5], [1, 2, 3]),
        ([2.5, 2.5, 1.5, 0.5], [0, 1, 2, 3]),
        ([2.5, None, 1.5, 0.5], [0, 1, 2, 3]),  # with a gap; left out
    ],
)
def test_curves_are_given_without_gaps(batch_loss, rows):
    given = {}
    spy = Metric(of=lambda curves: given.update(curves) or 1.0)
    curves = {
        "epoch": [0.0, 1.0, 2.0, 3.0],
        "step": [0.0, 5.0, 10.0, 15.0],
        "test_loss": [3.0, 2.0, 1.0, 0.0],
        "batch_loss": batch_loss,
        "only_at_the_end": [None, None, None, 7.0],
    }
    assert value("spy", spy, network(curves)) == 1.0
    expected = {name: [curve[i] for i in rows] for name, curve in curves.items()}
    del expected["only_at_the_end"]
    if batch_loss[1] is None:
        del expected["batch_loss"]
    assert given == expected


def test_without_one_whole_evaluation_nothing_is_computed():
    member = network({"step": [0.0], "test_loss": [None]})
    assert value("spy", Metric(of=lambda curves: 1.0), member) is None


@pytest.mark.parametrize("result", [math.nan, math.inf, None])
def test_a_derived_metric_that_is_not_finite_is_never(result):
    member = network({"step": [0.0]})
    assert value("odd", Metric(of=lambda curves: result), member) is None


def test_the_worst_is_the_metrics_own():
    members = [network({"step": [0], "test_accuracy": [0.1]}, {"test_accuracy": 0.3})]
    assert worst_value("test_accuracy", STANDARD["accuracy"], members) == 0.0


def test_without_a_worst_it_is_the_worst_seen_along_any_curve_or_at_any_end():
    members = [
        network({"step": [0, 1], "test_loss": [2.3, 1.0]}, {"test_loss": 1.1}),
        network({"step": [0, 1], "test_loss": [2.2, 9.5]}, {"test_loss": None}, diverged_at=2),
        network({"step": [0, 1], "test_loss": [None, 0.5]}, {"test_loss": 0.5}),
    ]
    assert worst_value("test_loss", STANDARD["loss"], members) == 9.5
    assert worst_value("test_loss", Metric(better="higher"), members) == 0.5
    assert worst_value("test_loss", Metric(better="lower", worst=math.inf), members) == 9.5
    assert worst_value("train_loss", STANDARD["loss"], members) is None

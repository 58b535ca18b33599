"""The lab on vanishing gradients: its exhibits pass, and known mistakes make them fail."""

from __future__ import annotations

import math

import pytest
import torch
from matplotlib.figure import Figure
from scipy import integrate, stats
from scipy.special import expit

from pilotlight.core.report import ExhibitResult, MemberRow
from pilotlight.labs.foundations import vanishing_gradients as module
from pilotlight.labs.foundations.vanishing_gradients import lab
from pilotlight.nets import deep

BY_ID = {exhibit.id: exhibit for exhibit in lab.exhibits}


@pytest.fixture(scope="module")
def table():
    error, shown = BY_ID["jacobian_products"].function()
    assert error <= BY_ID["jacobian_products"].tolerance
    return shown


@pytest.fixture
def few_nets(monkeypatch):
    """Enough nets to catch a mistake."""
    names = ("sigmoid, Xavier", "ReLU, Xavier", "sigmoid, batch norm", "ReLU, He, skips")
    monkeypatch.setattr(module, "NETS", {name: module.NETS[name] for name in names})


# --- the lab as it is ---


def test_weight_gradients_are_blind(error_of):
    assert error_of("weight_gradients_are_blind") <= BY_ID["weight_gradients_are_blind"].tolerance


def mean(function):
    """Over the normal distribution."""
    return integrate.quad(lambda z: function(z) * stats.norm.pdf(z), -12, 12)[0]


def squared_slope(z):
    return (expit(z) * (1 - expit(z))) ** 2


def sigmoid_layer():
    """By what a sigmoid layer with Xavier's weights multiplies the gradient, once sizes settle."""
    square = 0.25
    for _ in range(30):
        spread = math.sqrt(square)
        square = mean(lambda z, s=spread: expit(s * z) ** 2)
    return math.sqrt(mean(lambda z: squared_slope(math.sqrt(square) * z)))


THEORY = {  # of very wide nets: one layer's factor; Schoenholz et al. 2017, Yang et al. 2019
    "sigmoid, Xavier": sigmoid_layer(),
    "sigmoid, layer norm": math.sqrt(mean(squared_slope) / mean(lambda z: expit(z) ** 2)),
    "tanh, sd 0.01": 0.08,
    "ReLU, Xavier": math.sqrt(1 / 2),
    "ReLU, He": 1.0,
    "ReLU, sd 0.01": 0.08 * math.sqrt(1 / 2),
    "ReLU, batch norm": math.sqrt(math.pi / (math.pi - 1)),
}


@pytest.mark.parametrize("net", THEORY)
def test_gradients_fall_as_theory_has_it(table, net):
    """But for half a power of ten, which nets of 64 units differ by over thirty layers."""
    assert table[net][1] == pytest.approx(29 * math.log10(THEORY[net]), abs=0.5)


def test_skips_without_a_scale_grow_as_theory_has_it(table):
    """What is added is never negative, so it adds up: mean and square of a unit, layer by layer."""
    average, squares = 0.3, [0.23]
    for _ in range(30):
        added = math.sqrt(squares[-1] / math.pi)  # mean of ReLU of a normal with twice the square
        squares.append(2 * squares[-1] + 2 * average * added)
        average += added
    expected = math.log10(squares[-1] / squares[1]) / 2
    assert table["ReLU, He, skips"][0] == pytest.approx(expected, abs=0.5)


def test_weight_gradients_hide_it_in_relu_and_show_it_in_sigmoid(table):
    assert abs(table["ReLU, sd 0.01"][2]) < 0.5
    assert table["sigmoid, Xavier"][2] < -17


# --- known mistakes ---


def without_the_norms_own_terms(net, outputs, y, how):
    return right(net, outputs, y, (*how[:2], "", how[3]))


def without_the_skip(net, outputs, y, how):
    return right(net, outputs, y, (*how[:3], False))


right = module.by_hand


@pytest.mark.parametrize("mistake", [without_the_norms_own_terms, without_the_skip])
def test_a_wrong_jacobian_is_caught(mistake, monkeypatch, few_nets, error_of):
    monkeypatch.setattr(module, "by_hand", mistake)
    assert error_of("jacobian_products") > 0.1


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_a_wrong_slope_is_caught(activation, monkeypatch, few_nets, error_of):
    monkeypatch.setitem(module.SLOPES, activation, lambda a: a)
    assert error_of("jacobian_products") > 0.1


def test_a_ratio_of_weight_gradients_in_place_of_gradients_is_caught(monkeypatch, error_of):
    def blind(*arguments):
        found = deep.log_ratios(*arguments)
        return found | {"log_gradient_ratio": found["log_weight_gradient_ratio"]}

    monkeypatch.setattr(module, "log_ratios", blind)
    assert error_of("weight_gradients_are_blind") > 8


def test_gradients_upside_down_are_caught(monkeypatch, error_of):
    def upside_down(*arguments):
        return {name: -value for name, value in deep.log_ratios(*arguments).items()}

    monkeypatch.setattr(module, "log_ratios", upside_down)
    assert error_of("weight_gradients_are_blind") > 8


# --- metrics and picture ---


def test_metrics_are_read_before_the_first_step():
    curves = {"test_log_gradient_ratio": [-18.0, -3.0], "epoch": [0, 1]}
    assert lab.metrics["log_gradient_ratio"].of(curves) == -18.0
    assert set(lab.metrics) <= {c.metric for c in lab.claims.values()} | {"log_gradient_ratio"}


class Report:
    """What a picture reads of a report."""

    def __init__(self, values, members):
        self.exhibits = [ExhibitResult("jacobian_products", "", True, 0.0, 1e-9, values)]
        self.members = members


def test_picture_shows_every_network(table):
    members = [
        MemberRow(i, name, i, {}, final={"test_accuracy": value})
        for i, (name, value) in enumerate([("sigmoid", 0.1), ("tanh", 0.9), ("relu", None)])
    ]
    figure = Figure(figsize=(8, 5))
    lab.picture(Report(table, members), figure)
    left, shown = figure.axes
    assert [len(line.get_xdata()) for line in left.lines] == [30] * 4
    assert [x for line in shown.lines[:4] for x in line.get_xdata()] == [0.9, 0.1]


def test_picture_of_a_run_stopped_at_once():
    lab.picture(Report({}, []), Figure(figsize=(8, 5)))


def test_first_weights_come_from_the_seed_alone():
    a, b = (module.thirty_layers(1, "tanh", 1.0) for _ in range(2))
    assert torch.equal(a[0][0].weight, b[0][0].weight)

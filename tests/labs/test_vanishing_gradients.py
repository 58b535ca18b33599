"""The lab on vanishing gradients: its exhibits pass, and known mistakes make them fail."""

from __future__ import annotations

import math

import pytest
import torch
from matplotlib.figure import Figure

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


def error_of(name):
    return BY_ID[name].function()[0]


@pytest.fixture
def few_nets(monkeypatch):
    """Enough nets to catch a mistake."""
    names = ("sigmoid, Xavier", "ReLU, Xavier", "sigmoid, batch norm", "ReLU, He, skips")
    monkeypatch.setattr(module, "NETS", {name: module.NETS[name] for name in names})


# --- the lab as it is ---


def test_weight_gradients_are_blind():
    assert error_of("weight_gradients_are_blind") <= BY_ID["weight_gradients_are_blind"].tolerance


@pytest.mark.parametrize(
    ("net", "published"),  # activation and gradient of thirty layers, as powers of ten
    [
        ("sigmoid, Xavier", (-0.3, -18.9)),
        ("tanh, Xavier", (-0.9, -0.8)),
        ("tanh, sd 0.01", (-32.9, -32.9)),
        ("ReLU, Xavier", (-4.7, -4.6)),
        ("ReLU, He", (-0.1, 0.0)),
        ("ReLU, sd 0.01", (-37.6, -37.5)),
        ("sigmoid, layer norm", (-0.3, -12.5)),
        ("ReLU, batch norm", (-0.2, 2.3)),
        ("ReLU, He, skips", (6.8, 6.2)),
    ],
)
def test_ratios_are_those_of_an_earlier_program_but_for_one_layer(table, net, published):
    layer = max(0.4, abs(published[1]) / 29)
    assert table[net][:2] == pytest.approx(published, abs=layer + 0.1)


def test_relu_layers_halve_the_square(table):
    expected = 29 * math.log10(2) / 2  # 4.4; nets of 64 units lose a little more
    assert table["ReLU, Xavier"][1] == pytest.approx(-expected, abs=0.4)
    assert table["ReLU, He"][1] == pytest.approx(0, abs=0.4)


def test_batch_norm_with_relu_grows_as_yang_et_al_found(table):
    expected = 29 * math.log10(math.pi / (math.pi - 1)) / 2
    assert table["ReLU, batch norm"][1] == pytest.approx(expected, abs=0.3)


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
def test_a_wrong_jacobian_is_caught(mistake, monkeypatch, few_nets):
    monkeypatch.setattr(module, "by_hand", mistake)
    assert error_of("jacobian_products") > 0.1


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_a_wrong_slope_is_caught(activation, monkeypatch, few_nets):
    monkeypatch.setitem(module.SLOPES, activation, lambda a: a)
    assert error_of("jacobian_products") > 0.1


def test_a_ratio_of_weight_gradients_in_place_of_gradients_is_caught(monkeypatch):
    def blind(*arguments):
        found = deep.log_ratios(*arguments)
        return found | {"log_gradient_ratio": found["log_weight_gradient_ratio"]}

    monkeypatch.setattr(module, "log_ratios", blind)
    assert error_of("weight_gradients_are_blind") > 8


def test_gradients_upside_down_are_caught(monkeypatch):
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

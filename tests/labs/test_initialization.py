"""The lab on initialization: its exhibits pass, and known mistakes make them fail."""

from __future__ import annotations

import math

import pytest
import torch
from matplotlib.figure import Figure
from scipy import integrate, stats
from torch import nn

from pilotlight.core.report import MemberRow
from pilotlight.labs.foundations import initialization as module
from pilotlight.labs.foundations.initialization import lab, next_correlation, predicted

# --- the lab as it is ---


@pytest.mark.parametrize("exhibit", lab.exhibits, ids=lambda e: e.id)
def test_exhibit_passes(exhibit, error_of):
    assert error_of(exhibit.id) <= exhibit.tolerance


def test_gains_are_those_of_torch():
    assert nn.init.calculate_gain("relu") == pytest.approx(module.HE)
    assert nn.init.calculate_gain("linear") == module.XAVIER
    drawn = nn.Linear(400, 500).weight  # what nobody asks for
    assert drawn.std().item() * math.sqrt(400) == pytest.approx(module.DEFAULT, rel=0.01)
    assert drawn.abs().max().item() <= 1 / math.sqrt(400)


@pytest.mark.parametrize("gain", [module.DEFAULT, module.XAVIER, module.HE, 2.0])
def test_predicted_size_in_closed_form(gain):
    assert predicted("relu", gain, 0.3) == pytest.approx(29 * math.log10(gain / math.sqrt(2)))
    assert predicted("linear", gain, 0.3) == pytest.approx(29 * math.log10(gain))


def test_predicted_size_of_tanh_by_another_integral():
    square = 0.3
    sizes = []
    for _ in range(30):
        spread = math.sqrt(square)
        square = integrate.quad(
            lambda z, s=spread: math.tanh(1.5 * s * z) ** 2 * stats.norm.pdf(z), -10, 10
        )[0]
        sizes.append(square)
    assert predicted("tanh", 1.5, 0.3) == pytest.approx(math.log10(sizes[-1] / sizes[0]) / 2)


def test_correlation_after_a_layer_by_drawing():
    draw = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, 1_000_000, generator=draw, dtype=torch.float64)
    for c in (-0.7, 0.0, 0.6):
        first, second = a.relu(), (c * a + math.sqrt(1 - c * c) * b).relu()
        found = float((first * second).mean() / first.square().mean())
        assert next_correlation(c) == pytest.approx(found, abs=0.004)


def test_wider_is_never_smaller():
    sizes = [predicted("tanh", gain, 0.3) for gain in (0.5, 1.0, 1.5)]
    assert sizes == sorted(sizes)


# --- known mistakes ---


def swapped_fans(shape, rule, form, draw):
    return right((shape[1], shape[0], *shape[2:]), rule, form, draw).reshape(shape)


def no_kernel_area(shape, rule, form, draw):
    return right(shape, rule, form, draw) * math.sqrt(math.prod(shape[2:]))


def no_root_of_three(shape, rule, form, draw):
    weights = right(shape, rule, form, draw)
    return weights / math.sqrt(3) if form == "uniform" else weights


def no_two(shape, rule, form, draw):
    return right(shape, rule, form, draw) / (math.sqrt(2) if rule == "he" else 1)


right = module.first_weights


@pytest.mark.parametrize("mistake", [swapped_fans, no_kernel_area, no_root_of_three, no_two])
def test_a_wrong_rule_is_caught(mistake, monkeypatch, error_of):
    monkeypatch.setattr(module, "first_weights", mistake)
    assert error_of("same_as_torch") > 0.01


@pytest.mark.parametrize("mistake", [swapped_fans, no_kernel_area])
def test_layers_of_one_width_hide_two_of_them(mistake):
    a, b = (f((64, 64), "he", "normal", torch.Generator().manual_seed(1)) for f in (right, mistake))
    assert torch.equal(a, b)


def test_a_prediction_that_forgets_the_activation_is_caught(monkeypatch, error_of):
    wrong = lambda activation, gain, square: 29 * math.log10(gain)  # noqa: E731
    monkeypatch.setattr(module, "predicted", wrong)
    assert error_of("variance_formula") > 1


def test_a_wrong_correlation_is_caught(monkeypatch, error_of):
    monkeypatch.setattr(module, "next_correlation", lambda c: (1 + c) / 2)
    assert error_of("all_inputs_look_alike") > 0.01


def test_weights_that_are_no_rotation_are_caught(monkeypatch, error_of):
    def normal(tensor, generator):
        return nn.init.normal_(tensor, std=1 / 8, generator=generator)

    monkeypatch.setattr(module.nn.init, "orthogonal_", normal)
    assert error_of("half_passes") > 0.01


# --- metrics and picture ---


class Report:
    """What a picture reads of a report."""

    def __init__(self, members):
        self.members = members


def test_picture_shows_every_network_and_those_that_diverged_at_zero():
    curves = {"test_log_gradient_ratio": [-4.0, -1.0]}
    members = [
        MemberRow(i, "relu_he", i, {"gain": gain}, curves, {"test_accuracy": value})
        for i, (gain, value) in enumerate([(1.0, 0.1), (1.0, 0.3), (2.0, None)])
    ]
    figure = Figure(figsize=(8, 5))
    lab.picture(Report(members), figure)
    upper, lower = ([list(line.get_ydata()) for line in axes.lines[1:]] for axes in figure.axes)
    assert upper == [[-4.0, -4.0, -4.0], [-4.0, -4.0]]
    assert lower == [[0.1, 0.3, 0.0], [pytest.approx(0.2), 0.0]]


def test_picture_of_a_run_stopped_at_once():
    lab.picture(Report([]), Figure(figsize=(8, 5)))

"""The lab on normalization: its exhibits pass, and known mistakes make them fail."""

from __future__ import annotations

import math

import pytest
import torch
from matplotlib.figure import Figure
from scipy import integrate, stats
from torch import nn

from pilotlight.core.report import MemberRow
from pilotlight.core.settings import Settings, resolve
from pilotlight.labs.foundations import normalization as module
from pilotlight.labs.foundations.normalization import lab

NORMALIZE, KEEP, EVALUATE = module.normalize, module.keep, module.evaluate


def passes(name):
    """Whether an exhibit is within its tolerance; a NaN is not."""
    exhibit = next(e for e in lab.exhibits if e.id == name)
    found = exhibit.function()
    error = found[0] if isinstance(found, tuple) else found
    return error <= exhibit.tolerance


@pytest.mark.parametrize("exhibit", lab.exhibits, ids=lambda e: e.id)
def test_exhibit_passes(exhibit):
    assert passes(exhibit.id)


def test_growth_by_numerical_integration():
    passed = integrate.quad(stats.norm.pdf, 0, 20)[0]
    mean, square = (
        integrate.quad(lambda z, k=k: z**k * stats.norm.pdf(z), 0, 20)[0] for k in (1, 2)
    )
    assert passed / (square - mean**2) == pytest.approx(math.pi / (math.pi - 1))


# --- known mistakes ---


def unbiased_variance(x, axes, epsilon=1e-5):
    mean, variance = x.mean(axes, keepdim=True), x.var(axes, keepdim=True)
    return (x - mean) / (variance + epsilon).sqrt()


def epsilon_outside_the_root(x, axes, epsilon=1e-5):
    return (x - x.mean(axes, keepdim=True)) / (x.std(axes, correction=0, keepdim=True) + epsilon)


def mean_kept(x, axes, epsilon=1e-5):
    return x / (x.var(axes, correction=0, keepdim=True) + epsilon).sqrt()


def over_everything(x, axes, epsilon=1e-5):
    return NORMALIZE(x, tuple(range(x.dim())), epsilon)


@pytest.mark.parametrize(
    "mistake", [unbiased_variance, epsilon_outside_the_root, mean_kept, over_everything]
)
def test_a_wrong_norm_is_caught(mistake, monkeypatch):
    monkeypatch.setattr(module, "normalize", mistake)
    assert not passes("same_as_torch")


def test_a_norm_that_knows_the_size_of_the_weights_is_caught(monkeypatch):
    monkeypatch.setattr(module, "normalize", lambda x, axes, epsilon=1e-5: NORMALIZE(x, axes))
    assert not passes("what_each_forgets")


def test_only_centring_is_caught_by_the_growth_too(monkeypatch):
    monkeypatch.setattr(module, "normalize", mean_kept)
    assert not passes("growth_by_batch_norm")


def biased_running_variance(running, x, momentum):
    seen = torch.stack([x.mean((0, 2)), x.var((0, 2), correction=0)])
    return (1 - momentum) * running + momentum * seen


def momentum_of_keras(running, x, momentum):
    return KEEP(running, x, 1 - momentum)


@pytest.mark.parametrize("mistake", [biased_running_variance, momentum_of_keras])
def test_wrong_running_statistics_are_caught(mistake, monkeypatch):
    monkeypatch.setattr(module, "keep", mistake)
    assert not passes("same_as_torch")


def test_evaluation_in_training_mode_is_caught(monkeypatch):
    def in_training_mode(model, batch, settings, state):
        found = EVALUATE(model, batch, settings, state)
        return {**found, "accuracy": found["accuracy_with_own_statistics"]}

    monkeypatch.setattr(module, "evaluate", in_training_mode)
    assert not passes("rows_and_their_company")


def rates_per_row(compare):
    """Of all networks of the table: how far one row moves them."""
    table = {n: own for n, own in compare.items() if n.split("_")[0] in module.NORMS}
    values = [resolve(lab.declared, {}, own, name) for name, own in table.items()]
    return {round(s.rate / s.batch, 12) for s in values}


def test_in_the_table_a_row_moves_every_network_equally():
    assert len(rates_per_row(lab.compare)) == 1
    forgotten = {n: {k: v for k, v in own.items() if k != "rate"} for n, own in lab.compare.items()}
    assert len(rates_per_row(forgotten)) == 4


# --- networks, metrics, picture ---


@pytest.mark.parametrize(("norm", "kind"), [("batch", nn.BatchNorm1d), ("group", nn.GroupNorm)])
def test_every_layer_has_its_norm_before_its_activation(norm, kind):
    net = lab.model(Settings({"norm": norm, "activation": "relu", "depth": 5}))
    assert [type(layer) for layer in net[1::3]] == [kind] * 5
    assert [type(layer) for layer in net[2::3]] == [nn.ReLU] * 5


class Report:
    """What a picture reads of a report."""

    def __init__(self, members):
        self.members = members


def test_picture_shows_the_table_and_the_gradients():
    ends = [(2, 0.5), (2, 0.75), (32, 0.875), (4, None)]
    table = [
        MemberRow(i, f"batch_{n}", i, {"batch": n}, {}, {"test_accuracy": value})
        for i, (n, value) in enumerate(ends)
    ]
    curves = {"test_log_gradient_ratio": [-12.0, -1.0]}
    deep = [MemberRow(9, "deep_sigmoid_layer", 0, {}, curves, {})]
    figure = Figure(figsize=(8, 5))
    lab.picture(Report(table + deep), figure)
    left, right = figure.axes
    drawn = [[float(y) for y in line.get_ydata()] for line in left.lines]
    assert drawn[:4] == [[0.5], [0.25], [0.125], [0.375, 0.125]]
    assert [list(line.get_ydata()) for line in right.lines if len(line.get_ydata()) == 1] == [[3]]


def test_picture_of_a_run_stopped_at_once():
    lab.picture(Report([]), Figure(figsize=(8, 5)))

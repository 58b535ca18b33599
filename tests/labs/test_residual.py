"""The lab on residual blocks: its exhibits pass, and known mistakes make them fail."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn.functional import relu

from pilotlight.core.report import MemberRow
from pilotlight.core.settings import Settings
from pilotlight.labs.foundations import residual as module
from pilotlight.labs.foundations.residual import Block, lab

FORWARD, INIT = Block.forward, Block.__init__


def passes(name):
    """Whether an exhibit is within its tolerance; a NaN is not."""
    exhibit = next(e for e in lab.exhibits if e.id == name)
    return exhibit.function()[0] <= exhibit.tolerance


@pytest.mark.parametrize("exhibit", lab.exhibits, ids=lambda e: e.id)
def test_exhibit_passes(exhibit):
    assert passes(exhibit.id)


# --- known mistakes ---


def relu_behind_the_sum(block, x):
    return relu(FORWARD(block, x))


def no_skip(block, x):
    return FORWARD(block, x) - x


def skip_around_one_layer(block, x):
    return block.second(x + block.activation(block.first(x)))


def no_bend(block, x):
    return x + block.second(block.first(x))


@pytest.mark.parametrize(
    ("mistake", "caught"),
    [
        (relu_behind_the_sum, "starts_by_doing_nothing"),
        (no_skip, "starts_by_doing_nothing"),
        (skip_around_one_layer, "starts_by_doing_nothing"),
        (relu_behind_the_sum, "sum_over_paths"),
        (no_skip, "how_a_sum_grows"),
        (no_bend, "how_a_sum_grows"),
        (no_bend, "sum_over_paths"),
    ],
)
def test_a_wrong_block_is_caught(mistake, caught, monkeypatch):
    monkeypatch.setattr(Block, "forward", mistake)
    assert not passes(caught)


def test_a_stack_without_a_scale_is_caught(monkeypatch):
    def unscaled(block, network, activation, branch):
        INIT(block, network, activation, 1.0)

    monkeypatch.setattr(Block, "__init__", unscaled)
    assert not passes("starts_by_doing_nothing")


def test_a_bias_that_is_not_zero_is_caught(monkeypatch):
    def with_bias(block, network, activation, branch):
        INIT(block, network, activation, branch)
        nn.init.ones_(block.second.bias)

    monkeypatch.setattr(Block, "__init__", with_bias)
    assert not passes("starts_by_doing_nothing")


# --- networks and metrics ---


@pytest.mark.parametrize(("activation", "gain"), [("relu", math.sqrt(2)), ("sigmoid", 1.0)])
def test_first_weights(activation, gain):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        block = Block("residual", activation, 0.5)
    assert block.first.weight.std().item() * 8 == pytest.approx(gain, rel=0.05)
    assert block.second.weight.std().item() * 8 == pytest.approx(0.5, rel=0.05)


def test_a_plain_block_is_two_layers_with_their_activations():
    block, x = Block("plain", "tanh", 1.0), torch.ones(3, 64)
    assert torch.equal(block(x), block.second(block.first(x).tanh()).tanh())


def test_depth_counts_layers():
    settings = {"network": "plain", "activation": "relu", "branch": 1.0, "depth": 8}
    net = lab.model(Settings(settings))
    assert sum(isinstance(m, nn.Linear) for m in net.modules()) == 8 + 1  # and a read-out


@pytest.mark.parametrize("count", [1, 3, 7])
def test_directions_of_rows_that_differ_in_so_many(count):
    draw = torch.Generator().manual_seed(1)
    axes = nn.init.orthogonal_(torch.empty(10, 10).double(), generator=draw)[:count]
    rows = 5 + torch.cat([axes, -axes])
    assert module.directions(rows).item() == pytest.approx(count)


def test_differences_that_rounding_may_have_made_count_as_one_direction():
    noise = torch.randn(30, 6, generator=torch.Generator().manual_seed(1)).double()
    assert module.directions(1 + 1e-8 * noise) == 1
    assert module.directions(1 + 1e-4 * noise) > 3


def test_directions_by_singular_values():
    rows = torch.randn(30, 6, generator=torch.Generator().manual_seed(1)).double()
    variances = torch.linalg.svdvals(rows - rows.mean(0)) ** 2
    expected = variances.sum() ** 2 / (variances**2).sum()
    assert module.directions(rows).item() == pytest.approx(expected.item())


def test_what_is_seen_does_not_depend_on_how_rows_are_cut():
    """Rows are evaluated in pieces; what many rows say together is found beforehand, on all."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        settings = {"network": "plain", "activation": "relu", "branch": 1.0, "depth": 4}
        net = lab.model(Settings(settings)).double()
    x = torch.rand(64, 64, generator=torch.Generator().manual_seed(1)).double()
    batch = SimpleNamespace(inputs=x, targets=torch.arange(64) % 10)
    batch.reference = SimpleNamespace(**module.look(net, batch, None, None))
    whole = module.evaluate(net, batch, None, None)
    half = SimpleNamespace(inputs=x[:32], targets=batch.targets[:32], reference=batch.reference)
    for name, rows in module.evaluate(net, half, None, None).items():
        assert torch.allclose(rows, whole[name][:32])


# --- picture ---


class Report:
    """What a picture reads of a report."""

    def __init__(self, members):
        self.members = members


def test_picture_shows_every_network():
    curves = {"test_log_gradient_ratio": [-4.0, -1.0]}
    members = [
        MemberRow(i, name, i, {}, curves, {"train_accuracy": value})
        for i, (name, value) in enumerate(
            [("plain_50", 0.25), ("plain_50", 0.5), ("residual_2", 1.0), ("residual_8", None)]
        )
    ]
    figure = Figure(figsize=(8, 5))
    lab.picture(Report(members), figure)
    left, right = figure.axes
    drawn = [[float(y) for y in line.get_ydata()] for line in left.lines]
    assert [0.625] in drawn  # the mean
    assert [0.75, 0.5] in drawn
    dots = [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in right.lines[:2]]
    assert dots == [(-4.0, 0.75), (-4.0, 0.5)]


def test_picture_of_a_run_stopped_at_once():
    lab.picture(Report([]), Figure(figsize=(8, 5)))

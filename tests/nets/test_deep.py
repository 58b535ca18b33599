"""Deep nets: their first weights, and what flows through them against products of Jacobians."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from pilotlight.nets.deep import ACTIVATIONS, deep, flow, log_gradient_ratio, log_ratios

SLOPES = {
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a**2,
    "relu": lambda a: (a > 0).to(a),
    "linear": torch.ones_like,
}


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        yield


def rows(count=8, inputs=20):
    draw = torch.Generator().manual_seed(4)
    x = torch.rand(count, inputs, generator=draw, dtype=torch.float64)
    return x, torch.arange(count) % 5


def by_hand(model, activation, x, y):
    """Outputs, and gradients by what enters each activation, multiplied together from the loss."""
    outputs = [x]
    for dense, active in zip(model[:-1:2], model[1::2], strict=True):
        outputs.append(active(outputs[-1] @ dense.weight.T + dense.bias))
    scores = outputs[-1] @ model[-1].weight.T + model[-1].bias
    back, gradients = scores.softmax(1) - one_hot(y, 5), []
    above = [dense.weight for dense in model[::2]][:0:-1]
    for weight, output in zip(above, outputs[:0:-1], strict=True):
        back = back @ weight * SLOPES[activation](output)
        gradients.append(back)
    return torch.stack(outputs[1:]).detach(), torch.stack(gradients[::-1]).detach()


def test_layers_in_order():
    kinds = [type(layer) for layer in deep(20, 16, 3, 5, "tanh", 1.0)]
    assert kinds == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]


@pytest.mark.parametrize("gain", [0.1, 1.0, math.sqrt(2)])
def test_first_weights_have_the_gain(gain):
    model = deep(300, 400, 2, 200, "relu", gain)
    for layer, fan_in, wide in ((0, 300, gain), (2, 400, gain), (4, 400, 1.0)):
        spread = model[layer].weight.std().item()
        assert spread == pytest.approx(wide / math.sqrt(fan_in), rel=0.02)
        assert not model[layer].bias.any()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_flow_is_the_product_of_jacobians(activation):
    model, (x, y) = deep(20, 16, 6, 5, activation, 1.3).double(), rows()
    for ours, theirs in zip(flow(model, x, y), by_hand(model, activation, x, y), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-15)


def test_weight_gradient_is_that_of_each_row_alone():
    model, (x, y) = deep(20, 16, 6, 5, "tanh", 1.0).double(), rows()
    found = log_ratios(model, x, y)["log_weight_gradient_ratio"]
    for row in range(len(x)):
        loss = cross_entropy(model(x[row : row + 1]), y[row : row + 1])
        first, last = torch.autograd.grad(loss, [model[0].weight, model[-3].weight])
        assert found[row].item() == pytest.approx(math.log10(first.norm() / last.norm()))


def test_difference_is_from_a_blank_input():
    model, (x, y) = deep(20, 16, 4, 5, "sigmoid", 1.0).double(), rows()
    first, last = ((model[:n](x) - model[:n](0 * x)).norm(dim=1) for n in (2, 8))
    found = log_ratios(model, x, y)["log_difference_ratio"]
    torch.testing.assert_close(found, (last / first).log10().detach())


def test_a_difference_that_rounding_may_have_made_counts_as_a_millionth():
    model, (x, y) = deep(20, 16, 30, 5, "sigmoid", 1.0).double(), rows()
    first, last = ((model[:n](x) - model[:n](0 * x)).norm(dim=1) for n in (2, 60))
    floor = 1e-6 * model[:60](x).norm(dim=1)
    assert (last < floor).all()
    found = log_ratios(model, x, y)["log_difference_ratio"]
    torch.testing.assert_close(found, (floor / first).log10().detach())


@pytest.mark.parametrize("depth", [1, 2, 30])
def test_rotations_that_halve_show_everywhere_but_in_the_weights(depth):
    model, (x, y) = deep(16, 16, depth, 5, "linear", 1.0).double(), rows(inputs=16)
    for dense in model[:-1:2]:
        nn.init.orthogonal_(dense.weight, 0.5)
    found = log_ratios(model, x, y)
    lost = torch.full((8,), (depth - 1) * math.log10(0.5), dtype=torch.float64)
    torch.testing.assert_close(found.pop("log_weight_gradient_ratio"), 0 * lost)
    for value in found.values():
        torch.testing.assert_close(value, lost)


def test_some_rows_stand_for_their_neighbours():
    model, (x, y) = deep(20, 16, 3, 5, "relu", 1.4).double(), rows(10)
    for name, some in log_ratios(model, x, y, every=4).items():
        whole = log_ratios(model, x, y)[name]
        torch.testing.assert_close(some, whole[[0, 0, 0, 0, 4, 4, 4, 4, 8, 8]])


def test_single_precision_sees_a_signal_of_a_billionth_of_a_billionth():
    model, (x, y) = deep(20, 16, 30, 5, "sigmoid", 1.0), rows()
    single = log_ratios(model, x.float(), y)["log_gradient_ratio"]
    double = log_ratios(model.double(), x, y)["log_gradient_ratio"]
    assert double.max() < -17
    torch.testing.assert_close(single, double, rtol=0, atol=1e-3)


def test_a_signal_that_is_gone_stays_finite():
    model, (x, y) = deep(20, 16, 4, 5, "relu", 0.0), rows()
    for value in log_ratios(model, x.float(), y).values():
        assert value.isfinite().all()


def test_the_model_is_left_as_it_was():
    model, (x, y) = deep(20, 16, 4, 5, "relu", 1.0).double(), rows()
    before = {n: p.clone() for n, p in model.named_parameters()}
    log_ratios(model, x, y)
    assert all(p.grad is None and torch.equal(p, before[n]) for n, p in model.named_parameters())


def test_ratio_of_a_net_in_three_parts_is_that_of_autograd():
    model, (x, y) = deep(20, 16, 6, 5, "tanh", 0.5).double(), rows()
    parts = model[:2], model[2:-1], model[-1]
    early = parts[0](x)
    late = parts[1](early)
    first, last = torch.autograd.grad(cross_entropy(parts[2](late), y), [early, late])
    expected = (first.norm(dim=1) / last.norm(dim=1)).log10()
    assert torch.allclose(log_gradient_ratio(*parts, x, y), expected)


def test_ratio_of_a_net_in_three_parts_that_says_nothing():
    model, (x, y) = deep(20, 16, 30, 5, "linear", 1e-3).double(), rows()
    assert log_gradient_ratio(model[:2], model[2:-1], model[-1], x, y).max() < -40

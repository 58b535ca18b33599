"""Dense networks: their shapes and their parameters."""

import pytest
import torch
from torch import nn

from pilotlight.nets.dense import mlp


@pytest.mark.parametrize(
    ("sizes", "parameters"),
    [
        ((64, [64], 10), 64 * 64 + 64 + 64 * 10 + 10),
        ((3, [], 2), 3 * 2 + 2),
        ((2, [5, 7], 1), 2 * 5 + 5 + 5 * 7 + 7 + 7 + 1),
    ],
)
def test_the_number_of_parameters(sizes, parameters):
    assert sum(p.numel() for p in mlp(*sizes).parameters()) == parameters


def test_relu_between_the_layers_and_none_after_the_last():
    kinds = [type(layer) for layer in mlp(2, [5, 7], 1)]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]


def test_it_computes_what_it_says():
    net = mlp(3, [4], 2)
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    by_hand = (x @ net[0].weight.T + net[0].bias).clamp(min=0) @ net[2].weight.T + net[2].bias
    torch.testing.assert_close(net(x), by_hand)

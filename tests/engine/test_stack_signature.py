"""The signature of a network: equal only where one network may lend itself to another."""

from functools import partial

import pytest
import torch
from torch import nn

from pilotlight.engine.stack import signature
from pilotlight.nets.dropout import Dropout


class Scaled(nn.Module):
    """A layer with plain attributes of every kind that a person may think of."""

    def __init__(self, **own):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        vars(self).update(own)

    def forward(self, x):
        return self.layer(x)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"scale": 1.0}, {"scale": 2.0}),
        ({"_scale": 1.0}, {"_scale": 2.0}),
        ({"residual": True}, {"residual": False}),
        ({"sizes": [1, 2]}, {"sizes": [2, 1]}),
        ({"options": {"slope": 0.1}}, {"options": {"slope": 0.2}}),
        ({"activation": torch.tanh}, {"activation": torch.relu}),
        ({"activation": nn.functional.gelu}, {"activation": nn.functional.silu}),
        ({"angles": torch.tensor([0.0, 1.0])}, {"angles": torch.tensor([0.0, 2.0])}),
        ({"activation": partial(torch.clamp, min=0)}, {"activation": partial(torch.clamp, min=1)}),
        ({"scale": None}, {"scale": 2.0}),
    ],
)
def test_networks_that_differ_in_a_plain_attribute_have_other_signatures(one, other):
    assert signature(Scaled(**one)) == signature(Scaled(**one))
    assert signature(Scaled(**one)) != signature(Scaled(**other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: nn.Linear(2, 3), lambda: nn.Linear(2, 4)),
        (lambda: nn.Sequential(nn.ReLU()), lambda: nn.Sequential(nn.Tanh())),
        (lambda: nn.LayerNorm(3, eps=1e-5), lambda: nn.LayerNorm(3, eps=1e-3)),
        (lambda: nn.Linear(2, 3), lambda: nn.Linear(2, 3, bias=False)),
        (lambda: nn.Conv2d(1, 1, 3, padding=1), lambda: nn.Conv2d(1, 1, 3, padding=2)),
        (lambda: nn.Linear(2, 3), lambda: nn.Linear(2, 3).requires_grad_(False)),
    ],
)
def test_networks_of_other_structure_have_other_signatures(one, other):
    assert signature(one()) == signature(one())
    assert signature(one()) != signature(other())


def test_weights_and_dropout_rates_are_no_part_of_the_signature():
    one, other = (nn.Sequential(nn.Linear(2, 2), Dropout(r)) for r in (0.1, 0.9))
    assert signature(one) == signature(other)
    assert signature(one) == signature(one.eval())

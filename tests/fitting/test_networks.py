"""Networks of ours and of a person's own, and the candidates that are drawn for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pilotlight.core.errors import UsageError
from pilotlight.core.settings import Settings
from pilotlight.fitting.candidates import DECAYS, RATES, draw
from pilotlight.fitting.networks import load_networks, try_out, usual

SIZES = Settings({"width": 8, "depth": 2})


@pytest.mark.parametrize(("trials", "inputs"), [(False, 5), (True, (12, 3))])
def test_ours_put_out_what_is_asked(trials, inputs):
    for network in usual(trials):
        try_out(network, SIZES, inputs, 4)
        shape = (7, inputs) if isinstance(inputs, int) else (7, *inputs)
        assert network.make(inputs, 4, SIZES)(torch.randn(shape)).shape == (7, 4)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1", "defines no nn.Module. One looks so"),
        ("import nothing_like_this", "ModuleNotFoundError"),
        ("models = {'a': 3}", "model: a is no class of networks"),
        ("def", "SyntaxError"),
    ],
)
def test_files_without_a_network(code, said, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(code)
    with pytest.raises(UsageError, match=said):
        load_networks(path)


def test_a_network_that_fails_says_how_it_is_made(tmp_path):
    path = tmp_path / "net.py"
    path.write_text("from torch import nn\nmodels = {'a': lambda i, o: nn.Linear(i + 1, o)}")
    (network,) = load_networks(path)
    with pytest.raises(UsageError, match=r"made as a\(inputs=5, outputs=2\)"):
        try_out(network, Settings({}), 5, 2)


def test_candidates_are_the_same_at_every_call_and_fill_their_ranges():
    networks = usual(trials=False)
    found = draw(networks, 64)
    assert found == draw(networks, 64)
    assert found[:16] == draw(networks, 16)  # more candidates keep the first ones
    assert len(set(found)) == 64
    for name, (low, high) in {"rate": RATES, "weight_decay": DECAYS}.items():
        values = np.log([getattr(c, name) for c in found])
        assert values.min() >= np.log(low)
        assert values.max() <= np.log(high)
        quarters = np.histogram(values, 4, (np.log(low), np.log(high)))[0]
        assert quarters.min() >= 14
    assert {c.depth for c in found} == {1, 2}


def test_dear_networks_get_fewer_candidates():
    found = draw(usual(trials=True), 16)
    assert sum(c.network == "convnet" for c in found) == 16
    assert sum(c.network == "gru" for c in found) == 2

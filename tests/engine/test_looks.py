"""What the engine keeps by itself: scikit-learn's table, and what the network says by hand."""

import base64
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from pilotlight.core.event import Snapshot
from pilotlight.core.settings import whole
from pilotlight.data.generators import generator
from pilotlight.data.split import holdout
from pilotlight.data.table import Data
from pilotlight.engine import looks
from pilotlight.engine.steps import supervised
from pilotlight.nets.dense import mlp


def drawn(settings, noise):
    """Points of a plane whose class is the third of a circle they lie in; other ones each seed."""
    points = torch.randn(60, 2, generator=noise)
    return points, ((points[:, 1].atan2(points[:, 0]) / (2 * torch.pi)) * 3 + 1.5).long().clamp(
        0, 2
    )


DRAWN = Data("thirds", drawn, classes=3, per_seed=True)


def last_of_each(trained, name):
    """Member -> what was kept of it last."""
    events = trained.of(Snapshot)
    return {
        m: e.values[name][i] for e in events for i, m in enumerate(e.members) if name in e.values
    }


def network(trained, member, *sizes):
    model = mlp(*sizes).double()
    model.load_state_dict(trained.network(member))
    return model


@pytest.mark.parametrize("chunk", [512, 5])
def test_confusion_is_scikit_learns_on_the_held_out_rows(tiny, train, monkeypatch, chunk):
    monkeypatch.setattr(looks, "CHUNK_ROWS", chunk)
    lab = tiny(
        data=DRAWN,
        model=lambda s: mlp(2, [5], 3),
        train=replace(supervised(cross_entropy), snapshot_seeds=2),
    )
    trained = train(lab, (4, 5, 6))
    kept = last_of_each(trained, "confusion")
    seeds = {m.index: m.seed for m in trained.plan.members}
    assert sorted(seeds[m] for m in kept) == [4, 4, 5, 5]
    for member, table in kept.items():
        inputs, targets = drawn(None, generator(seeds[member], "data"))
        rows = holdout(targets, None, generator(seeds[member], "split"))["test"]
        said = network(trained, member, 2, [5], 3)(inputs[rows].double()).argmax(1)
        expected = confusion_matrix(targets[rows], said, labels=range(3))
        np.testing.assert_array_equal(table["counts"], expected)
        taken = dict(zip(rows.tolist(), said.tolist(), strict=True))
        for label, predicted, numbers in table["samples"]:
            count = table["counts"][label][predicted]
            assert len(set(numbers)) == min(count, looks.SAMPLES)
            assert all(targets[n] == label and taken[n] == predicted for n in numbers)
        assert len(table["samples"]) == np.count_nonzero(expected)


def test_surface_is_what_the_network_says_at_each_place(tiny, train):
    lab = tiny(data=DRAWN, model=lambda s: mlp(2, [5], 3))
    trained = train(lab, (4, 5), {"rate": 1.0})
    inputs = drawn(None, generator(4, "data"))[0].double()
    low, high = inputs.amin(0), inputs.amax(0)
    low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)
    kept = last_of_each(trained, "surface")
    assert len(kept) == 2
    for member, surface in kept.items():
        side, levels = surface["side"], 256 // surface["classes"]
        assert [surface["x"], surface["y"]] == [
            pytest.approx(ends, rel=1e-3) for ends in torch.stack([low, high], 1).tolist()
        ]
        cells = np.frombuffer(base64.b64decode(surface["cells"]), np.uint8).reshape(side, side)
        x, y = (torch.linspace(low[i], high[i], side, dtype=torch.float64) for i in (0, 1))
        places = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)
        scores = network(trained, member, 2, [5], 3)(places)
        chance, winner = scores.detach().softmax(2).max(2)
        np.testing.assert_array_equal(cells // levels, winner)
        told = 1 / 3 + 2 / 3 * (cells % levels) / (levels - 1)
        np.testing.assert_allclose(told, chance, atol=1 / 3 / (levels - 1) + 1e-9)


def test_curve_is_what_the_network_says_along_its_input(tiny, train):
    numbers = torch.linspace(-1, 2, 60)[:, None]
    lab = tiny(
        data=Data("a wave", lambda: (numbers, numbers.sin())),
        model=lambda s: mlp(1, [5], 1),
        train=supervised(mse_loss),
    )
    trained = train(lab, (0,), compare=("plain",))
    (curve,) = last_of_each(trained, "curve").values()
    assert (curve["x"][0], curve["x"][-1]) == (-1.15, 2.15)
    expected = network(trained, 0, 1, [5], 1)(torch.tensor(curve["x"]).double()[:, None])
    np.testing.assert_allclose(curve["y"], expected.detach()[:, 0], atol=1e-3)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, {"confusion"}),
        ({"data": DRAWN, "model": lambda s: mlp(2, [5], 3)}, {"confusion", "surface"}),
        ({"model": lambda s: mlp(4, [5], 40)}, set()),  # too many classes to read
        ({"train": supervised(mse_loss), "model": lambda s: mlp(4, [5], 1)}, set()),
    ],
)
def test_what_is_kept_follows_from_rows_and_loss(tiny, train, fields, names):
    if "train" in fields:
        rows = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
        fields["data"] = Data("sums", lambda: (rows, rows.sum(1, keepdim=True)))
    trained = train(tiny(**fields), (0,), {"epochs": 1}, compare=("plain",))
    assert {name for e in trained.of(Snapshot) for name in e.values} == names


def test_a_network_that_cannot_be_stacked_is_looked_at_too(tiny, train):
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.read, self.out = nn.LSTM(1, 4, batch_first=True), nn.Linear(4, 3)

        def forward(self, x):
            return self.out(self.read(x[:, :, None])[0][:, -1])

    lab = tiny(
        model=lambda s: Recurrent(), settings={"epochs": whole(0, 9, 1)}, compare={"plain": {}}
    )
    trained = train(lab, (0, 1))
    (table,) = last_of_each(trained, "confusion").values()
    assert sum(map(sum, table["counts"])) == 12


def test_whole_numbers_have_no_places_between(tiny, train):
    """A network that reads tokens cannot be asked about the places of a plane."""

    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.read, self.out = nn.Embedding(5, 4), nn.Linear(8, 3)

        def forward(self, x):
            return self.out(self.read(x).flatten(1))

    pairs = torch.arange(120).reshape(60, 2) % 5
    lab = tiny(data=Data("tokens", lambda: (pairs, torch.arange(60) % 3)), model=lambda s: Tokens())
    trained = train(lab, (0, 1), {"epochs": 1}, compare=("plain",))
    assert {name for e in trained.of(Snapshot) for name in e.values} == {"confusion"}

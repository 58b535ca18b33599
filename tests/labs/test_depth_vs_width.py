"""The lab on depth and width: its exhibits pass, and known mistakes make them fail."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from pilotlight.core.report import MemberRow
from pilotlight.core.settings import Settings
from pilotlight.labs.foundations import depth_vs_width as module
from pilotlight.labs.foundations.depth_vs_width import lab
from pilotlight.nets.dense import mlp

TENTS, EXACT, COUNT = module.tents, module.exact, module.count


def passes(name):
    """Whether an exhibit is within its tolerance; a NaN is not."""
    exhibit = next(e for e in lab.exhibits if e.id == name)
    return exhibit.function()[0] <= exhibit.tolerance


@pytest.mark.parametrize("exhibit", lab.exhibits, ids=lambda e: e.id)
def test_exhibit_passes(exhibit):
    assert passes(exhibit.id)


# --- counting ---


def test_a_hinge_bends_where_its_weights_say():
    hinges = [([[1], [-3]], [Fraction(-1, 4), 1]), ([[1, 1]], [0])]
    places, values = EXACT(hinges)
    assert places == [0, Fraction(1, 4), Fraction(1, 3), 1]
    assert values == [1, Fraction(1, 4), Fraction(1, 12), Fraction(3, 4)]


def test_neighbours_of_one_slope_are_one_piece():
    assert COUNT([0, 1, 2, 4], [0, 1, 2, 4]) == 1
    assert COUNT([0, 1, 2, 4], [0, 1, 2, 3]) == 2


@pytest.mark.parametrize("folds", [1, 4, 7])
def test_folds_have_the_closed_form(folds):
    places, values = EXACT(TENTS(folds))
    assert places == [Fraction(i, 2**folds) for i in range(2**folds + 1)]
    assert values == [i % 2 for i in range(2**folds + 1)]


def test_fewest_errors_by_trying_all_answers():
    for points, stretches in ((6, 2), (7, 3), (8, 4)):
        tried = (np.array(list(np.binary_repr(n, points)), int) for n in range(2**points))
        errors = [
            int((a != np.arange(points) % 2).sum())
            for a in tried
            if (a[1:] != a[:-1]).sum() < stretches
        ]
        assert module.fewest_errors(points, stretches) == min(errors)


@pytest.mark.parametrize("units", [6, 12, 31])
def test_the_best_shallow_net_has_one_piece_more_than_units(units):
    places, values = EXACT(module.best_shallow(64, units), 0.0)
    assert len(places) - 1 == units + 1
    crossings = np.diff(np.array(values) >= 0.5)
    assert crossings.sum() >= units


# --- known mistakes ---


def one_unit_too_steep(folds):
    first, *between, last = TENTS(folds)
    return [first, *between, ([[2, -3]], last[1])]


def folded_once_too_few(folds):
    return TENTS(max(1, folds - 1))


def count_on_a_grid(places, values):
    x = np.linspace(0, 1, 65)
    slopes = np.diff(np.interp(x, np.array(places, float), np.array(values, float)))
    return 1 + int((abs(np.diff(slopes)) > 1e-9).sum())


def bends_of_the_first_layer_only(layers, zero=Fraction(0)):
    places, _ = EXACT([layers[0], ([[1] * len(layers[0][1])], [0])], zero)
    x = torch.tensor([[float(p)] for p in places], dtype=torch.float64)
    for i, (weights, biases) in enumerate(layers):
        x = x @ torch.tensor(weights).double().T + torch.tensor([float(b) for b in biases])
        x = x.relu() if i < len(layers) - 1 else x
    return places, x[:, 0].tolist()


@pytest.mark.parametrize(
    ("name", "mistake", "caught"),
    [
        ("tents", one_unit_too_steep, "two_units_a_layer"),
        ("count", count_on_a_grid, "two_units_a_layer"),
        ("exact", bends_of_the_first_layer_only, "two_units_a_layer"),
        ("exact", bends_of_the_first_layer_only, "pieces_of_random_nets"),
        (
            "fewest_errors",
            lambda points, stretches: (points - stretches - 2) / 2,
            "one_layer_cannot",
        ),
    ],
)
def test_a_mistake_is_caught(name, mistake, caught, monkeypatch):
    monkeypatch.setattr(module, name, mistake)
    assert not passes(caught)


def test_a_shallow_net_that_wastes_a_unit_is_caught(monkeypatch):
    best = module.best_shallow
    monkeypatch.setattr(module, "best_shallow", lambda points, units: best(points, units - 1))
    assert not passes("one_layer_cannot")


# --- networks and picture ---


@pytest.mark.parametrize("width", [2, 5])
def test_tents_tell_all_points_right_in_64_pieces(width):
    settings = {"start": "tents", "depth": 6, "width": width}
    net = lab.model(Settings(settings)).double()
    found = module.evaluate(net, None, Settings({"folds": 6}), None)
    assert found["accuracy"] == 1
    assert 2 ** found["doublings"].item() == pytest.approx(64)


def test_labels_change_so_often():
    net = mlp(1, [2], 1)
    for folds in (1, 4, 6):
        x, y = module.points_of(net, folds)
        assert x.flatten().tolist() == [i / 64 for i in range(64)]
        assert int((y[1:] != y[:-1]).sum()) == 2**folds - 1


class Report:
    """What a picture reads of a report."""

    def __init__(self, members):
        self.members = members


def test_picture_shows_every_network():
    members = [
        MemberRow(i, "deep", i, {}, {}, {"accuracy": value})
        for i, value in enumerate([0.5, 0.625, None])
    ]
    figure = Figure(figsize=(8, 5))
    lab.picture(Report(members), figure)
    drawn = [list(line.get_xdata()) for axes in figure.axes for line in axes.lines]
    assert [0.5, 0.625] in drawn


def test_picture_of_a_run_stopped_at_once():
    lab.picture(Report([]), Figure(figsize=(8, 5)))

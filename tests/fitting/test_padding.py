"""Trials of unequal length: what lies past a trial's end changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_fits import fit, question_of, study_of

from pilotlight.app.predicting import predict_examples
from pilotlight.core.settings import Settings
from pilotlight.data.files import from_arrays
from pilotlight.fitting.networks import ConvNet, Padded, mean_there, usual
from pilotlight.fitting.prepare import TimeBins, flat_preparation

SIZES = Settings({"width": 6, "depth": 2})


def trials(rows=60, lengths=None, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(1.0, 1.0, (rows, 12, 2))
    lengths = rng.integers(4, 13, rows) if lengths is None else lengths
    y = np.array([x[i, :n, 0].mean() for i, n in enumerate(lengths)])
    return {"X": x, "lengths": lengths, "y": y}


def test_networks_see_which_steps_are_there():
    question = question_of(trials())
    assert question.padded
    study = study_of(question)
    assert study.seen == Padded(12, 3)


@pytest.mark.parametrize("network", usual(trials=True), ids=lambda n: n.name)
def test_longer_padding_changes_no_prediction(network):
    """The same trial in a longer frame: what is appended is no part of it."""
    short = torch.randn(5, 12, 3)
    short[:, :, 2] = 1
    long = torch.cat([short, torch.zeros(5, 8, 3)], dim=1)
    torch.manual_seed(0)
    model = network.make(Padded(12, 3), 4, SIZES)
    blind = network.make((12, 3), 4, SIZES)
    blind.load_state_dict(model.state_dict())
    found, longer = model(short), model(long)
    # a convolution looks two steps past the end, where padding is 0 in both
    torch.testing.assert_close(found, longer)
    assert (blind(short) - blind(long)).abs().max() > 1e-3  # without the mask


def test_the_mean_is_over_the_steps_that_are_there():
    found = torch.tensor([[[1.0], [3.0], [100.0]]])
    there = torch.tensor([[[1.0], [1.0], [0.0]]])
    assert mean_there(found, there).tolist() == [[2.0]]
    assert mean_there(found, torch.zeros_like(there)).tolist() == [[0.0]]
    net = ConvNet(Padded(3, 2), 1, 4, 1)
    assert torch.isfinite(net(torch.zeros(2, 3, 2))).all()


def test_stretches_of_time_are_means_over_what_is_there():
    bins = TimeBins((4, 2), most=4, padded=True).fit(np.zeros((1, 8)))
    assert bins.bins_ == 2
    trial = np.array([[[2.0, 1], [4, 1], [6, 1], [0, 0]]]).reshape(1, -1)
    np.testing.assert_allclose(bins.transform(trial), [[3, 1, 6, 0.5]])


def test_baselines_know_which_steps_are_there():
    question = question_of(trials())
    prepared = flat_preparation(question).fit_transform(question.x, question.y)
    there = prepared.reshape(60, 12, 3)[:, :, 2]
    np.testing.assert_array_equal(there.sum(1), trials()["lengths"])


def test_a_fit_of_unequal_trials_predicts_shorter_ones(tmp_path):
    fitting = fit(tmp_path / "run", trials(120), candidates=1)
    assert fitting.result["predictor"]["padded"]
    new = trials(20, np.full(20, 5), seed=9)
    frame = from_arrays("new", new)
    cut = from_arrays("cut", {"X": new["X"][:, :5], "y": new["y"]})
    one, other = (predict_examples(fitting.folder, e).values for e in (frame, cut))
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)

"""What `supervised` makes: a loss, and measurements row by row."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from pilotlight.engine.stack import as_batch
from pilotlight.engine.steps import Noise, Supervised, normal, supervised, uniform

X = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))


def test_noise_is_named_by_its_kind():
    assert normal(3, 2) == Noise("normal", (3, 2))
    assert uniform(5) == Noise("uniform", (5,))


def test_classes_are_measured_by_loss_and_accuracy_of_each_row():
    model, targets = nn.Identity(), torch.tensor([0, 1, 2, 3, 0, 1])
    training = supervised(functional.cross_entropy)
    batch = as_batch({"inputs": X, "targets": targets})
    loss, metrics, state = training.phases[0].loss(model, batch, None, {"kept": 1})
    torch.testing.assert_close(loss, functional.cross_entropy(X, targets))
    assert (metrics, state) == ({}, {"kept": 1})
    rows = training.evaluate(model, batch, None, {})
    expected = functional.cross_entropy(X, targets, reduction="none")
    torch.testing.assert_close(rows["loss"], expected)
    assert rows["accuracy"].tolist() == (X.argmax(1) == targets).float().tolist()


@pytest.mark.parametrize("shape", [(6, 4), (6, 2, 2)])
def test_numbers_are_measured_by_the_mean_loss_of_each_row(shape):
    training = supervised(functional.mse_loss)
    x = X.view(shape)
    rows = training.evaluate(
        nn.Identity(), as_batch({"inputs": x, "targets": torch.zeros(shape)}), None, {}
    )
    assert list(rows) == ["loss"]
    torch.testing.assert_close(rows["loss"], (X**2).mean(1))
    torch.testing.assert_close(rows["loss"].mean(), functional.mse_loss(x, torch.zeros(shape)))


def test_parts_loss_and_snapshot_are_kept():
    training = supervised(functional.mse_loss, ("train", "validation"), snapshot=weights)
    assert isinstance(training, Supervised)
    assert (training.parts, training.loss) == (("train", "validation"), functional.mse_loss)
    assert training.snapshot is weights
    assert supervised(functional.mse_loss).snapshot is None


def weights(model, batch, settings, state):
    return {"weights": model.weight}

"""The quick losses equal torch's, in values and gradients."""

import pytest
import torch
from torch.nn import functional

from pilotlight.engine.losses import cross_entropy, quick


def draws(shape, scale=1.0):
    generator = torch.Generator().manual_seed(0)
    return (scale * torch.randn(shape, generator=generator, dtype=torch.float64)).requires_grad_()


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 3), (7, 5, 2, 3), (1, 2)])
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_cross_entropy_is_torchs_with_its_gradient(shape, reduction, scale):
    outputs = draws(shape, scale)
    generator = torch.Generator().manual_seed(1)
    targets = torch.randint(shape[1], (shape[0], *shape[2:]), generator=generator)
    ours = cross_entropy(outputs, targets, reduction=reduction)
    theirs = functional.cross_entropy(outputs, targets, reduction=reduction)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad(v.sum(), outputs)[0] for v in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_targets_may_be_probabilities():
    outputs, targets = draws((7, 5)), torch.softmax(draws((7, 5)).detach() + 1, 1)
    ours = cross_entropy(outputs, targets)
    torch.testing.assert_close(ours, functional.cross_entropy(outputs, targets))


def test_a_network_that_is_sure_and_wrong_has_a_large_finite_loss():
    outputs = torch.tensor([[1e4, 0.0]], dtype=torch.float64)
    assert cross_entropy(outputs, torch.tensor([1])).item() == pytest.approx(1e4)


def test_only_cross_entropy_has_a_quick_form():
    assert quick(functional.cross_entropy) is cross_entropy
    assert quick(functional.mse_loss) is functional.mse_loss

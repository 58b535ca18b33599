"""Dropout: the formula of the inverted form, and whose random numbers it takes."""

import pytest
import torch

from pilotlight.nets.dropout import Dropout


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x():
    return torch.randn(50, 40, generator=generator(9), dtype=torch.float64)


def lone(rate, seed=0):
    layer = Dropout(rate)
    layer.generator = generator(seed)
    return layer


def test_evaluation_changes_nothing_even_with_a_mask(x):
    layer = lone(0.5).eval()
    assert layer(x) is x
    layer.mask = torch.zeros_like(x)
    assert layer(x) is x


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.9])
def test_it_zeroes_and_scales_by_its_own_draw(x, rate):
    kept = torch.rand(x.shape, generator=generator(), dtype=x.dtype) >= rate
    torch.testing.assert_close(lone(rate)(x), torch.where(kept, x / (1 - rate), 0.0))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_the_expectation_is_kept(rate):
    count = 200_000
    ones = torch.ones(count, dtype=torch.float64)
    out = lone(rate)(ones)
    deviation = (rate / (1 - rate) / count) ** 0.5
    assert abs(out.mean() - 1) < 4 * deviation
    assert abs((out == 0).double().mean() - rate) < 4 * (rate * (1 - rate) / count) ** 0.5
    assert set(out.tolist()) == {0.0, 1 / (1 - rate)}


def test_a_mask_that_was_laid_in_is_used_and_nothing_is_drawn(x):
    layer = lone(0.5)
    layer.mask = torch.arange(40, dtype=torch.float64)
    before = layer.generator.get_state()
    assert torch.equal(layer(x), x * layer.mask)
    assert torch.equal(before, layer.generator.get_state())


def test_its_own_generator_decides_and_the_shared_one_is_left_alone(x):
    before = torch.random.get_rng_state()
    assert torch.equal(lone(0.5, 1)(x), lone(0.5, 1)(x))
    assert not torch.equal(lone(0.5, 1)(x), lone(0.5, 2)(x))
    assert torch.equal(before, torch.random.get_rng_state())


def test_without_a_generator_it_draws_from_the_shared_one_as_torch_does(x):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        first = Dropout(0.5)(x)
        torch.manual_seed(3)
        assert torch.equal(first, Dropout(0.5)(x))
        assert not torch.equal(first, Dropout(0.5)(x))


def test_a_rate_of_one_drops_all_as_torch_does(x):
    x.requires_grad_()
    out = lone(1.0)(x)
    assert torch.equal(out, torch.nn.Dropout(1.0)(x))
    out.sum().backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_gradients_pass_where_units_are_kept(x):
    x.requires_grad_()
    out = lone(0.25)(x)
    out.sum().backward()
    torch.testing.assert_close(x.grad, torch.where(out.detach() != 0, 1 / 0.75, 0.0).double())


def test_the_mask_is_no_part_of_the_saved_weights():
    layer = Dropout(0.5)
    layer.mask = torch.ones(3)
    assert layer.state_dict() == {}

"""Data drawn in code: what their closed forms say."""

from __future__ import annotations

import math

import pytest
import torch

from pilotlight.data.generators import generator
from pilotlight.data.synthetic import ring, ring_shares

ROWS = 100_000


@pytest.fixture(scope="module")
def points():
    draw = generator(0, "ring")
    return ring(torch.rand(ROWS, generator=draw), torch.randn(ROWS, 2, generator=draw))


def test_a_ring_has_its_spread_around_each_centre(points):
    assert points.mean(0).abs().max() < 0.01
    squares = points.square().sum(1).mean().item()
    assert squares == pytest.approx(1 + 2 * 0.05**2, abs=0.001)


def test_the_share_within_three_deviations_is_rayleighs(points):
    shares = ring_shares(points)
    inside = 1 - math.exp(-9 / 2)  # the distance is Rayleigh-distributed
    assert shares.sum().item() == pytest.approx(inside, abs=4 * math.sqrt(inside / 90 / ROWS))
    assert shares.tolist() == pytest.approx([inside / 8] * 8, abs=0.005)


def test_centres_stand_in_equal_steps_from_the_right():
    each = (torch.arange(4) + 0.5) / 4
    expected = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    torch.testing.assert_close(ring(each, torch.zeros(4, 2), modes=4), expected, atol=1e-6, rtol=0)


def test_both_ends_of_the_uniform_noise_are_modes():
    ends = ring(torch.tensor([0.0, 1 - 2**-24]), torch.zeros(2, 2))
    assert ring_shares(ends).tolist() == [0.5, 0, 0, 0, 0, 0, 0, 0.5]


def test_shares_keep_the_type_and_go_through_vmap():
    many = torch.randn(3, 50, 2, dtype=torch.float64, generator=generator(0, "many"))
    stacked = torch.func.vmap(ring_shares)(many)
    assert stacked.dtype == torch.float64
    assert torch.equal(stacked, torch.stack([ring_shares(each) for each in many]))

"""Schedules against torch.optim.lr_scheduler and closed forms."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR

from pilotlight.engine.schedule import constant, cosine, linear_to_zero, warmup

STEPS = 40


def factors(schedule, **settings):
    own = SimpleNamespace(**settings)
    return [float(schedule(step, STEPS, own)) for step in range(STEPS)]


def torch_factors(kind, **words):
    """The rates of a torch scheduler on a rate of 1, one for each step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = kind(optimizer, **words)
    rates = []
    for _ in range(STEPS):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates


def test_constant_changes_nothing():
    assert factors(constant) == [1.0] * STEPS


def test_cosine_is_torchs_and_the_closed_form():
    assert factors(cosine) == pytest.approx(torch_factors(CosineAnnealingLR, T_max=STEPS))
    assert factors(cosine)[0] == 1
    assert factors(cosine)[STEPS // 2] == pytest.approx(0.5)
    assert factors(cosine)[-1] == pytest.approx((1 - math.cos(math.pi / STEPS)) / 2)


def test_linear_to_zero_is_torchs():
    theirs = torch_factors(LinearLR, start_factor=1.0, end_factor=0.0, total_iters=STEPS)
    assert factors(linear_to_zero) == pytest.approx(theirs)
    assert factors(linear_to_zero)[-1] == pytest.approx(1 / STEPS)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 1.0])
def test_warmup_is_torchs(share):
    rising = round(share * STEPS)
    theirs = torch_factors(LinearLR, start_factor=1 / rising, total_iters=rising - 1)
    assert factors(warmup, warmup=share) == pytest.approx(theirs)


def test_no_warmup_is_constant():
    assert factors(warmup, warmup=0.0) == [1.0] * STEPS


def test_warmup_may_differ_from_network_to_network():
    shares = torch.tensor([0.0, 0.25, 1.0], dtype=torch.float64)
    settings = SimpleNamespace(warmup=shares)
    stacked = torch.stack([warmup(step, STEPS, settings) for step in range(STEPS)], 1)
    for row, share in zip(stacked.tolist(), shares.tolist(), strict=True):
        assert row == pytest.approx(factors(warmup, warmup=share))

"""The lab on games: its exhibits pass, and known mistakes make them fail."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from pilotlight.core.report import MemberRow
from pilotlight.labs.generative import gan as module
from pilotlight.labs.generative.gan import lab, play

BY_ID = {exhibit.id: exhibit for exhibit in lab.exhibits}


# --- the lab as it is ---


@pytest.mark.parametrize("name", BY_ID)
def test_exhibits_pass(name, error_of):
    assert error_of(name) <= BY_ID[name].tolerance


def test_the_game_as_it_was_computed_elsewhere():
    """From (1, 1), whose distance is the root of 2, at rate 0.1."""
    ends = {turns: play(turns)[-1].norm().item() for turns in ("at once", "looking ahead")}
    assert ends == pytest.approx({"at once": 17.016, "looking ahead": 0.1176}, abs=1e-3)


def test_momentum_grows_by_the_largest_root():
    recurrence = np.poly([1, 1, 0.9, 0.9])
    recurrence[1] += 0.01
    growth = max(abs(np.roots(recurrence)))
    distance = play("in turn", momentum=0.9).norm(dim=1)
    assert (distance[500] / distance[300]) ** (1 / 200) == pytest.approx(growth, rel=1e-2)
    assert growth > 1.1


def test_the_discriminators_loss_is_cross_entropy():
    real, fake = torch.randn(2, 20, generator=torch.Generator().manual_seed(0))
    ours = module.discriminator_loss(real, fake).mean()
    told, labels = torch.cat([real, fake]), torch.tensor([1.0] * 20 + [0.0] * 20)
    torch.testing.assert_close(ours, 2 * binary_cross_entropy_with_logits(told, labels))


def test_the_penalty_of_a_plane_is_its_squared_slope():
    plane = nn.Linear(2, 1)
    points = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    expected = plane.weight.square().sum().expand(7)
    torch.testing.assert_close(module.steepness(plane, points), expected)


def test_the_penalty_is_of_real_points_and_moves_the_weights():
    """Half of penalty times the mean over them; fakes do not enter (R1, not R2)."""
    draw, double = torch.Generator().manual_seed(0), torch.float64
    model = module.Players(2, 8).double()
    noise = SimpleNamespace(
        latent=torch.randn(5, 2, generator=draw, dtype=double),
        which=torch.rand(5, generator=draw, dtype=double),
        around=torch.randn(5, 2, generator=draw, dtype=double),
    )
    batch = SimpleNamespace(noise=noise)
    without, with_it = (
        module.tell_apart(model, batch, SimpleNamespace(penalty=p), {})[0] for p in (0, 6)
    )
    real = module.ring(noise.which, noise.around).requires_grad_()
    (slopes,) = torch.autograd.grad(model.discriminator(real).sum(), real, create_graph=True)
    penalty = 3 * slopes.norm(dim=1).square().mean()
    torch.testing.assert_close(with_it - without, penalty)
    weights = [layer.weight for layer in model.discriminator if isinstance(layer, nn.Linear)]
    torch.testing.assert_close(
        torch.autograd.grad(with_it - without, weights), torch.autograd.grad(penalty, weights)
    )


# --- known mistakes ---


def test_a_player_who_sees_the_others_move_is_caught(monkeypatch, error_of):
    """The usual slip: "at once" written in turn. The distance then stays where it was."""
    right = module.play
    monkeypatch.setattr(module, "play", lambda turns, **how: right("in turn", **how))
    assert error_of("circling") > 0.5


def test_momentum_left_out_is_caught(monkeypatch, error_of):
    right = module.play
    monkeypatch.setattr(module, "play", lambda turns, momentum=0.0: right(turns))
    assert error_of("circling") > 1e-6


def test_a_saturating_loss_in_place_of_the_other_is_caught(monkeypatch, error_of):
    monkeypatch.setattr(module, "generator_loss", lambda fake, loss: -softplus(fake))
    assert error_of("saturation") > 0.9


def test_a_discriminator_told_the_wrong_way_round_is_caught(monkeypatch, error_of):
    right = module.discriminator_loss
    monkeypatch.setattr(module, "discriminator_loss", lambda real, fake: right(fake, real))
    assert error_of("best_discriminator") > 1e-3


def test_a_mode_covered_by_one_sample_is_caught(monkeypatch, error_of):
    monkeypatch.setattr(module, "covered", lambda shares: (shares > 0).sum())
    assert error_of("what_counts") == 1


def nearest(points):
    """Every sample counts for the nearest mode, however far."""
    centres = module.ring((torch.arange(8) + 0.5) / 8, torch.zeros(8, 2)).to(points)
    return nn.functional.one_hot(torch.cdist(points, centres).argmin(1), 8).to(points).mean(0)


@pytest.mark.parametrize("shares", [nearest, lambda x: module_shares(x, spread=0.1)])
def test_samples_that_are_not_near_are_caught(shares, monkeypatch, error_of):
    """Without the rule of three standard deviations, or with that of six."""
    monkeypatch.setattr(module, "ring_shares", shares)
    assert error_of("what_counts") >= 0.2


module_shares = module.ring_shares


def test_filmed_seeds_are_the_first_ones_not_chosen():
    assert lab.train.snapshot_seeds == 3


# --- pictures ---


def member(comparison, modes, snapshots=()):
    final = {"modes": modes, "high_quality": 0.5}
    return MemberRow(0, comparison, 0, {}, final=final, snapshots=snapshots)


def test_picture_shows_every_network():
    values = [8.0] * 12 + [0.0, 3.0, 3.0, None]
    members = [member("no_momentum", modes) for modes in values]
    figure = Figure(figsize=(8, 5))
    lab.picture(SimpleNamespace(members=members), figure)
    shown = [x for line in figure.axes[0].lines for x in line.get_xdata()]
    assert sorted(round(x) for x in shown) == [0, 3, 3, *[8] * 12]


def test_movie_shows_each_seed_at_its_time():
    track = [{"step": 100 * k, "samples": [[k, 0.0]]} for k in range(3)]
    members = [member("minimax", 8.0, track), member("minimax", 1.0, track[:2])]
    figure = Figure(figsize=(8, 5))
    lab.movie(SimpleNamespace(members=members), figure, 2)
    places = [c.get_offsets()[0].tolist() for axes in figure.axes for c in axes.collections]
    assert places == [[2.0, 0.0], [1.0, 0.0]]  # the second diverged: its last samples stay
    steps = [axes.get_xlabel() for axes in figure.axes if axes.collections]
    assert steps == ["step 200", "step 100"]


def test_pictures_of_a_run_stopped_at_once():
    lab.picture(SimpleNamespace(members=[]), Figure(figsize=(8, 5)))


def test_success_is_seven_of_eight():
    assert [module.seven_of_eight(m) for m in (6, 7, 8)] == [False, True, True]
    assert math.isclose(lab.claims["always"].at_most, 0.5)

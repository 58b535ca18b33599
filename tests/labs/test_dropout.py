"""The dropout lab: its exhibits pass, known mistakes are caught, masks are drawn as told."""

from types import SimpleNamespace

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import nn

from pilotlight.labs.catalogue import load
from pilotlight.labs.foundations import dropout as module
from pilotlight.labs.foundations.dropout import Net, draws_of, mask_of

lab = load("dropout")


def test_exhibits_pass(failing):
    assert failing() == set()


# --- mistakes that the exhibits must see ---


def not_rescaled(draws, rate):
    return (draws >= rate).to(draws.dtype)


def rescaled_by_the_rate(draws, rate):
    return (draws >= rate).to(draws.dtype) / max(rate, 1e-3)


def kept_and_dropped_swapped(draws, rate):
    return (draws < rate).to(draws.dtype) / (1 - rate)


@pytest.mark.parametrize("mistake", [not_rescaled, rescaled_by_the_rate, kept_and_dropped_swapped])
def test_a_mistake_in_the_mask_makes_exhibits_fail(monkeypatch, mistake, failing):
    monkeypatch.setattr(module, "mask_of", mistake)
    assert {"same_as_torch", "ridge_in_a_straight_fit", "mean_of_all_networks"} <= failing()


class DropsItsInputs(Net):
    def forward(self, x, mask=1.0):
        mask = mask if isinstance(mask, float) else mask[..., : x.shape[1]]
        return self.readout(self.hidden(x * mask).relu())


class DropsItsScores(Net):
    def forward(self, x, mask=1.0):
        mask = mask if isinstance(mask, float) else mask[..., :3]
        return self.readout(self.hidden(x).relu()) * mask


class DropsBeforeTheActivation(Net):
    def forward(self, x, mask=1.0):
        return self.readout((self.hidden(x) * mask).relu())


@pytest.mark.parametrize("mistake", [DropsItsInputs, DropsItsScores])
def test_dropping_in_another_place_makes_exhibits_fail(monkeypatch, mistake, failing):
    monkeypatch.setattr(module, "Net", mistake)
    assert "same_as_torch" in failing()


def test_before_a_relu_is_the_same_place(monkeypatch, failing):
    monkeypatch.setattr(module, "Net", DropsBeforeTheActivation)
    assert failing() == set()


def one_for_all_rows(batch, settings, state):
    return batch.noise.hidden[:1], state


def never_anew(batch, settings, state):
    kept = torch.where(state["step"] == 0, batch.noise.hidden, state["draws"])
    return kept, {"step": state["step"] + 1, "draws": kept}


@pytest.mark.parametrize("mistake", [one_for_all_rows, never_anew])
def test_masks_drawn_too_seldom_make_an_exhibit_fail(monkeypatch, mistake, failing):
    monkeypatch.setattr(module, "draws_of", mistake)
    assert failing() == {"masks_of_an_epoch"}


def test_dropout_left_on_in_evaluation_makes_an_exhibit_fail(monkeypatch, failing):
    def left_on(model, batch, settings, state):
        found = evaluate(model, batch, settings, state)
        return {**found, "accuracy": found["accuracy_left_on"]}

    evaluate = module.evaluate
    monkeypatch.setattr(module, "evaluate", left_on)
    assert failing() == {"mean_of_all_networks"}


# --- by hand ---


def test_mask_by_hand():
    draws = torch.tensor([0.0, 0.1, 0.75, 0.8, 0.99])
    assert mask_of(draws, 0.75).tolist() == [0, 0, 4, 4, 4]
    assert mask_of(draws, 0.0).tolist() == [1] * 5


def test_a_mask_keeps_the_mean():
    draws = torch.rand(100_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for rate in (0.1, 0.5, 0.9):
        deviation = (rate / (1 - rate) / len(draws)) ** 0.5
        assert mask_of(draws, rate).mean().item() == pytest.approx(1, abs=4 * deviation)


def test_draws_of_an_epoch_change_when_the_next_begins():
    told = SimpleNamespace(masks="epoch", rows=6, batch=2, width=4)
    state, seen = module.start(Net(2, 4, 3), told), []
    for step in range(7):
        noise = SimpleNamespace(hidden=torch.full((2, 4), float(step)))
        draws, state = draws_of(SimpleNamespace(noise=noise), told, state)
        seen.append(draws.tolist())
    assert seen == [[[float(step)] * 4] for step in (0, 0, 0, 3, 3, 3, 6)]


def test_without_a_mask_it_is_an_ordinary_network():
    net = Net(6, 5, 3)
    peer = nn.Sequential(net.hidden, nn.ReLU(), net.readout)
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net(x), peer(x), rtol=0, atol=0)


def test_metrics_by_hand():
    curves = {"epoch": [0.0, 1, 2, 3, 4], "test_accuracy": [0.1, 0.9, 0.8, 0.7, 0.6]}
    curves["test_accuracy_left_on"] = [0.1, 0.5, 0.5, 0.5, 0.5]
    assert module.stays(curves) == pytest.approx(-0.3)
    assert module.left_on(curves) == pytest.approx(-0.1)


# --- its picture ---


def drawn(members):
    figure = Figure(figsize=(8, 5))
    FigureCanvasAgg(figure)
    lab.picture(SimpleNamespace(members=members), figure)
    figure.canvas.draw()
    return figure


def row(comparison, accuracies):
    curves = {"test_accuracy": accuracies} if accuracies else {}
    return SimpleNamespace(comparison=comparison, curves=curves, diverged_at=None)


def test_picture_shows_means_over_seeds():
    members = [row("plain", [0.1, 0.8]), row("plain", [0.1, 0.6]), row("right_plain", [0.2, 0.9])]
    left, right = drawn(members).axes
    assert [list(line.get_ydata()) for line in left.lines] == [pytest.approx([0.1, 0.7])]
    assert [list(line.get_ydata()) for line in right.lines] == [pytest.approx([0.2, 0.9])]


def test_picture_of_a_run_that_was_stopped_at_once():
    assert len(drawn([]).axes) == 2
    assert len(drawn([row("plain", [])]).axes) == 2

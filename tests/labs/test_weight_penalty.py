"""The weight-penalty lab: its exhibits pass, known mistakes are caught, L1's zeros are exact."""

from types import SimpleNamespace

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import nn

from pilotlight.labs.catalogue import load
from pilotlight.labs.foundations import weight_penalty as module

lab = load("weight-penalty")


def test_exhibits_pass(failing):
    assert failing() == set()


# --- mistakes that the exhibits must see ---

penalty, soft, weights_of = module.penalty, module.soft, module.weights_of


def without_the_half(model, settings):
    return penalty(model, SimpleNamespace(**{**vars(settings), "l2": 2 * settings.l2}))


def biases_too(model, settings):
    return penalty(model, SimpleNamespace(**{**vars(settings), "biases": True}))


def biases_never(model, settings):
    return penalty(model, SimpleNamespace(**{**vars(settings), "biases": False}))


def roots_of_squares(model, settings):
    return settings.l2 / 2 * sum(w.square().sum().sqrt() for w in weights_of(model))


PENALTIES = {
    without_the_half: {"same_as_scikit_learn", "shrink_or_cut", "decay_is_the_penalty"},
    biases_too: {"same_as_scikit_learn"},
    biases_never: {"decay_is_the_penalty"},
    roots_of_squares: {"same_as_scikit_learn", "shrink_or_cut", "decay_is_the_penalty"},
}


@pytest.mark.parametrize("mistake", PENALTIES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_in_the_penalty_makes_exhibits_fail(monkeypatch, mistake, failing):
    monkeypatch.setattr(module, "penalty", mistake)
    assert failing() == PENALTIES[mistake]


def past_zero(w, by):
    return w - by * w.sign()


def cut_only(w, by):
    return w * (w.abs() > by)


def twice(w, by):
    return soft(w, 2 * by)


@pytest.mark.parametrize("mistake", [past_zero, cut_only, twice], ids=lambda m: m.__name__)
def test_a_mistake_in_the_threshold_makes_exhibits_fail(monkeypatch, mistake, failing):
    monkeypatch.setattr(module, "soft", mistake)
    assert failing() == {"same_as_scikit_learn", "shrink_or_cut"}


def test_adam_with_a_penalty_taken_for_adamw_is_seen(monkeypatch, failing):
    monkeypatch.setattr(torch.optim, "Adam", torch.optim.AdamW)
    assert failing() == {"decay_is_the_penalty"}


# --- by hand ---


def two_weights(*values):
    model = nn.Linear(2, 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([values]))
        model.bias.fill_(5.0)
    return model


def told(**given):
    usual = dict(l1=0.0, l2=0.0, proximal=True, biases=False, rate=0.5)
    return SimpleNamespace(**{**usual, **given})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (dict(l2=0.2), 0.2 / 2 * (9 + 1)),
        (dict(l2=0.2, biases=True), 0.2 / 2 * (9 + 1 + 25)),
        (dict(l1=0.2), 0.0),
        (dict(l1=0.2, proximal=False), 0.2 * (3 + 1)),
    ],
)
def test_penalty_of_two_weights(given, expected):
    assert module.penalty(two_weights(3.0, -1.0), told(**given)).item() == pytest.approx(expected)


def test_a_whole_step_down_the_proximal_loss_lands_on_zero():
    model = two_weights(0.3, -0.04)
    loss, _, _ = module.shrink(model, None, told(l1=0.1), {})  # takes off 0.5 * 0.1
    loss.backward()
    torch.optim.SGD(model.parameters(), lr=module.whole_step.defaults["rate"]).step()
    assert model.weight[0, 0].item() == pytest.approx(0.25)
    assert model.weight[0, 1].item() == 0
    assert model.bias.item() == 5


def test_share_of_zeros_counts_weights_and_no_biases():
    model = two_weights(0.0, 1.0)
    nn.init.zeros_(model.bias)
    batch = SimpleNamespace(inputs=torch.zeros(3, 2), targets=torch.zeros(3, dtype=torch.int64))
    assert module.evaluate(model, batch, told(), {})["zeros"].tolist() == [0.5] * 3


# --- its picture ---


def drawn(members):
    figure = Figure(figsize=(8, 5))
    FigureCanvasAgg(figure)
    lab.picture(SimpleNamespace(members=members), figure)
    figure.canvas.draw()
    return figure


def row(comparison, accuracy, zeros=0.0, diverged_at=None):
    final = {"test_accuracy": accuracy, "test_zeros": zeros}
    return SimpleNamespace(comparison=comparison, final=final, diverged_at=diverged_at)


def test_picture_shows_means_over_seeds_at_each_strength():
    members = [row("l1", 0.7, 0.8), row("l1", 0.8, 0.9), row("l1_weak", 0.6, 0.4)]
    members += [row("right_l1", 0.95), row("l1_gradient", 0.1), row("l1_strong", 0.2, 1.0, 3)]
    _, right = drawn(members).axes
    lines = {n.get_label(): n for n in right.lines if n.get_linewidth() == 2.5}
    expected = {
        "read, all labels right": ([2], [0.95]),
        "read, 40 % wrong labels": ([1, 2], [0.6, 0.75]),
        "weights exactly 0": ([1, 2], [0.4, 0.85]),
    }
    for words, (places, means) in expected.items():
        assert list(lines[words].get_xdata()) == places
        assert list(lines[words].get_ydata()) == pytest.approx(means)
    assert [t.get_text() for t in right.get_xticklabels()] == ["0", "0.001", "0.004", "0.008"]


def test_picture_of_a_run_that_was_stopped_at_once():
    assert len(drawn([]).axes) == 2

"""The adam lab: its exhibits pass, known mistakes make them fail, its networks are as told."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch.nn.functional import cross_entropy

from pilotlight.core.event import Measured
from pilotlight.data.bundled import read_digits
from pilotlight.engine.plan import build, make, make_members
from pilotlight.engine.run import run
from pilotlight.labs.catalogue import load
from pilotlight.labs.foundations import adam as module
from pilotlight.labs.foundations.adam import amsgrad, double, walk

lab = load("adam")
NEVER_FORGETS = replace(module.adam, rule=amsgrad, slots=("mean", "square", "largest"))


# --- exhibits, and mistakes that they must see ---


def test_exhibits_pass(failing):
    assert failing() == set()


def averages(p, g, slots, at):
    """Of the gradient and of its square, with decay inside the gradient."""
    g = g if at.weight_decay is None else g + at.weight_decay * p
    mean = slots["mean"].mul_(at.beta1).add_((1 - at.beta1) * g)
    return mean, slots["square"].mul_(at.beta2).add_((1 - at.beta2) * g * g)


def no_correction(p, g, slots, count, at):
    mean, square = averages(p, g, slots, at)
    p.sub_(at.rate * mean / (square.sqrt() + at.epsilon))


def only_the_mean_corrected(p, g, slots, count, at):
    mean, square = averages(p, g, slots, at)
    p.sub_(at.rate / (1 - at.beta1**count) * mean / (square.sqrt() + at.epsilon))


def correction_one_step_late(p, g, slots, count, at):
    mean, square = averages(p, g, slots, at)
    root = (square / (1 - at.beta2 ** (count + 1))).sqrt() + at.epsilon
    p.sub_(at.rate / (1 - at.beta1 ** (count + 1)) * mean / root)


def epsilon_inside_the_root(p, g, slots, count, at):
    mean, square = averages(p, g, slots, at)
    root = (square / (1 - at.beta2**count) + at.epsilon).sqrt()
    p.sub_(at.rate / (1 - at.beta1**count) * mean / root)


def epsilon_before_the_correction(p, g, slots, count, at):
    mean, square = averages(p, g, slots, at)
    root = (square.sqrt() + at.epsilon) / (1 - at.beta2**count).sqrt()
    p.sub_(at.rate / (1 - at.beta1**count) * mean / root)


def never_forgetting(p, g, slots, count, at):
    slots.setdefault("largest", torch.zeros_like(p))
    amsgrad(p, g if at.weight_decay is None else g + at.weight_decay * p, slots, count, at)


TORCH, FIRST, HALF = "same_as_torch", "first_step", "half_of_it"
DECAYS, REDDI = "two_decays", "where_adam_fails"
MISTAKES = {
    no_correction: {TORCH, FIRST, HALF},
    only_the_mean_corrected: {TORCH, FIRST, HALF},
    correction_one_step_late: {TORCH, FIRST, HALF},
    epsilon_inside_the_root: {TORCH, FIRST},
    epsilon_before_the_correction: {TORCH, FIRST},
    never_forgetting: {TORCH, REDDI},
}


@pytest.mark.parametrize("rule", MISTAKES, ids=lambda rule: rule.__name__)
def test_a_mistake_makes_exhibits_fail(monkeypatch, rule, failing):
    monkeypatch.setattr(module, "adam", replace(module.adam, rule=rule))
    assert failing() == MISTAKES[rule]


@pytest.mark.parametrize("swapped", ["adam", "adamw"])
def test_decay_at_the_wrong_place_makes_exhibits_fail(monkeypatch, swapped, failing):
    other = {"adam": module.adamw, "adamw": module.adam}[swapped]
    own = getattr(module, swapped)
    monkeypatch.setattr(module, swapped, replace(own, rule=other.rule))
    assert failing() == {TORCH, DECAYS}


@pytest.mark.parametrize(
    "rule",
    [
        lambda p, g, slots, count, at: module.adam.rule(p, g, slots, count, at),
        lambda p, g, slots, count, at: slots["largest"].fill_(1.0),
    ],
    ids=["forgets", "stands still"],
)
def test_a_wrong_amsgrad_is_seen(monkeypatch, rule, failing):
    monkeypatch.setattr(module, "amsgrad", rule)
    assert failing() == {REDDI}


# --- published numbers and torch ---


@pytest.mark.parametrize("optimizer", [module.adam, NEVER_FORGETS], ids=["adam", "amsgrad"])
def test_trajectory_published_with_keras(optimizer):
    # first all slopes are 0.01, then 0.1 to 1.0; published is one number for all, to 5e-4
    slopes = torch.arange(1, 11, dtype=torch.float64) / 10
    start = torch.ones_like(slopes)
    path = walk(optimizer, start, lambda x, n: 0.01 * start if n == 1 else slopes, 5)
    published = double([0.999, 0.9982, 0.9974, 0.9965, 0.9955])[:, None].expand_as(path)
    torch.testing.assert_close(path, published, rtol=0, atol=5e-4)
    assert float(path[:, -1].sub(published[:, -1]).abs().max()) < 6e-5  # to the last digit


def test_amsgrad_equals_torchs():
    start = torch.linspace(-1, 1, 5, dtype=torch.float64)
    theirs = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([theirs], lr=0.001, betas=(0.5, 0.9), amsgrad=True)
    path = walk(NEVER_FORGETS, start, lambda x, n: x * n % 3 - 1, 200, beta1=0.5, beta2=0.9)
    for step, ours in enumerate(path, 1):
        theirs.grad = theirs.detach() * step % 3 - 1
        optimizer.step()
        torch.testing.assert_close(ours, theirs.detach(), rtol=0, atol=1e-12)


def test_on_reddis_slopes_adam_is_at_the_worst_point_after_every_cycle():
    path = walk(
        module.adam,
        double([1.0]),
        lambda x, step: double([4.0 if step % 3 == 1 else -1.0]),
        steps=300,
        most=1,
        rate=lambda step: 0.5 / step**0.5,
        beta1=0.0,
        beta2=1 / 17,
        epsilon=0.0,
    )
    assert path[2::3].unique().tolist() == [1.0]


def test_reddis_ends_are_those_that_the_sheet_of_the_exhibit_says():
    _, shown = next(e for e in lab.exhibits if e.id == REDDI).function()
    assert shown["Adam"] == 1.0
    assert -1 < shown["AMSGrad"] < -0.99
    assert -1 < shown["plain"] < -0.96


# --- its networks ---


def member_of(comparison, seed=0):
    return make_members(lab, [seed], {}, (comparison,))[0]


def test_comparisons_are_what_their_names_say():
    for name in lab.compare:
        own = member_of(name).settings
        method, *task = name.split("_")
        assert own.optimizer == ("adam" if method == "adam" else "sgd")
        assert method == "adam" or own.momentum == {"plain": 0.0, "momentum": 0.9}[method]
        assert own.pixels == (16.0 if "bright" in task else 1.0)
        assert own.layers == (4 if "deep" in task else 1)
        assert own.rate == (float(task[-1]) if task else 0.001)


def test_pixels_scale_the_inputs_in_training_and_in_evaluation():
    model = build(lab, member_of("adam"))
    inputs, targets = read_digits()
    batch, settings = SimpleNamespace(inputs=inputs, targets=targets), SimpleNamespace(pixels=16.0)
    outputs = model(16 * inputs)
    expected = cross_entropy(outputs, targets).item()
    assert module.fit(model, batch, settings, {})[0].item() == pytest.approx(expected)
    found = module.evaluate(model, batch, settings, {})["accuracy"]
    assert torch.equal(found.bool(), outputs.argmax(1) == targets)


def test_epochs_to_90():
    curves = {"epoch": [0.0, 1.0, 2.0, 3.0], "test_accuracy": [0.1, 0.89, 0.9, 0.8]}
    assert module.epochs_to_90(curves) == 2.0
    assert module.epochs_to_90({"epoch": [0.0, 1.0], "test_accuracy": [0.1, 0.89]}) is None


def test_the_rates_hold_or_break_as_told_after_two_epochs():
    names = ("adam_0.01", "adam_bright_0.01", "momentum_0.3", "momentum_bright_0.3", "momentum_3")
    members = make_members(lab, [0, 1], {"epochs": 2}, names)
    plan, material = make(lab, members, "cpu", "float64")
    ends = {name: [] for name in names}
    for e in run(replace(lab, exhibits=()), plan, material):
        if isinstance(e, Measured) and e.final:
            for i, value in zip(e.members, e.values["test_accuracy"], strict=True):
                ends[members[i].comparison].append(value or 0.0)
    assert min(ends["adam_0.01"] + ends["adam_bright_0.01"] + ends["momentum_0.3"]) > 0.75
    assert max(ends["momentum_bright_0.3"] + ends["momentum_3"]) < 0.3


# --- its picture ---


def drawn(members):
    figure = Figure(figsize=(8, 5))
    FigureCanvasAgg(figure)
    lab.picture(SimpleNamespace(members=members), figure)
    figure.canvas.draw()
    return figure


def row(comparison, *values):
    own = member_of(comparison).settings
    return SimpleNamespace(
        comparison=comparison, settings=own, curves={"test_accuracy": list(values)}
    )


def test_picture_shows_means_over_seeds_on_each_task():
    members = [row("adam", 0.1, 0.8), row("adam", 0.1, 0.6), row("adam_0.01", 0.1, 0.9)]
    members += [row("momentum_bright_0.3", 0.1, None), row("adam_deep_0.01", 0.1, 0.5)]
    figure = drawn(members)
    lines = [[li for li in axes.lines if li.get_linewidth() == 2.5] for axes in figure.axes]
    (adam,), (momentum,), (deep,) = lines
    assert list(adam.get_xdata()) == [0.001, 0.01]
    assert list(adam.get_ydata()) == pytest.approx([0.7, 0.9])
    assert list(momentum.get_ydata()) == [0.0]  # it diverged
    assert list(deep.get_ydata()) == [0.5]
    assert [t.get_text() for t in figure.legends[0].texts] == ["Adam"]


def test_picture_of_a_run_that_was_stopped_at_once():
    assert len(drawn([]).axes) == 3
    assert len(drawn([row("adam")]).axes) == 3

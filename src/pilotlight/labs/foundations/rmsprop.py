"""What does dividing by the gradient's running size change?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, exhibit
from pilotlight.core.settings import choice, log, switch, unit, whole
from pilotlight.data.bundled import digits
from pilotlight.engine.optim import rmsprop, sgd
from pilotlight.engine.steps import Phase, Training
from pilotlight.nets.dense import mlp

double = partial(torch.tensor, dtype=torch.float64)


def walk(start: Tensor, slope: Callable[[Tensor], Tensor], steps: int, **given: float) -> Tensor:
    """Go down with the update that trains this lab's networks; every position, [steps, ...]."""
    at = SimpleNamespace(**{n: double(v) for n, v in {**rmsprop.defaults, **given}.items()})
    place, path = start.clone(), []
    slots = {name: torch.zeros_like(start) for name in rmsprop.slots}
    for step in range(1, steps + 1):
        rmsprop.rule(place, slope(place), slots, step, at)
        path.append(place.clone())
    return torch.stack(path)


@exhibit(tolerance=1e-12)
def same_as_torch() -> float:
    """The update of this lab is that of torch.optim.RMSprop, over 500 steps of three forms."""
    errors, start = [], torch.linspace(-1, 1, 7, dtype=torch.float64)
    forms: list[dict[str, Any]] = [
        {},
        {"smoothing": 0.9, "momentum": 0.5},
        {"epsilon": 0.01, "weight_decay": 0.1},
    ]
    for form in forms:
        theirs = start.clone().requires_grad_()
        words = {rmsprop.torch_words[name]: value for name, value in form.items()}
        optimizer = torch.optim.RMSprop([theirs], lr=0.01, **words)
        for ours in walk(start, torch.sinh, 500, **form):
            theirs.grad = theirs.detach().sinh()
            optimizer.step()
            errors.append(ours - theirs.detach())
    return float(torch.stack(errors).abs().max())


@exhibit(tolerance=1e-12)
def first_step() -> tuple[float, dict[str, float]]:
    """The first step is rate / sqrt(1 - smoothing) long, ten rates, however steep the slope.

    The running square starts at 0 and nothing corrects for it; epsilon stands beside the root.
    """
    slopes = torch.logspace(-9, 6, 16, dtype=torch.float64)
    steps = -walk(torch.zeros_like(slopes), lambda x: slopes, 1)[0]
    expected = 0.01 * slopes / ((1 - 0.99) ** 0.5 * slopes + 1e-8)
    shown = {f"slope {s:g}": float(step) for s, step in zip(slopes, steps, strict=True)}
    return float((steps - expected).abs().max()), shown


@exhibit(tolerance=0)
def any_unit() -> tuple[float, dict[str, int]]:
    """Slopes a million times larger, of one weight or of all, change no bit of the path.

    So a bowl may be narrow along the weights' axes, but not across them.
    """
    units = double([1.0, 2.0**-20, 2.0**20, 2.0**30])
    path = walk(torch.ones_like(units), lambda x: units * x.sinh(), 500, epsilon=0.0)
    shown, narrow = {}, double([[1, 0], [0, 1000]])
    turn = double([[1, 1], [-1, 1]]) / 2**0.5
    for way, bowl in {"along": narrow, "across": turn.T @ narrow @ turn}.items():
        away = walk(double([1, 0.3]), bowl.matmul, 2000).norm(dim=1)
        shown[f"steps to the bottom of a bowl narrow {way} the axes"] = int((away > 0.05).sum())
    return float((path - path[:, :1]).abs().max()), shown


@exhibit(tolerance=1e-9)
def never_rests() -> float:
    """In any bowl it does not stop at the bottom, but swings by half its rate to either side.

    There the slope's size stays the same, so the root is that size, and each step is one rate.
    """
    curvatures = double([0.001, 1.0, 1000.0])
    path = walk(torch.ones_like(curvatures), curvatures.mul, 6000, rate=0.1, epsilon=0.0)
    return float((path[-2:].abs() - 0.05).abs().max())


def fit(model: nn.Module, batch: Any, settings: Any, state: Any) -> Any:
    """The loss of a batch, counted in any unit."""
    return settings.unit * cross_entropy(model(batch.inputs), batch.targets), {}, state


fit_by_sgd = fit  # a phase has one optimizer, and a name of its own


def evaluate(model: nn.Module, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Whether each row is told right."""
    right = model(batch.inputs).argmax(1) == batch.targets
    return {"accuracy": right.to(batch.inputs.dtype)}


def network(settings: Any) -> nn.Module:
    """One hidden layer of ReLU, or three of sigmoids, through which gradients shrink."""
    if not settings.deep:
        return mlp(64, [64], 10)
    hidden = [layer for _ in range(3) for layer in (nn.Linear(64, 64), nn.Sigmoid())]
    return nn.Sequential(*hidden, nn.Linear(64, 10))


UNITS = (0.01, 0.1, 10.0, 100.0)


def picture(report: Any, figure: Any) -> None:
    """Left: accuracy with the loss in any unit. Right: learning where gradients shrink."""
    left = figure.add_axes((0.08, 0.13, 0.37, 0.75), xscale="log", ylim=(0, 1.02))
    right = figure.add_axes((0.52, 0.13, 0.29, 0.75), ylim=(0, 1.02))
    left.set(title="One hidden layer of ReLU", xlabel="factor on the loss", ylabel="test accuracy")
    right.set(title="Three hidden layers of sigmoids", xlabel="epoch")
    looks = {"rmsprop": ("#1f5fbf", "-", "RMSprop"), "plain": ("#c9540a", "--", "plain descent")}
    looks["one_length"] = ("#00866f", ":", "the same, steps\nof one length")
    for name, (color, dash, words) in looks.items():
        curves, ends = [], dict[float, list[float]]()
        for member in report.members:
            curve = [value or 0.0 for value in member.curves.get("test_accuracy", ())]
            if curve and member.comparison == f"deep_{name}":
                curves.append(curve)
            elif curve and member.comparison in (name, *(f"{name}_unit_{u:g}" for u in UNITS)):
                ends.setdefault(member.settings["unit"], []).append(curve[-1])
        for unit_, values in ends.items():
            left.plot([unit_] * len(values), values, ".", color=color, alpha=0.3)
        left.plot(sorted(ends), [fmean(ends[u]) for u in sorted(ends)], dash, color=color, lw=2.5)
        for curve in curves:
            right.plot(curve, color=color, lw=0.7, alpha=0.3)
        if means := [fmean(values) for values in zip(*curves, strict=False)]:
            right.plot(means, dash, color=color, lw=2.5)
            right.text(len(means) - 0.5, means[-1], words, color=color, va="center")


PLAIN = dict(optimizer="sgd", rate=1.0)

lab = Lab(
    area="foundations",
    week=1,
    systems=[4],
    needs=["minibatch"],
    seconds=40,
    text="""
The steps of plain descent are as long as the gradient is large. So its rate must fit the gradient's
size, and that depends on things that should not matter: whether a loss is a sum or a mean, and how
deep in the network a weight sits.

RMSprop keeps, for each weight, a running average of its squared gradient, and divides by the root.
What is left is mostly a direction: each weight moves by about the rate. Count the loss in
hundredths and nothing changes. In a deep network of sigmoids the first layer's gradient begins two
hundred times smaller than the last one's; there RMSprop learns, and plain descent hardly, at any
rate. Steps of one length do not help plain descent: the weights must be divided one by one.

Where gradients are well sized and each method has its best rate, nothing is gained. The rate must
still be chosen, and two numbers more: how long the average remembers, and a small epsilon against
division by zero. And since a step is about one rate long, it never comes to rest (last exhibit).
""",
    data=digits,
    model=network,
    train=Training(
        phases=[
            Phase(fit, optimizer=rmsprop, when=lambda step, s: s.optimizer == "rmsprop"),
            Phase(fit_by_sgd, optimizer=sgd, when=lambda step, s: s.optimizer == "sgd"),
        ],
        evaluate=evaluate,
        parts=("test",),
    ),
    settings=dict(
        optimizer=choice("rmsprop", "sgd"),
        rate=log(1e-4, 1e5, 0.01),
        smoothing=unit(0.99),
        epsilon=log(1e-12, 10, 1e-8),
        unit=log(1e-4, 1e4, 1.0),
        clip=log(1e-6, 1e9, 1e9),
        deep=switch(False),
        batch=whole(1, 512, 64),
        epochs=whole(1, 100, 15),
    ),
    compare=dict(
        rmsprop={},
        plain=PLAIN,
        **{f"rmsprop_unit_{u:g}": dict(unit=u) for u in UNITS},
        **{f"plain_unit_{u:g}": PLAIN | dict(unit=u) for u in UNITS},
        fast_rmsprop=dict(rate=0.3),
        deep_rmsprop=dict(deep=True),
        deep_plain=PLAIN | dict(deep=True, rate=3.0),
        # gradients are all cut to a length that none is below; the rate makes each step 3 long
        deep_one_length=PLAIN | dict(deep=True, rate=3e4, clip=1e-4),
    ),
    quick=dict(epochs=5),
    claims=dict(
        unit_of_rmsprop=Claim(
            "With the loss divided by a hundred, RMSprop ends as accurate as before.",
            "rmsprop_unit_0.01",
            "rmsprop",
            within=0.02,
            expected=SUPPORTED,
        ),
        unit_of_plain=Claim(
            "With the loss divided by a hundred, plain descent ends less accurate.",
            "plain_unit_0.01",
            "plain",
            at_most=-0.1,
            expected=SUPPORTED,
        ),
        shrinking_gradients=Claim(
            "Where gradients shrink from layer to layer, RMSprop is far more accurate.",
            "deep_rmsprop",
            "deep_plain",
            at_least=0.3,
            expected=SUPPORTED,
            scope="three hidden layers of sigmoids; rate of plain descent 3, the best of a grid",
        ),
        length_alone=Claim(
            "There, dividing the whole gradient by its length does as much.",
            "deep_one_length",
            "deep_rmsprop",
            within=0.1,
            expected=REFUTED,
            scope="three hidden layers of sigmoids; steps 3 long, the best of a grid",
        ),
        each_at_its_best=Claim(
            "With each at its best rate, they end equally accurate.",
            "rmsprop",
            "plain",
            within=0.02,
            expected=SUPPORTED,
            scope="rates 0.01 and 1, the best of a grid on other seeds",
        ),
        no_rate_to_choose=Claim(
            "It adapts its rate, so that a rate thirty times larger ends as accurate.",
            "fast_rmsprop",
            "rmsprop",
            within=0.05,
            expected=REFUTED,
        ),
    ),
    exhibits=[same_as_torch, first_step, any_unit, never_rests],
    effects=dict(
        optimizer="sgd",
        rate=1,
        smoothing=0,
        epsilon=1,
        unit=3,
        clip=1,
        deep=True,
        batch=8,
        epochs=3,
    ),
    scope="digits 8x8, 1,438 rows to train and 359 to test, MLP 64-64-10, one data set",
    wrong={
        "smoothing=1": "The average stays at zero and each step is divided by epsilon alone: the "
        "first one throws the weights away, and accuracy stays near a guess.",
        "epsilon=1": "It outweighs the root, so nothing is divided: plain descent, at this rate "
        "slow, and dependent on the loss's unit again.",
        "rate=0.3": "Each weight moves by 0.3 at every step, however small its gradient.",
    },
    read_more=[
        "Tieleman, Hinton 2012, Lecture 6.5: rmsprop (Neural networks for machine learning)",
        "Duchi, Hazan, Singer 2011, Adaptive subgradient methods for online learning",
        "Ma, Wu, E 2022, A qualitative study of the dynamic behavior for adaptive gradient "
        "algorithms",
    ],
    picture=picture,
)

"""Does momentum need fewer steps, and why?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import log, switch, unit, whole
from pilotlight.data.bundled import digits
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import supervised
from pilotlight.nets.dense import mlp

Array = npt.NDArray[np.float64]


def heavy_ball(curvatures: Array, rate: float, momentum: float, steps: int) -> Array:
    """Roll down the bowl f(x) = sum(curvature * x^2) / 2 from x = 1; every position on the way."""
    position, velocity, path = np.ones(len(curvatures)), np.zeros(len(curvatures)), []
    for _ in range(steps):
        velocity = momentum * velocity + curvatures * position
        position = position - rate * velocity
        path.append(position)
    return np.array(path)


def companion(curvature: float, rate: float, momentum: float) -> Array:
    """The 2x2 matrix that takes (position, position before) one step on; Polyak 1964."""
    return np.array([[1 + momentum - rate * curvature, -momentum], [1.0, 0.0]])


@exhibit(tolerance=1e-9)
def rates_on_a_quadratic() -> tuple[float, dict[str, int]]:
    """In a bowl, the eigenvalues of a 2x2 matrix give the speed: momentum takes a square root."""
    errors, values = list[float](), dict[str, int]()
    for condition in (10, 100, 1000):
        root = math.sqrt(condition)
        ratio = (root - 1) / (root + 1)
        best = {  # the best fixed rate and momentum for curvatures from 1 to `condition`
            "plain": (2 / (1 + condition), 0.0, (condition - 1) / (condition + 1)),
            "heavy ball": (4 / (1 + root) ** 2, ratio**2, ratio),
        }
        for name, (rate, momentum, shrink) in best.items():
            for curvature in (1.0, float(condition)):
                path = heavy_ball(np.array([curvature]), rate, momentum, 200)
                matrix = companion(curvature, rate, momentum)
                expected = np.linalg.matrix_power(matrix, 200) @ np.ones(2)
                errors.append(abs(path[-1, 0] - expected[0]))
                radius = max(abs(np.linalg.eigvals(matrix)))
                # where two eigenvalues meet, a root of the rounding error is all that is known
                errors.append(abs(radius - shrink) - 1e-6)
            values[f"condition {condition}, {name}: steps to one millionth"] = math.floor(
                math.log(1e-6) / math.log(shrink)
            )
    return float(np.max(errors)), values  # np.max, as Python's max can lose a NaN


@exhibit(tolerance=1e-12)
def same_as_torch() -> float:
    """The update of this lab is that of torch.optim.SGD, over 200 steps of all three forms."""
    errors, kind = [], {float: torch.float64, bool: torch.bool}
    forms: list[dict[str, Any]] = [{}, {"nesterov": True}, {"dampening": 0.9}]
    for form in forms:
        start = torch.linspace(-1, 1, 7, dtype=torch.float64)
        curvature = torch.logspace(-1, 1, 7, dtype=torch.float64)
        theirs = start.clone().requires_grad_()
        optimizer = torch.optim.SGD([theirs], lr=0.02, momentum=0.9, **form)
        ours, slots = start.clone()[None], {"velocity": torch.zeros(1, 7, dtype=torch.float64)}
        given = {**sgd.defaults, "rate": 0.02, "momentum": 0.9, **form}
        at = SimpleNamespace(**{n: torch.tensor(v, dtype=kind[type(v)]) for n, v in given.items()})
        for count in range(1, 201):
            theirs.grad = curvature * theirs.detach()
            optimizer.step()
            sgd.rule(ours, curvature * ours, slots, count, at)
            errors.append(float((ours[0] - theirs.detach()).abs().max()))
    return float(np.max(errors))


@exhibit(tolerance=1e-12)
def noise_of_an_average() -> tuple[float, dict[str, float]]:
    """A normalised average of noisy gradients has 1/19 of their variance; a heavy ball not."""
    momentum, lags = 0.9, np.arange(2000)
    weights = {"average": (1 - momentum) * momentum**lags, "heavy ball": momentum**lags}
    variance = {name: float((w**2).sum()) for name, w in weights.items()}
    gain = {name: float(w.sum()) for name, w in weights.items()}
    closed_form = (1 - momentum) / (1 + momentum)
    errors = (
        abs(variance["average"] - closed_form),
        abs(variance["heavy ball"] / gain["heavy ball"] ** 2 - closed_form),
        abs(gain["average"] - 1),
        abs(gain["heavy ball"] - 1 / (1 - momentum)) / 10,
    )
    return float(np.max(errors)), {
        "noise kept by the average (share of variance)": variance["average"],
        "size of the average's step against plain": gain["average"],
        "size of the heavy ball's step against plain": gain["heavy ball"],
    }


def epochs_to_90(curves: Mapping[str, Sequence[float]]) -> float | None:
    """The first epoch after which nine of ten test digits are right; None if never."""
    reached = zip(curves["epoch"], curves["test_accuracy"], strict=True)
    return next((epoch for epoch, accuracy in reached if accuracy >= 0.9), None)


lab = Lab(
    area="foundations",
    week=1,
    systems=[3],
    needs=["minibatch"],
    seconds=30,
    text="""
Plain gradient descent looks at one minibatch, takes one step, and forgets. Momentum remembers: it
keeps a velocity, and each gradient only pushes it a little. A ball rolls where a walker would stop
and look.

It is often said that this helps because it averages the noise of many minibatches. We test that.
The same average, normalised so that its steps stay as long as before, is one of the comparisons.
So is the plain method with a rate ten times larger: with a momentum of 0.9, ten pushes in the same
direction add up to a step ten times as long.

In a narrow valley there is a second effect, and it is exact: momentum damps the swing from wall to
wall. The number of steps then grows with the square root of the valley's narrowness. See the first
exhibit. You can stop here.
""",
    data=digits,
    model=lambda s: mlp(64, [64], 10),
    train=supervised(cross_entropy),
    optimizer=sgd,
    settings=dict(
        rate=log(1e-4, 100, 0.01),
        momentum=unit(0.9),
        dampening=unit(0.0),
        nesterov=switch(False),
        batch=whole(1, 512, 64),
        epochs=whole(1, 100, 15),
    ),
    compare=dict(
        plain=dict(momentum=0.0),
        heavy_ball={},
        nesterov=dict(nesterov=True),
        average=dict(dampening=lambda s: s.momentum),
        larger_step=dict(momentum=0.0, rate=lambda s: s.rate / (1 - s.momentum)),
        plain_at_its_best=dict(momentum=0.0, rate=1.0),
        heavy_ball_at_its_best=dict(rate=0.3),
        heavy_ball_too_fast=dict(rate=1.0),
    ),
    quick=dict(epochs=5),
    metrics=dict(epochs_to_90=Metric(unit="epochs", better="lower", worst=16, of=epochs_to_90)),
    claims=dict(
        more_accurate=Claim(
            "At a small rate, momentum ends more accurate.",
            "heavy_ball",
            "plain",
            at_least=0.05,
            expected=SUPPORTED,
        ),
        fewer_epochs=Claim(
            "At a small rate, momentum needs fewer epochs to read nine of ten digits.",
            "heavy_ball",
            "plain",
            metric="epochs_to_90",
            at_most=-3,
            expected=SUPPORTED,
            scope="never within 15 epochs counts as 16",
        ),
        larger_step=Claim(
            "It does what a ten times larger step does.",
            "heavy_ball",
            "larger_step",
            within=0.02,
            expected=SUPPORTED,
        ),
        average=Claim(
            "It helps because it averages the gradients of many minibatches.",
            "average",
            "plain",
            at_least=0.05,
            expected=REFUTED,
            scope="average normalised, so that its steps are no longer than plain ones",
        ),
        nesterov=Claim(
            "Nesterov's form ends as accurate as the heavy ball.",
            "nesterov",
            "heavy_ball",
            within=0.02,
            expected=SUPPORTED,
        ),
        each_at_its_best=Claim(
            "With each at its own best rate, momentum no longer matters much.",
            "heavy_ball_at_its_best",
            "plain_at_its_best",
            within=0.02,
            expected=SUPPORTED,
            scope="rates 0.3 and 1, the best of a grid on other seeds",
        ),
        too_fast=Claim(
            "At a rate that plain descent likes best, momentum is much worse.",
            "heavy_ball_too_fast",
            "plain_at_its_best",
            at_most=-0.1,
            expected=SUPPORTED,
        ),
    ),
    exhibits=[rates_on_a_quadratic, same_as_torch, noise_of_an_average],
    effects=dict(rate=0.1, momentum=0.5, dampening=0.5, nesterov=True, batch=32, epochs=3),
    scope="digits 8x8, 1,438 rows to train and 359 to test, MLP 64-64-10, one data set",
    wrong={
        "rate=1": "With momentum 0.9 each step is ten times longer: accuracy falls.",
        "momentum=0.999": "Hardly anything slows the ball down: the loss falls, then rises again.",
        "rate=0.0001": "Fifteen epochs are not enough to get anywhere, with or without momentum.",
    },
    read_more=[
        "Polyak 1964, Some methods of speeding up the convergence of iteration methods",
        "Sutskever, Martens, Dahl, Hinton 2013, On the importance of initialization and momentum",
        "Goh 2017, Why momentum really works (distill.pub)",
    ],
)

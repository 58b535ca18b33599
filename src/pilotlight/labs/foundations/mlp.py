"""What can one hidden layer do that a linear model cannot?"""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import linprog
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import REFUTED, SUPPORTED, UNDECIDED, Claim, Lab, exhibit
from pilotlight.core.settings import choice, log, whole
from pilotlight.data.table import Data
from pilotlight.engine.optim import adam
from pilotlight.engine.steps import supervised

Array = npt.NDArray[np.float64]


def rows_of(settings: Any, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """1,000 points in a plane [R, 2], or digits to be told odd from even [R, 64]; classes 0, 1."""
    if settings.task == "digits":
        pixels, digit = load_digits(return_X_y=True)
        return torch.tensor(pixels / 16).float(), torch.tensor(digit % 2)
    y = torch.arange(1000) % 2
    side = 2.0 * y[:, None] - 1  # one class at +1, the other at -1
    along = torch.rand(1000, generator=generator)
    scatter = torch.randn(1000, 2, generator=generator)
    if settings.task == "xor":
        x = 2 * torch.rand(1000, 2, generator=generator) - 1
        return x, (x.prod(1) < 0).long()
    if settings.task == "border":
        return side + scatter, y
    if settings.task == "moons":
        arc = torch.stack([(math.pi * along).cos(), (math.pi * along).sin() - 0.25], 1)
        return side * (arc - torch.tensor([0.5, 0.0])) + 0.2 * scatter, y
    radius = along.sqrt()
    turn = 2.5 * math.pi * radius
    arm = 2 * radius[:, None] * torch.stack([turn.cos(), turn.sin()], 1)
    return side * arm + 0.1 * scatter, y


def network(settings: Any) -> nn.Module:
    """Scores for two classes; `width` hidden units, 0 for a linear model."""
    inputs, width = 64 if settings.task == "digits" else 2, settings.width
    if not width:
        return nn.Linear(inputs, 2)
    hidden, out = nn.Linear(inputs, width), nn.Linear(width, 2)
    if settings.start == "equal":
        with torch.no_grad():
            hidden.weight[:], hidden.bias[:] = hidden.weight[0].clone(), hidden.bias[0].clone()
            out.weight[:] = out.weight.mean(1, keepdim=True)
    return nn.Sequential(hidden, nn.ReLU() if settings.bend == "relu" else nn.Identity(), out)


def softmax(scores: Array) -> Array:
    """Scores [R, C] to probabilities. Only differences of scores count, so the largest may be 0."""
    powers = np.exp(scores - scores.max(1, keepdims=True))
    chances: Array = powers / powers.sum(1, keepdims=True)
    return chances


def gradients(weights: list[Array], x: Array, y: Array) -> list[Array]:
    """The chain rule by hand, through softmax with cross-entropy, ReLU and two layers.

    `weights` are [inputs, hidden], [hidden], [hidden, classes], [classes]; y is one-hot [R, C].
    """
    into, shift, out, last = weights
    hidden = np.maximum(x @ into + shift, 0)
    by_scores = (softmax(hidden @ out + last) - y) / len(x)
    by_hidden = by_scores @ out.T * (hidden > 0)
    return [x.T @ by_hidden, by_hidden.sum(0), hidden.T @ by_scores, by_scores.sum(0)]


@exhibit(tolerance=1e-12)
def same_as_scikit_learn() -> float:
    """Twenty steps, derived by hand, equal those of scikit-learn's MLPClassifier."""
    pixels, digit = load_digits(return_X_y=True)
    x, y = pixels[:100] / 16, digit[:100]
    theirs = MLPClassifier(
        [16], solver="sgd", alpha=0, momentum=0, learning_rate_init=0.5, random_state=0
    ).partial_fit(x, y, classes=range(10))
    (into, out), (shift, last) = theirs.coefs_, theirs.intercepts_
    ours = [into.copy(), shift.copy(), out.copy(), last.copy()]
    for _ in range(20):
        theirs.partial_fit(x, y)
        slopes = gradients(ours, x, np.eye(10)[y])
        ours = [w - 0.5 * slope for w, slope in zip(ours, slopes, strict=True)]
    ahead = ours[0] - theirs.coefs_[0], ours[2] - theirs.coefs_[1]
    return float(max(abs(difference).max() for difference in ahead))


@exhibit(tolerance=1e-12)
def softmax_of_large_scores() -> tuple[float, dict[str, float]]:
    """Scores of thousands do not overflow, and equal scores cost ln C: 28-digit decimals agree."""
    error = 0.0
    for scores in ([0.0, 1, 2], [1000, 999, 0], [-5000, -5001, -5000.5], [7.0] * 10):
        powers = [Decimal(s).exp() for s in scores]
        found = softmax(np.array([scores]))[0]
        error = max([error, *(abs(f - float(p / sum(powers))) for f, p in zip(found, powers))])
    shown = {f"{c} classes": float(-np.log(softmax(np.zeros((1, c)))[0, 0])) for c in (2, 10, 1000)}
    right = [float(Decimal(c).ln()) for c in (2, 10, 1000)]
    return max([error, *(abs(a - b) for a, b in zip(shown.values(), right))]), shown


def separable(points: Array, positive: Array) -> bool:
    """Whether some line or plane has all positive points [P] on one side: a linear program."""
    side = np.where(positive, 1.0, -1.0)[:, None]
    conditions = -side * np.hstack([points, np.ones((len(points), 1))])
    found = linprog(
        np.zeros(points.shape[1] + 1), conditions, -np.ones(len(points)), bounds=(None, None)
    )
    return bool(found.success)


def corner_units(points: Array, positive: Array) -> Array:
    """Outputs [P] of a hidden layer set by hand: a unit for each corner of the cube, on there only."""
    signs = 2 * points - 1
    hidden = np.maximum(points @ signs.T - points.sum(1) + 1, 0)
    outputs: Array = hidden @ positive
    return outputs


@exhibit(tolerance=0)
def yes_or_no_questions() -> tuple[float, dict[str, int]]:
    """Of all yes-or-no functions of two and of three inputs, linear models do 14 of 16, 104 of 256.

    The published counts: Muroga 1971, Threshold logic. One hidden layer does them all.
    """
    error, shown = 0.0, dict[str, int]()
    for inputs, published in ((2, 14), (3, 104)):
        corners = np.array(list(product((0.0, 1.0), repeat=inputs)))
        functions = [np.array(f, dtype=float) for f in product((0, 1), repeat=len(corners))]
        linear = sum(separable(corners, f > 0) for f in functions)
        layer = sum(np.array_equal(corner_units(corners, f), f) for f in functions)
        error += abs(linear - published) + abs(layer - len(functions))
        shown[f"{inputs} inputs, linear"], shown[f"{inputs} inputs, one hidden layer"] = (
            linear,
            layer,
        )
    return error, shown


@exhibit(tolerance=1e-12)
def equal_units_stay_equal() -> tuple[float, dict[str, float]]:
    """Eight hidden units that start equal are one unit, with the rates of its layers scaled."""
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(50, 2)), np.eye(2)[draw.integers(2, size=50)]
    into, out = draw.normal(size=(2, 1)), draw.normal(size=(1, 2))
    eight = [into.repeat(8, 1), np.zeros(8), out.repeat(8, 0) / 8, np.zeros(2)]
    one = [into, np.zeros(1), out, np.zeros(2)]
    for _ in range(200):
        steps = zip(one, gradients(one, x, y), (0.1 / 8, 0.1 / 8, 0.1 * 8, 0.1), strict=True)
        one = [w - rate * slope for w, slope, rate in steps]
        eight = [w - 0.1 * slope for w, slope in zip(eight, gradients(eight, x, y), strict=True)]
    apart = float(np.ptp(eight[0], 1).max())
    ahead = (eight[0][:, :1] - one[0], eight[2].sum(0) - one[2], eight[3] - one[3])
    return max(apart, *(float(abs(d).max()) for d in ahead)), {"largest difference of units": apart}


def draw(report: Any, figure: Any) -> None:
    """Above the tasks, below how many test rows each network gets right."""
    tasks = ("border", "moons", "spiral", "xor", "digits")
    kinds = (("linear", "#c9540a", -0.2), ("hidden", "#1f5fbf", 0.2))
    for i, task in enumerate(tasks):
        top = figure.add_axes((0.075 + 0.184 * i, 0.63, 0.165, 0.264))
        top.set_title(task)
        top.set(xticks=[], yticks=[])
        x, y = rows_of(SimpleNamespace(task=task), torch.Generator().manual_seed(0))
        if task == "digits":
            top.imshow(torch.cat([*x[:9].view(3, 3, 8, 8).transpose(1, 2)]), cmap="Greys")
        else:
            top.scatter(*x.T, s=2, c=np.array([k[1] for k in kinds])[y])
    bottom = figure.add_axes((0.075, 0.08, 0.905, 0.45))


lab = Lab(
    area="foundations",
    week=1,
    systems=[15],
    needs=["backprop"],
    seconds=40,
    text="""
x
""",
    data=Data(
        name="four sets of points, and digits 8x8",
        load=rows_of,
        classes=2,
        source="drawn in code; digits as bundled with scikit-learn",
        per_seed=True,
    ),
    model=network,
    train=supervised(cross_entropy),
    optimizer=adam,
    settings=dict(
        rate=log(1e-4, 10, 0.02),
        task=choice("spiral", "xor", "moons", "border", "digits"),
        width=whole(0, 1024, 32),
        bend=choice("relu", "none"),
        start=choice("random", "equal"),
        batch=whole(1, 512, 50),
        epochs=whole(1, 500, 40),
    ),
    compare=dict(
        linear=dict(width=0),
        hidden={},
        fewer_weights=dict(width=8),
        no_bend=dict(bend="none"),
        equal_start=dict(start="equal"),
        xor_linear=dict(task="xor", width=0),
        xor_hidden=dict(task="xor"),
        xor_four_units=dict(task="xor", width=4),
        moons_linear=dict(task="moons", width=0),
        moons_hidden=dict(task="moons"),
        border_linear=dict(task="border", width=0),
        border_hidden=dict(task="border"),
        digits_linear=dict(task="digits", width=0),
        digits_hidden=dict(task="digits"),
        digits_two_units=dict(task="digits", width=2),
    ),
    claims={},
)

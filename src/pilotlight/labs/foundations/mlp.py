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
    return float(np.max([abs(difference).max() for difference in ahead]))


@exhibit(tolerance=1e-12)
def softmax_of_large_scores() -> tuple[float, dict[str, float]]:
    """Scores of thousands do not overflow, and equal scores cost ln C: 28-digit decimals agree."""
    errors, shown = list[float](), dict[str, float]()
    for scores in ([0.0, 1, 2], [1000, 999, 0], [-5000, -5001, -5000.5]):
        powers = [Decimal(score).exp() for score in scores]
        right = np.array([float(power / sum(powers)) for power in powers])
        errors.append(abs(softmax(np.array([scores]))[0] - right).max())
    for classes in (2, 10, 1000):
        loss = -math.log(softmax(np.zeros((1, classes)))[0, 0])
        errors.append(abs(loss - float(Decimal(classes).ln())))
        shown[f"first loss, {classes} classes"] = loss
    return float(np.max(errors)), shown


def separable(points: Array, positive: Array) -> bool:
    """Whether a line or plane parts the points where `positive` [P] is 1: a linear program."""
    side = 2 * positive[:, None] - 1
    conditions = -side * np.hstack([points, np.ones((len(points), 1))])
    found = linprog(
        np.zeros(points.shape[1] + 1), conditions, -np.ones(len(points)), bounds=(None, None)
    )
    return bool(found.success)


@exhibit(tolerance=0)
def yes_or_no_questions() -> tuple[float, dict[str, int]]:
    """A linear model can do 14 of 16 yes-or-no functions of two inputs, 104 of 256 of three."""
    error, shown = 0.0, dict[str, int]()
    for inputs, published in ((2, 14), (3, 104)):  # Muroga 1971
        corners = np.array(list(product((0.0, 1.0), repeat=inputs)))
        functions = map(np.array, product((0.0, 1.0), repeat=len(corners)))
        found = shown[f"{inputs} inputs"] = sum(separable(corners, f) for f in functions)
        error += abs(found - published)
    return error, shown


@exhibit(tolerance=0)
def four_units_do_xor() -> float:
    """Four hidden units set by hand tell the sign of x * y: |x + y| - |x - y|, no point wrong."""
    xy = np.random.default_rng(0).uniform(-1, 1, (10_000, 2))
    hidden = np.maximum(xy @ [[1, -1, 1, -1], [1, -1, -1, 1]], 0)
    return float(np.mean(np.sign(hidden @ [1, 1, -1, -1]) != np.sign(xy.prod(1))))


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
    error = np.max([apart, *(abs(difference).max() for difference in ahead)])
    return float(error), {"largest difference of units": apart}


def draw(report: Any, figure: Any) -> None:
    """Above the five tasks, below the share of test rows that each network gets right."""
    blue, orange = "#1f5fbf", "#c9540a"
    right = figure.add_axes((0.075, 0.05, 0.905, 0.53), xlim=(-0.5, 4.5), ylim=(0.35, 1.02))
    for i, (title, task, linear, hidden) in enumerate(
        (
            ("one border", "border", "border_linear", "border"),
            ("moons", "moons", "moons_linear", "moons"),
            ("spiral", "spiral", "linear", "hidden"),
            ("xor", "xor", "xor_linear", "xor"),
            ("odd or even", "digits", "digits_linear", "digits"),
        )
    ):
        top = figure.add_axes((0.085 + 0.181 * i, 0.64, 0.161, 0.258))
        top.set_axis_off()
        top.set_title(title, loc="center", weight="bold")
        x, y = rows_of(SimpleNamespace(task=task), torch.Generator().manual_seed(0))
        if task == "digits":
            top.imshow(x[:9].view(3, 3, 8, 8).transpose(1, 2).reshape(24, 24).numpy(), "Greys")
        else:
            top.scatter(*x.T.numpy(), 1.5, c=["#ab8a00" if label else "#5a6472" for label in y])
        for name, color, at in ((linear, orange, i - 0.16), (hidden, blue, i + 0.16)):
            final = [m.final.get("test_accuracy") for m in report.members if m.comparison == name]
            known = sorted(accuracy for accuracy in final if accuracy is not None)
            spots = np.linspace(at - 0.1, at + 0.1, len(known))
            right.plot(spots, known, "o", color=color, alpha=0.6, ms=4.5)
    right.axhline(0.5, color="#5a6472", lw=1, ls="--")
    right.text(-0.45, 0.51, "a coin", color="#5a6472")
    right.text(2.42, 0.72, "linear", color=orange, weight="bold", ha="right")
    right.text(2.3, 0.9, "with a hidden layer", color=blue, weight="bold")
    right.set_xticks([])
    right.set_ylabel("right on new rows")
    right.spines["bottom"].set_visible(False)


lab = Lab(
    area="foundations",
    week=1,
    systems=[15],
    needs=["backprop"],
    seconds=30,
    text="""
A linear model draws one straight border. It adds up its inputs, each with a weight, so what one
input says never depends on another. A hidden layer draws many borders, bends each (what is below
zero becomes zero), and then adds up. Now the answer may change back and forth.

On XOR the class is whether two signs differ, and a linear model learns exactly nothing: its loss
stays at that of a coin. On moons, a spiral and digits it gets part of the way. Where one straight
border is the truth it is as good as any.

It is the bend that does it, not the number of weights: 162 of them without a bend are a linear
model in disguise, and 42 with bends are far ahead. Two warnings. Units that start equal stay equal,
and are one unit. And a layer just large enough if set by hand may not be found by training: four
units can do XOR, but many starts end elsewhere; with thirty-two none did. You can stop here.
""",
    data=Data(
        name="four sets of points, and digits 8x8",
        load=rows_of,
        classes=2,
        source="drawn in code; digits as bundled with scikit-learn",
        per_seed=True,
        picture=(8, 8),
    ),
    model=network,
    train=supervised(cross_entropy),
    optimizer=adam,
    settings=dict(
        rate=log(1e-4, 10, 0.03),
        task=choice("spiral", "xor", "moons", "border", "digits"),
        width=whole(0, 1024, 32),
        bend=choice("relu", "none"),
        start=choice("random", "equal"),
        batch=whole(1, 512, 100),
        epochs=whole(1, 500, 40),
    ),
    compare=dict(
        linear=dict(width=0),
        hidden={},
        fewer_weights=dict(width=8),
        no_bend=dict(bend="none"),
        equal_start=dict(start="equal"),
        xor_linear=dict(task="xor", width=0),
        xor=dict(task="xor"),
        four_units=dict(task="xor", width=4),
        moons_linear=dict(task="moons", width=0),
        moons=dict(task="moons"),
        border_linear=dict(task="border", width=0),
        border=dict(task="border"),
        digits_linear=dict(task="digits", width=0),
        digits=dict(task="digits"),
        two_units=dict(task="digits", width=2),
    ),
    quick=dict(epochs=8),
    claims=dict(
        xor=Claim(
            "On XOR a hidden layer is right far more often.",
            "xor",
            "xor_linear",
            at_least=0.3,
            expected=SUPPORTED,
        ),
        xor_like_a_coin=Claim(
            "On XOR a linear model's loss stays at that of a coin, 0.693.",
            "xor_linear",
            metric="test_loss",
            at_least=0.68,
            expected=SUPPORTED,
        ),
        spiral=Claim("On a spiral, too.", "hidden", "linear", at_least=0.2, expected=SUPPORTED),
        spiral_like_a_coin=Claim(
            "On a spiral a linear model is right no more often than a coin.",
            "linear",
            at_most=0.55,
            expected=REFUTED,
        ),
        moons=Claim(
            "On two moons, too.", "moons", "moons_linear", at_least=0.05, expected=SUPPORTED
        ),
        digits=Claim(
            "On digits, odd or even, too.",
            "digits",
            "digits_linear",
            at_least=0.03,
            expected=SUPPORTED,
        ),
        straight_border=Claim(
            "Where a straight border is the truth, it is no better.",
            "border",
            "border_linear",
            within=0.03,
            expected=SUPPORTED,
        ),
        no_bend=Claim(
            "Without its bend, a hidden layer does what a linear model does.",
            "no_bend",
            "linear",
            within=0.03,
            expected=SUPPORTED,
        ),
        fewer_weights=Claim(
            "Few weights with bends do better than many without.",
            "fewer_weights",
            "no_bend",
            at_least=0.1,
            expected=SUPPORTED,
            scope="42 weights against 162",
        ),
        same_weights=Claim(
            "With as many weights as a linear model, too, it is better on digits.",
            "two_units",
            "digits_linear",
            at_least=0.02,
            test="rank",
            expected=UNDECIDED,
            scope="136 weights against 130",
        ),
        equal_start=Claim(
            "Hidden units that start equal do far worse than units drawn at random.",
            "equal_start",
            "hidden",
            at_most=-0.2,
            expected=SUPPORTED,
        ),
        four_units=Claim(
            "Four hidden units, enough for XOR if set by hand, are enough to learn it.",
            "four_units",
            success=lambda accuracy: accuracy > 0.95,
            at_least=0.9,
            expected=REFUTED,
            scope="success: 95 of 100 test points right",
        ),
    ),
    exhibits=[
        same_as_scikit_learn,
        softmax_of_large_scores,
        yes_or_no_questions,
        four_units_do_xor,
        equal_units_stay_equal,
    ],
    picture=draw,
    effects=dict(rate=0.1, task="moons", width=8, bend="none", start="equal", batch=50, epochs=1),
    scope="1,000 points in a plane, or 1,797 digits; a fifth to test; 32 hidden units, Adam",
    wrong={
        "width=2": "Two bends are too few for a spiral or XOR, and some starts lose both.",
        "start=equal": "All hidden units do the same: one border, once bent.",
        "bend=none": "However wide, it is a linear model.",
        "rate=3": "On digits every unit is pushed below zero for all rows, and never comes back.",
        "rate=0.0003": "Forty epochs are too few: a hidden layer looks no better than none.",
    },
    read_more=[
        "Minsky and Papert 1969, Perceptrons",
        "Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors",
        "Muroga 1971, Threshold logic and its applications",
    ],
)

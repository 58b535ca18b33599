"""Xavier or He: which keeps the signal alive for which activation?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from scipy.integrate import quad
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, log, unit, whole
from pilotlight.data.bundled import digits, read_digits
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import Phase, Training
from pilotlight.nets.deep import ACTIVATIONS, deep, log_ratios

XAVIER, HE, DEFAULT = 1.0, math.sqrt(2), 1 / math.sqrt(3)
"""Gains: a weight's standard deviation times sqrt(fan-in), in a layer as wide as the one before.
The last is what torch.nn.Linear does when nobody asks."""


def first_weights(shape: Sequence[int], rule: str, form: str, draw: torch.Generator) -> Tensor:
    """Weights (out, in, ...) by the rule of Glorot and Bengio 2010 or of He et al. 2015."""
    area = math.prod(shape[2:])  # of a convolution's kernel: 1 in a dense layer
    fan_out, fan_in = shape[0] * area, shape[1] * area
    spread = math.sqrt(2 / (fan_in + fan_out) if rule == "xavier" else 2 / fan_in)
    if form == "normal":
        return spread * torch.randn(*shape, generator=draw, dtype=torch.float64)
    bound = math.sqrt(3) * spread  # numbers spread evenly over +-b have a deviation of b / sqrt 3
    return bound * (2 * torch.rand(*shape, generator=draw, dtype=torch.float64) - 1)


@exhibit(tolerance=1e-12)
def same_as_torch() -> float:
    """Both rules give the numbers of torch.nn.init, for dense layers and for convolutions."""
    error, theirs = 0.0, {"xavier": "xavier", "he": "kaiming"}
    for shape in ((64, 64), (10, 64), (64, 10), (16, 3, 5, 5)):
        for rule, name in theirs.items():
            for form in ("normal", "uniform"):
                ours = first_weights(shape, rule, form, torch.Generator().manual_seed(1))
                expected = torch.empty(*shape, dtype=torch.float64)
                fill = getattr(nn.init, f"{name}_{form}_")
                words = {} if rule == "xavier" else {"nonlinearity": "relu"}
                fill(expected, **words, generator=torch.Generator().manual_seed(1))
                error = max(error, float((ours - expected).abs().max()))
    return error


@exhibit(tolerance=1e-12)
def half_passes() -> tuple[float, dict[str, float]]:
    """ReLU lets half of the squared length pass, forward and back: hence the 2 in He's rule.

    Exact where weights W and -W are averaged and W is a rotation; times gain^2 for wider ones.
    """
    draw, shares = torch.Generator().manual_seed(1), []
    for _ in range(20):
        w = nn.init.orthogonal_(torch.empty(64, 64, dtype=torch.float64), generator=draw)
        x, g = torch.randn(2, 64, generator=draw, dtype=torch.float64)
        forward = [(sign * w @ x).relu().square().sum() / x.square().sum() for sign in (1, -1)]
        back = [
            (((sign * w @ x) > 0) * g @ (sign * w)).square().sum() / g.square().sum()
            for sign in (1, -1)
        ]
        shares += [float(sum(forward)) / 2, float(sum(back)) / 2]
    thirty = {"Xavier": XAVIER, "He": HE, "torch's default": DEFAULT}
    shown = {f"{name}: length after thirty layers": (g**2 / 2) ** 15 for name, g in thirty.items()}
    return max(abs(share - 0.5) for share in shares), shown


def predicted(activation: str, gain: float, square: float) -> float:
    """Powers of ten by which thirty very wide layers change a signal of this mean square.

    A layer's inputs are then normal, so that one integral takes the size through a layer.
    """
    points, weights = np.polynomial.hermite_e.hermegauss(200)
    active, sizes = ACTIVATIONS[activation](), []
    for _ in range(30):
        outputs = active(torch.tensor(gain * math.sqrt(square) * points)).numpy()
        square = float(weights @ outputs**2 / weights.sum())
        sizes.append(square)
    return math.log10(sizes[-1] / sizes[0]) / 2


@exhibit(tolerance=0.1)
def variance_formula() -> tuple[float, dict[str, list[float]]]:
    """The size of a signal after thirty layers follows from one integral a layer.

    Tolerance: a tenth of a power of ten, as nets have 512 units and not infinitely many. Shown, as
    powers of ten from the first layer to the last: predicted, and found in six nets.
    """
    found: dict[tuple[str, str], list[float]] = {}
    rows, gains = read_digits()[0][:16], {"default": DEFAULT, "Xavier": XAVIER, "He": HE}
    for seed in range(6):
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            layers = list(deep(64, 512, 30, 10, "linear", 1.0))[:-1:2]
            for activation, (name, gain) in product(("relu", "tanh"), gains.items()):
                x, sizes = rows, []
                for dense in layers:
                    x = ACTIVATIONS[activation]()(gain * dense(x))
                    sizes.append(x.norm(dim=1).log10())
                found.setdefault((activation, name), []).append(
                    float((sizes[-1] - sizes[0]).mean())
                )
    shown = {}
    for (activation, name), values in found.items():
        theory = [predicted(activation, gains[name], float((row**2).mean())) for row in rows]
        shown[f"{activation}, {name}"] = [round(float(np.mean(v)), 3) for v in (theory, values)]
    return max(abs(a - b) for a, b in shown.values()), shown


def next_correlation(c: float) -> float:
    """Correlation of two inputs after one more ReLU layer (Cho, Saul 2009), no means removed."""
    return (math.sqrt(1 - c * c) + c * (math.pi - math.acos(c))) / math.pi


@exhibit(tolerance=1e-9)
def all_inputs_look_alike() -> tuple[float, dict[str, float]]:
    """What no start prevents in plain ReLU nets: any two inputs end up alike.

    Oracle for the closed form: the integral over all directions of a weight vector.
    """
    error = 0.0
    for c in np.linspace(-0.99, 0.99, 34):
        angle = math.acos(c)
        middle = quad(lambda t: math.cos(t) * math.cos(t - angle), angle - math.pi / 2, math.pi / 2)  # noqa: B023
        error = max(error, abs(2 * middle[0] / math.pi - next_correlation(float(c))))
    shown, c = {}, 0.0
    for layer in range(1, 31):
        c = next_correlation(c)
        if layer in (1, 2, 5, 10, 30):
            shown[f"correlation after {layer} layers of inputs that had none"] = round(c, 3)
    return error, shown


def fit(model: nn.Module, batch: Any, settings: Any, state: Any) -> Any:
    """Classes from pixels."""
    return cross_entropy(model(batch.inputs), batch.targets), {}, state


def evaluate(model: nn.Module, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Accuracy of each row, and what becomes of its signal on the way, as powers of ten."""
    right = (model(batch.inputs).argmax(1) == batch.targets).to(batch.inputs.dtype)
    return {"accuracy": right, **log_ratios(model, batch.inputs, batch.targets, every=8)}


def at_start(name: str) -> Metric:
    """The value before the first step, over the test rows."""
    return Metric("powers of ten", worst=-45.0, of=lambda curves: curves[f"test_{name}"][0])


SHOWN = {  # activation -> words, colour, where they stand in both panels
    "relu": ("ReLU", "#1f5fbf", (0.8, -10.4), (0.74, 0.19)),
    "tanh": ("tanh", "#c9540a", (0.74, -2.2), (0.74, 0.66)),
}


def draw(report: Any, figure: Any) -> None:
    """Over the gain: what is left of the gradient before training, and accuracy after it."""
    upper, lower = figure.add_axes((0.1, 0.57, 0.87, 0.35)), figure.add_axes((0.1, 0.15, 0.87, 0.3))
    for axes in (upper, lower):
        axes.set(xscale="log", xlim=(0.54, 1.72), xticks=(DEFAULT, XAVIER, HE))
        axes.minorticks_off()
        axes.grid(axis="x")
    upper.set(title="Gradient at the first layer over that at the last, before training")
    upper.set_xticklabels(())
    upper.set_yticks((0, -5, -10), ("1", "10⁻⁵", "10⁻¹⁰"))
    upper.axhline(0, color="#5a6472", lw=1, ls=":")
    lower.set(title="Test accuracy, trained", ylim=(0, 1.02), xlabel="width of the first weights")
    lower.set_xticklabels(("torch's default", "Xavier", "He"))
    lower.axhline(0.1, color="#5a6472", lw=1, ls=":")
    for activation, (words, color, *places) in SHOWN.items():
        nets = [m for m in report.members if m.comparison.startswith(activation)]
        nets = [m for m in nets if "test_log_gradient_ratio" in m.curves]
        if not nets:  # a run that was stopped before, or of other comparisons
            continue
        before = [(m.settings["gain"], m.curves["test_log_gradient_ratio"][0]) for m in nets]
        after = [(m.settings["gain"], m.final.get("test_accuracy") or 0.0) for m in nets]
        for axes, points, place in zip((upper, lower), (before, after), places, strict=True):
            gains = sorted({gain for gain, _ in points})
            means = [np.mean([v for at, v in points if at == gain]) for gain in gains]
            axes.plot(*zip(*points, strict=True), "o", color=color, alpha=0.3, ms=6, mec="none")
            axes.plot(gains, means, color=color, lw=2.5)
            axes.text(*place, words, color=color, ha="center", va="center", fontsize=12)


lab = Lab(
    area="foundations",
    week=1,
    systems=[12],
    needs=["vanishing-gradients"],
    seconds=50,
    text="""
Before a net has learned anything, its random weights decide what passes through it. If each layer
makes the signal a little smaller, thirty layers make it very small. If each makes it larger, it
bursts. The rules of Xavier Glorot and of Kaiming He choose the width of the random numbers so that
the size stays. They are one formula with two gains: 1, and the square root of 2.

The 2 is there because ReLU zeroes half of what comes in. With Xavier's rule a ReLU layer passes on
half of the squared length, forward and back, and thirty layers divide by 30,000. What torch.nn
takes when nobody asks is narrower still. Nets of two layers forgive all this; deep ones do not.

For tanh, Xavier's rule is right in theory: the first step neither shrinks nor grows. But tanh bends
what is large, so the signal still fades a little in each layer. A wider start makes up for that, up
to a point.
""",
    data=digits,
    model=lambda s: deep(64, s.width, s.depth, 10, s.activation, s.gain),
    train=Training((Phase(fit),), evaluate, parts=("test",)),
    optimizer=sgd,
    settings=dict(
        rate=log(1e-5, 10, 0.003),
        momentum=unit(0.9),
        gain=log(0.01, 100, HE),
        activation=choice("relu", "tanh", "sigmoid"),
        depth=whole(1, 100, 30),
        width=whole(1, 512, 64),
        batch=whole(1, 512, 64),
        epochs=whole(1, 100, 8),
    ),
    compare=dict(
        relu_default=dict(gain=DEFAULT),
        relu_xavier=dict(gain=XAVIER),
        relu_narrower=dict(gain=1.2),
        relu_he={},
        relu_wider=dict(gain=1.6),
        tanh_default=dict(activation="tanh", gain=DEFAULT),
        tanh_xavier=dict(activation="tanh", gain=XAVIER),
        tanh_he=dict(activation="tanh"),
        tanh_wider=dict(activation="tanh", gain=1.6),
        shallow_xavier=dict(gain=XAVIER, depth=2, rate=0.03),
        shallow_he=dict(depth=2, rate=0.03),
    ),
    quick=dict(depth=10, epochs=3),
    metrics=dict(
        log_gradient_ratio=at_start("log_gradient_ratio"),
        log_weight_gradient_ratio=at_start("log_weight_gradient_ratio"),
        log_activation_ratio=at_start("log_activation_ratio"),
        log_difference_ratio=at_start("log_difference_ratio"),
    ),
    claims=dict(
        he_trains=Claim(
            "A ReLU net of thirty layers learns from He's start and not from Xavier's.",
            "relu_he",
            "relu_xavier",
            at_least=0.2,
            expected=SUPPORTED,
        ),
        normally_xavier=Claim(
            "Normally one starts with Xavier's rule: thirty ReLU layers then read half the digits.",
            "relu_xavier",
            at_least=0.5,
            expected=REFUTED,
        ),
        default=Claim(
            "What torch.nn takes when nobody asks does: thirty ReLU layers then read half of them.",
            "relu_default",
            at_least=0.5,
            expected=REFUTED,
        ),
        he_keeps=Claim(
            "From He's start the gradient at the first of thirty ReLU layers is a tenth or more.",
            "relu_he",
            metric="log_gradient_ratio",
            at_least=-1,
            expected=SUPPORTED,
        ),
        xavier_loses=Claim(
            "From Xavier's it is less than a thousandth.",
            "relu_xavier",
            metric="log_gradient_ratio",
            at_most=-3,
            expected=SUPPORTED,
        ),
        narrower=Claim(
            "Weights 15 percent narrower than He's already cost accuracy.",
            "relu_narrower",
            "relu_he",
            at_most=-0.1,
            expected=SUPPORTED,
        ),
        tanh_xavier=Claim(
            "A tanh net of thirty layers learns from Xavier's start.",
            "tanh_xavier",
            "tanh_default",
            at_least=0.4,
            expected=SUPPORTED,
        ),
        tanh_prefers=Claim(
            "For tanh, Xavier's start is better than He's.",
            "tanh_xavier",
            "tanh_he",
            at_least=0.02,
            expected=REFUTED,
            scope="rate 0.003, on other seeds as good as any other for both",
        ),
        ever_wider=Claim(
            "And 13 percent wider than He's is better again.",
            "tanh_wider",
            "tanh_he",
            at_least=0.03,
            expected=REFUTED,
        ),
        shallow=Claim(
            "With two layers it does not matter.",
            "shallow_he",
            "shallow_xavier",
            within=0.02,
            expected=SUPPORTED,
            scope="rate 0.03",
        ),
    ),
    exhibits=[same_as_torch, half_passes, variance_formula, all_inputs_look_alike],
    effects=dict(
        rate=0.001,
        momentum=0.5,
        gain=1.0,
        activation="tanh",
        depth=5,
        width=32,
        batch=32,
        epochs=1,
    ),
    picture=draw,
    scope="digits 8x8, 30 layers of 64, SGD at rate 0.003, momentum 0.9, 8 epochs, one data set",
    wrong={
        "gain=0.08": "Weights of standard deviation 0.01, an old rule of thumb: all is lost.",
        "gain=2": "Deep ReLU nets burst within an epoch. In tanh nets the last digit of a weight "
        "decides what they have learned two epochs later: chaos.",
        "swap fan-in and fan-out": "Between layers of one width nothing shows; the first and the "
        "last layer are off.",
    },
    read_more=[
        "Glorot, Bengio 2010, Understanding the difficulty of training deep feedforward networks",
        "He, Zhang, Ren, Sun 2015, Delving deep into rectifiers",
        "Poole et al. 2016, Exponential expressivity in deep networks through transient chaos",
    ],
)

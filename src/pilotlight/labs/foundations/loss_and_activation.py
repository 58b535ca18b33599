"""What do the choice of loss and of nonlinearity decide?"""

from __future__ import annotations

import timeit
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, linear, log, switch, whole
from pilotlight.data.bundled import read_digits
from pilotlight.data.table import Data
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import Phase, Training

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
}


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Minus the logarithm of the chance that softmax gives to the right class."""
    return functional.cross_entropy(scores, targets)


def squared(scores: Tensor, targets: Tensor) -> Tensor:
    """The scores [B, K] are to be 1 for the right class and 0 for the others."""
    return (scores - functional.one_hot(targets, scores.shape[1])).square().mean()


def squared_chances(scores: Tensor, targets: Tensor) -> Tensor:
    """The same for softmax's chances: the score of Brier 1950."""
    return squared(scores.softmax(1), targets)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": cross_entropy,
    "squared": squared,
    "squared_chances": squared_chances,
}


def slope_by_scores(loss: str, scores: Tensor, targets: Tensor) -> Tensor:
    """The gradient of each loss by its scores [B, K], by hand."""
    right, chances = functional.one_hot(targets, scores.shape[1]), scores.softmax(1)
    if loss == "cross_entropy":
        return (chances - right) / len(scores)
    if loss == "squared":
        return 2 * (scores - right) / scores.numel()
    pull = chances * (chances - right)  # softmax lets through little where a chance is near 0 or 1
    return 2 * (pull - chances * pull.sum(1, keepdim=True)) / scores.numel()


@exhibit(tolerance=1e-12)
def slopes_of_losses() -> tuple[float, dict[str, float]]:
    """Sure and wrong, cross-entropy pulls with all its force, squared chances hardly at all."""
    draw = torch.Generator().manual_seed(1)
    scores = 4 * torch.randn(50, 10, generator=draw, dtype=torch.float64)
    targets = torch.randint(10, (50,), generator=draw)
    sure = torch.tensor([[10.0] + [0.0] * 9], dtype=torch.float64)
    error, shown = 0.0, {}
    for name, loss in LOSSES.items():
        expected = torch.func.grad(loss)(scores, targets)
        error = max(error, float((slope_by_scores(name, scores, targets) - expected).abs().max()))
        pull = slope_by_scores(name, sure, torch.tensor([3]))
        shown[f"{name}: pull on the right class, sure of another by 10"] = float(-pull[0, 3])
    return error, shown


@exhibit(tolerance=1e-12)
def what_a_loss_asks_for() -> tuple[float, dict[str, list[float]]]:
    """Where inputs say nothing, all three losses are least at the share of each class.

    Of 20 rows that look alike, 2, 5 and 13 belong to three classes: there no score has a slope.
    Shown: two losses of the shares, and of the commonest class alone. Absolute errors prefer that.
    """
    targets = torch.arange(3).repeat_interleave(torch.tensor([2, 5, 13]))
    right = functional.one_hot(targets, 3)
    shares, error = right.double().mean(0), 0.0
    for name, loss in LOSSES.items():
        scores = (shares if name == "squared" else shares.log()).expand(20, 3)
        error = max(error, float(torch.func.grad(loss)(scores, targets).sum(0).abs().max()))
    answers = torch.stack([shares, torch.tensor([0.0, 0.0, 1.0])])[:, None] - right
    return error, {
        "squared errors": answers.square().mean((1, 2)).tolist(),
        "absolute errors": answers.abs().mean((1, 2)).tolist(),
    }


def slope_of(activation: str, z: Tensor) -> Tensor:
    """The derivative of each activation, by hand."""
    if activation == "tanh":
        return 1 - z.tanh() ** 2
    if activation == "sigmoid":
        return z.sigmoid() * (1 - z.sigmoid())
    below = {"relu": 0.0, "leaky": 0.01, "linear": 1.0}[activation]
    return torch.ones_like(z).where(z > 0, below)


@exhibit(tolerance=1e-12)
def slopes_of_activations() -> tuple[float, dict[str, float]]:
    """A sigmoid passes on at most a quarter of a gradient, the others up to all of it.

    Beside it what each costs here, forward and backward; a dense layer of 512 units is 1. Nothing
    is judged by these times.
    """
    draw, error, shown = torch.Generator().manual_seed(1), 0.0, {}
    z = 3 * torch.randn(1000, generator=draw, dtype=torch.float64)
    rows = torch.randn(64, 512, generator=draw, requires_grad=True)

    def seconds(layer: nn.Module) -> float:
        return min(timeit.repeat(lambda: layer(rows).sum().backward(), number=1, repeat=50))

    dense = seconds(nn.Linear(512, 512))
    for name, kind in ACTIVATIONS.items():
        expected = torch.func.vmap(torch.func.grad(kind()))(z)
        error = max(error, float((slope_of(name, z) - expected).abs().max()))
        shown[f"{name}: largest slope"] = float(slope_of(name, torch.tensor([-1e-9, 1e-9])).max())
        shown[f"{name}: time"] = round(seconds(kind()) / dense, 2)
    return error, shown


@exhibit(tolerance=0)
def dead_units_stay_dead() -> tuple[float, dict[str, float]]:
    """A ReLU that is off for every row never moves again; a leaky one finds its way back."""
    draw, shown = torch.Generator().manual_seed(1), dict[str, float]()
    x = torch.rand(50, 4, generator=draw)  # above 0, so that weights of -1 are off for all rows
    for name in ("relu", "leaky"):
        weights = torch.full((4,), -1.0)
        for _ in range(1000):
            z = x @ weights
            errors = ACTIVATIONS[name]()(z) - 1  # a 1 is wanted for every row
            weights = weights - (errors * slope_of(name, z)) @ x / len(x)
        shown[f"{name}: moved by"] = float((weights + 1).abs().max())
        shown[f"{name}: rows that switch it on, of 50"] = float((x @ weights > 0).sum())
    error = shown["relu: moved by"] + 50 - shown["leaky: rows that switch it on, of 50"]
    return error, shown


def digits_and_negatives() -> tuple[Tensor, Tensor]:
    """Digits, and the same with every second one a negative: inputs [R, 2, 64]."""
    pixels, labels = read_digits()
    mixed = pixels.clone()
    mixed[::2] = 1 - mixed[::2]
    return torch.stack([pixels, mixed], 1), labels


def network(settings: Any) -> nn.Sequential:
    """Two hidden layers. With `sure` above 0 it begins sure that everything is a nought."""
    bend, width = ACTIVATIONS[settings.activation], settings.width
    readout = nn.Linear(width, 10)
    with torch.no_grad():
        readout.bias[0] += settings.sure
    hidden = [nn.Linear(64, width), bend(), nn.Linear(width, width), bend()]
    return nn.Sequential(*hidden, readout)


def fit(model: Any, batch: Any, settings: Any, state: Any) -> Any:
    """The loss that the settings name."""
    return LOSSES[settings.loss](model(seen(batch, settings)), batch.targets), {}, state


def seen(batch: Any, settings: Any) -> Any:
    """Pictures as they are, or half of them as negatives: [B, 64]."""
    plain, mixed = batch.inputs.unbind(1)
    return plain + settings.negatives * (mixed - plain)


def evaluate(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Accuracy, and the share of hidden units that let no gradient through for any row."""
    x, dead = seen(batch, settings), []
    *hidden, readout = model
    for dense, bend in zip(hidden[::2], hidden[1::2], strict=True):
        z = dense(x)
        slopes = torch.func.grad(lambda z, bend=bend: bend(z).sum())(z)
        dead.append((slopes < 0.001).all(0))
        x = bend(z)
    right = (readout(x).argmax(1) == batch.targets).to(x.dtype)
    return {"accuracy": right, "dead": torch.cat(dead).to(x.dtype).mean().expand_as(right)}


def epochs_below_90(curves: Mapping[str, Sequence[float]]) -> float:
    """After how many epochs fewer than nine of ten test digits are right."""
    return sum(accuracy < 0.9 for accuracy in curves["test_accuracy"][1:])


def died(curves: Mapping[str, Sequence[float]]) -> float:
    """The share of units dead after training, less that before."""
    return curves["test_dead"][-1] - curves["test_dead"][0]


BLUE, ORANGE, GREEN, GREY = "#1f5fbf", "#c9540a", "#00866f", "#5a6472"


def of(report: Any, comparison: str, metric: str = "test_accuracy") -> list[float]:
    """The last value of each network that has one."""
    found = [m.final.get(metric) for m in report.members if m.comparison == comparison]
    return [value for value in found if value is not None]


def draw(report: Any, figure: Any) -> None:
    """Left two losses from two starts; right what each bend can do, and where units die."""
    left = figure.add_axes((0.07, 0.12, 0.42, 0.78), xlim=(0, 15), ylim=(0, 1.02))
    left.set(xlabel="epoch", title="Right on new digits")
    curves = {"cross_entropy": BLUE, "squared_chances": ORANGE}
    curves |= {"sure": BLUE, "sure_squared_chances": ORANGE}
    for member in report.members:
        if member.comparison in curves:
            x, y = member.curves["epoch"], member.curves["test_accuracy"]
            line = "--" if "sure" in member.comparison else "-"
            left.plot(x, y, line, color=curves[member.comparison], alpha=0.35, lw=1.3)
    left.text(14.8, 0.62, "cross-entropy", color=BLUE, weight="bold", ha="right")
    left.text(14.8, 0.55, "squared error of chances", color=ORANGE, weight="bold", ha="right")
    left.text(14.8, 0.13, "dashed: sure and wrong at first", ha="right")
    above = figure.add_axes((0.57, 0.59, 0.41, 0.31), xlim=(-0.5, 3.5), ylim=(0, 1.05))
    above.set(title="digits \u25cf    half of them negatives \u25cb", xticks=range(4))
    above.set_xticklabels(("ReLU", "tanh", "sigmoid", "linear"))
    shown = ("cross_entropy", 0), ("tanh", 1), ("sigmoid", 2), ("linear", 3)
    for name, at in (*shown, ("negatives", 0), ("negatives_linear", 3)):
        values = of(report, name)
        fill = "none" if name.startswith("negatives") else GREEN
        above.plot(np.linspace(at - 0.2, at + 0.2, len(values)), values, "o", mec=GREEN, mfc=fill)
    below = figure.add_axes((0.57, 0.12, 0.41, 0.31), xlim=(-0.03, 1), ylim=(0, 1.05))
    below.set(xlabel="share of units that are dead", title="Too long a step")
    for name, color, *words in (
        ("cross_entropy", GREEN, 0.2, 0.94, "ReLU, a good step"),
        ("too_fast", ORANGE, 0.41, 0.74, "ReLU, three times as long"),
        ("leaky_too_fast", GREY, 0.03, 0.12, "leaky ReLU, three times as long"),
    ):
        below.plot(of(report, name, "test_dead"), of(report, name), "o", color=color, alpha=0.6)
        below.text(*words, color=color, va="center")


lab = Lab(
    area="foundations",
    week=1,
    needs=["mlp"],
    seconds=30,
    text="""
A loss says what a network is asked for; a nonlinearity says what it can answer, and how well it
hears corrections. Both are often told as rules: cross-entropy for classes, ReLU in between. Some of
that is true.

Squared error asks for the same thing as cross-entropy, the share of each class (second exhibit). On
digits it is no worse, once it has a rate of its own: its slopes are smaller, so at one rate for all
it only looks worse. What does fail is squared error behind a softmax, when the network is sure and
wrong. The softmax is flat there, and a flat place has no slope. Cross-entropy undoes the softmax,
and pulls with full force.

Layers without a bend are one linear map. Digits need no more: linear does as well as ReLU. Show
half of them as negatives, white on black, and it fails, as no weighted sum of pixels means the same
in both. A sigmoid passes on a quarter of each correction at most, and needs more epochs. ReLU units
die when steps are too long: off for every row, they hear nothing and stay so. But dead units are a
sign, not the illness: leaky ones, which cannot die, do not save that net. None costs much time: a
few percent of a dense layer (third exhibit). You can stop here.
""",
    data=Data(
        name="digits 8x8, and half of them as negatives",
        load=digits_and_negatives,
        classes=10,
        source="digits as bundled with scikit-learn",
    ),
    model=network,
    train=Training((Phase(fit),), evaluate, parts=("test",)),
    optimizer=sgd,
    settings=dict(
        rate=log(1e-4, 100, 0.3),
        loss=choice("cross_entropy", "squared", "squared_chances"),
        activation=choice("relu", "leaky", "tanh", "sigmoid", "linear"),
        sure=linear(0, 100, 0.0),
        negatives=switch(False),
        width=whole(1, 512, 32),
        batch=whole(1, 512, 64),
        epochs=whole(1, 200, 15),
    ),
    compare=dict(
        cross_entropy={},
        squared_same_rate=dict(loss="squared"),
        squared=dict(loss="squared", rate=3.0),
        squared_chances=dict(loss="squared_chances", rate=7.0),
        sure=dict(sure=10.0),
        sure_squared_chances=dict(sure=10.0, loss="squared_chances", rate=7.0),
        tanh=dict(activation="tanh", rate=0.7),
        sigmoid=dict(activation="sigmoid", rate=3.0),
        linear=dict(activation="linear"),
        negatives=dict(negatives=True),
        negatives_linear=dict(negatives=True, activation="linear"),
        too_fast=dict(rate=1.0),
        leaky_too_fast=dict(rate=1.0, activation="leaky"),
    ),
    seeds=20,
    quick=dict(epochs=5),
    metrics=dict(
        epochs_below_90=Metric(unit="epochs", better="lower", worst=15, of=epochs_below_90),
        died=Metric(unit="of the units", better="lower", worst=1, of=died),
    ),
    claims=dict(
        same_rate=Claim(
            "At one rate for both, cross-entropy is more accurate than squared error.",
            "cross_entropy",
            "squared_same_rate",
            at_least=0.05,
            expected=SUPPORTED,
        ),
        own_rate=Claim(
            "Classes need cross-entropy: at its own best rate, too, squared error costs 2 points.",
            "squared",
            "cross_entropy",
            at_most=-0.02,
            expected=REFUTED,
        ),
        sure_and_wrong=Claim(
            "A network that begins sure and wrong learns with cross-entropy and not with squared "
            "errors of softmax's chances.",
            "sure",
            "sure_squared_chances",
            at_least=0.5,
            expected=SUPPORTED,
        ),
        not_sure=Claim(
            "From the usual start the two end alike.",
            "squared_chances",
            "cross_entropy",
            within=0.03,
            expected=SUPPORTED,
        ),
        sigmoid_slower=Claim(
            "A sigmoid net needs more epochs to read nine of ten digits, at its own best rate.",
            "sigmoid",
            "cross_entropy",
            metric="epochs_below_90",
            at_least=4,
            expected=SUPPORTED,
        ),
        tanh=Claim(
            "Tanh is as accurate as ReLU, each at its own best rate.",
            "tanh",
            "cross_entropy",
            within=0.03,
            expected=SUPPORTED,
        ),
        linear=Claim(
            "On digits as they are, layers without a bend do as well.",
            "linear",
            "cross_entropy",
            within=0.03,
            expected=SUPPORTED,
        ),
        negatives=Claim(
            "Where half the pictures are negatives, they fail.",
            "negatives_linear",
            "negatives",
            at_most=-0.4,
            expected=SUPPORTED,
        ),
        died=Claim(
            "At a rate three times too high, ReLU units die.",
            "too_fast",
            "cross_entropy",
            metric="died",
            at_least=0.3,
            expected=SUPPORTED,
        ),
        leaky=Claim(
            "Units that cannot die mend it: at that rate leaky ones read nine of ten digits.",
            "leaky_too_fast",
            at_least=0.9,
            expected=REFUTED,
        ),
    ),
    picture=draw,
    exhibits=[slopes_of_losses, what_a_loss_asks_for, slopes_of_activations, dead_units_stay_dead],
    effects={"rate": 0.1, "loss": "squared", "activation": "tanh", "sure": 5.0, "negatives": True}
    | {"width": 8, "batch": 32, "epochs": 1},
    scope="digits 8x8, MLP 64-32-32-10, SGD, 15 epochs, rates best on other seeds, one data set",
    wrong={
        "rate=1": "Steps three times too long: most ReLU units die, and the linear net bursts.",
        "sure=20": "Cross-entropy still learns in most networks, squared chances in none.",
        "loss=squared": "At this rate it learns slowly, and one could think that it is worse.",
        "a softmax before cross_entropy": "Chances of chances hardly differ: even when all is "
        "right the loss stays above 1.46.",
    },
    read_more=[
        "Hui, Belkin 2021, Evaluation of neural architectures trained with square loss vs "
        "cross-entropy in classification tasks",
        "Brier 1950, Verification of forecasts expressed in terms of probability",
        "Glorot, Bordes, Bengio 2011, Deep sparse rectifier neural networks",
    ],
)

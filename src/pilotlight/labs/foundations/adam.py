"""Is Adam faster, or only easier to tune?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, log, unit, whole
from pilotlight.data.bundled import digits
from pilotlight.engine.optim import Optimizer, adam, adamw, rmsprop, sgd
from pilotlight.engine.steps import Phase, Training
from pilotlight.nets.dense import mlp

double = partial(torch.tensor, dtype=torch.float64)
Slope = Callable[[Tensor, int], Tensor]


def walk(
    optimizer: Optimizer,
    start: Tensor,
    slope: Slope,
    steps: int = 500,
    most: float = 9,
    **given: Any,
) -> Tensor:
    """Go down with an update that trains this lab's networks; every position, [steps, ...].

    `slope(place, step)` and the rate, a number or a function of the step, may change on the way.
    Positions are kept between -`most` and `most`.
    """
    usual, place, path = optimizer.defaults, start.clone(), []
    slots = {name: torch.zeros_like(start) for name in optimizer.slots}
    for step in range(1, steps + 1):
        now = {n: v(step) if callable(v) else v for n, v in {**usual, **given}.items()}
        at = {n: double(v) if v or usual[n] else None for n, v in now.items()}
        optimizer.rule(place, slope(place, step), slots, step, SimpleNamespace(**at))
        path.append(place.clamp_(-most, most).clone())
    return torch.stack(path)


@exhibit(tolerance=1e-12)
def same_as_torch() -> float:
    """The updates of this lab are those of torch.optim.Adam and AdamW, over 500 steps each."""
    errors, start = [], torch.linspace(-1, 1, 7, dtype=torch.float64)
    for own, peer in ((adam, torch.optim.Adam), (adamw, torch.optim.AdamW)):
        for b1, b2, epsilon, decay in ((0.9, 0.999, 1e-8, 0.0), (0.5, 0.9, 0.01, 0.1)):
            theirs = start.clone().requires_grad_()
            optimizer = peer([theirs], 0.001, (b1, b2), epsilon, decay)
            given: dict[str, Any] = dict(beta1=b1, beta2=b2, epsilon=epsilon, weight_decay=decay)
            for ours in walk(own, start, lambda x, step: x.sinh(), **given):
                theirs.grad = theirs.detach().sinh()
                optimizer.step()
                errors.append(ours - theirs.detach())
    return float(torch.stack(errors).abs().max())


@exhibit(tolerance=1e-12)
def first_step() -> tuple[float, dict[str, float]]:
    """The first step is one rate long, for slopes of any size down to that of epsilon."""
    slopes = torch.logspace(-10, 6, 17, dtype=torch.float64)
    steps = -walk(adam, torch.zeros_like(slopes), lambda x, step: slopes, 1)[0]
    shown = {f"slope {s:g}": float(step) for s, step in zip(slopes, steps, strict=True)}
    return float((steps - 0.001 * slopes / (slopes + 1e-8)).abs().max()), shown


@exhibit(tolerance=1e-12)
def half_of_it() -> float:
    """Without its average of gradients it is RMSprop with a rate that warms up.

    And as with RMSprop, slopes that are a million times larger change nothing.
    """
    units = double([1.0, 2.0**-20, 2.0**20])
    down = partial(walk, start=torch.ones(3).double(), slope=lambda x, step: units * x.sinh())
    ours, both = down(adam, beta1=0.0, epsilon=0.0), down(adam, epsilon=0.0)
    warmed_up: dict[str, Any] = dict(
        smoothing=0.999, rate=lambda step: 0.001 * (1 - 0.999**step) ** 0.5
    )
    theirs = down(rmsprop, epsilon=0.0, **warmed_up)
    return float(torch.cat([ours - theirs, both - both[:, :1]]).abs().max())


@exhibit(tolerance=1e-12)
def two_decays() -> float:
    """Beside the update (AdamW) weights shrink by rate * decay; inside it, decay loses its size."""
    down = partial(walk, start=double([1.0]), slope=lambda x, step: torch.zeros_like(x))
    shrunk = (1 - 0.001 * 0.5) ** torch.arange(1, 501).double()
    beside = down(adamw, weight_decay=0.5)[:, 0]
    strong, weak = (down(adam, epsilon=0.0, weight_decay=decay)[:, 0] for decay in (1.0, 1e-6))
    return float(torch.stack([beside - shrunk, strong - weak]).abs().max())


def amsgrad(p: Tensor, g: Tensor, slots: Mapping[str, Tensor], count: Any, at: Any) -> None:
    """Adam that never forgets the largest running size (Reddi, Kale, Kumar 2018)."""
    mean = slots["mean"].lerp_(g, 1 - at.beta1)
    square = slots["square"].mul_(at.beta2).add_((1 - at.beta2) * g * g)
    largest = slots["largest"].copy_(torch.maximum(slots["largest"], square))
    root = (largest / (1 - at.beta2**count)).sqrt() + at.epsilon
    p.sub_(at.rate / (1 - at.beta1**count) * mean / root)


@exhibit(tolerance=1e-12)
def where_adam_fails() -> tuple[float, dict[str, float]]:
    """On slopes 4, -1, -1, 4, ... the best place is -1. Adam goes to 1, the worst there is.

    One long step down is cut short by its own size, two short ones up are not (Reddi et al. 2018).
    Rates fall as 1 / sqrt(step). Plain descent and AMSGrad end within their last two steps of -1.
    """
    down = partial(
        walk,
        start=double([1.0]),
        slope=lambda x, step: double([4.0 if step % 3 == 1 else -1.0]),
        steps=900,
        most=1,
        rate=lambda step: 0.5 / step**0.5,
    )
    b2, keeps = 1 / (1 + 4**2), replace(adam, rule=amsgrad, slots=("mean", "square", "largest"))
    given: dict[str, Any] = dict(beta1=0.0, beta2=b2, epsilon=0.0)
    ends = {"Adam": down(adam, **given), "plain": down(sgd), "AMSGrad": down(keeps, **given)}
    last_two = 0.5 / 899**0.5 + 0.5 / 900**0.5
    largest = (1 - b2) * (4**2 + b2 + b2**2) / (1 - b2**3)  # of the running sizes, a geometric sum
    expected = {"Adam": 1.0, "plain": last_two - 1, "AMSGrad": last_two / largest**0.5 - 1}
    shown = {name: float(path[-1]) for name, path in ends.items()}
    return float(double([shown[name] - expected[name] for name in shown]).abs().max()), shown


def fit(model: nn.Module, batch: Any, settings: Any, state: Any) -> Any:
    """The loss of a batch; pixels may be counted from 0 to 1 or from 0 to 16."""
    return cross_entropy(model(settings.pixels * batch.inputs), batch.targets), {}, state


fit_by_sgd = fit  # a phase has one optimizer, and a name of its own


def evaluate(model: nn.Module, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Whether each row is told right."""
    right = model(settings.pixels * batch.inputs).argmax(1) == batch.targets
    return {"accuracy": right.to(batch.inputs.dtype)}


def epochs_to_90(curves: Mapping[str, Sequence[float]]) -> float | None:
    """The first epoch after which nine of ten test digits are right; None if never."""
    reached = zip(curves["epoch"], curves["test_accuracy"], strict=True)
    return next((epoch for epoch, accuracy in reached if accuracy >= 0.9), None)


def picture(report: Any, figure: Any) -> None:
    """Accuracy over the rate on three tasks; a line marks each method's best rate on the first."""
    tasks = {(1.0, 1): "One hidden layer", (16.0, 1): "Pixels 16 times larger"}
    tasks[1.0, 4] = "Four hidden layers"
    looks = {"adam": ("#1f5fbf", "-", 0.01, "Adam"), "momentum": ("#c9540a", "--", 0.3, "momentum")}
    looks["plain"] = ("#00866f", ":", 1.0, "plain descent")
    ends: dict[Any, dict[float, list[float]]] = {}
    for member in report.members:
        if values := member.curves.get("test_accuracy"):
            own = member.settings
            key = (member.comparison.split("_")[0], own["pixels"], own["layers"])
            ends.setdefault(key, {}).setdefault(own["rate"], []).append(values[-1] or 0.0)
    for column, (task, title) in enumerate(tasks.items()):
        place = (0.08 + 0.31 * column, 0.12, 0.28, 0.71)
        axes = figure.add_axes(place, xscale="log", xlim=(7e-4, 14), ylim=(0, 1.02), title=title)
        axes.set(xlabel="rate", ylabel="" if column else "test accuracy")
        axes.tick_params(labelleft=not column)
        for name, (color, dash, best, words) in looks.items():
            if found := sorted(ends.get((name, *task), {}).items()):
                rates, means = [r for r, _ in found], [fmean(v) for _, v in found]
                axes.plot(rates, means, dash, color=color, lw=2.5, marker="o", label=words)
                for rate, values in found:
                    axes.plot([rate] * len(values), values, ".", color=color, alpha=0.3)
                axes.axvline(best, color=color, ls=dash, lw=1)
        if not column:
            figure.legend(*axes.get_legend_handles_labels(), loc="upper left", ncols=3)
    figure.text(0.98, 0.94, "thin lines: best rates with one hidden layer", ha="right", fontsize=9)


def sweep(name: str, rates: Sequence[float], **own: Any) -> dict[str, dict[str, Any]]:
    """A comparison for each rate."""
    return {f"{name}_{rate:g}": {**own, "rate": rate} for rate in rates}


HEAVY = dict(optimizer="sgd")
PLAIN = dict(optimizer="sgd", momentum=0.0)

lab = Lab(
    area="foundations",
    week=1,
    systems=[5],
    needs=["momentum", "rmsprop"],
    seconds=60,
    text="""
Adam is two ideas together: an average of the gradients, as momentum keeps, divided by the root of
an average of their squares, as in RMSprop. Both averages start at zero and are corrected for it.
Each weight then moves by about the rate at every step, whatever the loss's unit.

It is said that Adam is chosen for speed and plain descent for certainty. At the rate 0.001, where
Adam is usually started, it is far ahead. But that rate was made for Adam's steps. Give momentum a
rate that was tried out as well, and neither speed nor accuracy differ. Nor does Adam forgive a rate
ten times too small: there momentum loses less.

What Adam buys is that a rate keeps its meaning. Make the pixels 16 times larger, or put three more
hidden layers in, and the rate that was best before is still good. The best rate of momentum now
ends in a guess, and has to be sought again. The price: two more numbers to keep for each weight,
two more to choose, and a known problem on which Adam goes to the worst point (last exhibit).
""",
    data=digits,
    model=lambda s: mlp(64, [64] * s.layers, 10),
    train=Training(
        phases=[
            Phase(fit, optimizer=adam, when=lambda step, s: s.optimizer == "adam"),
            Phase(fit_by_sgd, optimizer=sgd, when=lambda step, s: s.optimizer == "sgd"),
        ],
        evaluate=evaluate,
        parts=("test",),
    ),
    settings=dict(
        optimizer=choice("adam", "sgd"),
        rate=log(1e-4, 10, 0.001),
        momentum=unit(0.9),
        beta1=unit(0.9),
        beta2=unit(0.999),
        epsilon=log(1e-12, 10, 1e-8),
        pixels=log(0.01, 100, 1.0),
        layers=whole(1, 8, 1),
        batch=whole(1, 512, 64),
        epochs=whole(1, 100, 15),
    ),
    compare=dict(
        adam={},
        momentum=HEAVY,
        plain=PLAIN,
        **sweep("adam", (0.01, 0.1, 1.0)),
        **sweep("momentum", (0.03, 0.3, 3.0), **HEAVY),
        **sweep("plain", (0.1, 1.0, 10.0), **PLAIN),
        **sweep("adam_bright", (0.003, 0.01, 0.1), pixels=16.0),
        **sweep("momentum_bright", (0.01, 0.03, 0.3), **HEAVY, pixels=16.0),
        **sweep("adam_deep", (0.01, 0.1), layers=4),
        **sweep("momentum_deep", (0.1, 0.3), **HEAVY, layers=4),
    ),
    seeds=20,
    quick=dict(epochs=5),
    metrics=dict(epochs_to_90=Metric(unit="epochs", better="lower", worst=16, of=epochs_to_90)),
    claims=dict(
        untuned=Claim(
            "At the rate 0.001, Adam ends far more accurate than plain descent.",
            "adam",
            "plain",
            at_least=0.5,
            expected=SUPPORTED,
        ),
        untuned_speed=Claim(
            "At the rate 0.001, Adam needs fewer epochs than momentum to read nine of ten digits.",
            "adam",
            "momentum",
            metric="epochs_to_90",
            at_most=-3,
            expected=SUPPORTED,
            scope="never within 15 epochs counts as 16",
        ),
        tuned=Claim(
            "With each at its best rate, Adam and momentum end equally accurate.",
            "adam_0.01",
            "momentum_0.3",
            within=0.02,
            expected=SUPPORTED,
            scope="rates 0.01 and 0.3, the best of a grid on other seeds",
        ),
        speed=Claim(
            "Adam is chosen for speed: also with each at its best rate it is an epoch faster.",
            "adam_0.01",
            "momentum_0.3",
            metric="epochs_to_90",
            at_most=-1,
            expected=REFUTED,
        ),
        certainty=Claim(
            "Plain descent is chosen for certainty: at its best rate it ends more accurate.",
            "plain_1",
            "adam_0.01",
            at_least=0.01,
            expected=REFUTED,
        ),
        too_large=Claim(
            "At ten times its best rate, Adam ends more accurate than momentum at ten times its.",
            "adam_0.1",
            "momentum_3",
            at_least=0.2,
            expected=SUPPORTED,
        ),
        too_small=Claim(
            "At a tenth of its best rate, Adam ends more accurate than momentum at a tenth of its.",
            "adam",
            "momentum_0.03",
            at_least=0.01,
            expected=REFUTED,
        ),
        other_inputs=Claim(
            "Pixels 16 times larger: the rate that was best fits Adam still, momentum no more.",
            "adam_bright_0.01",
            "momentum_bright_0.3",
            at_least=0.5,
            expected=SUPPORTED,
        ),
        other_inputs_tuned=Claim(
            "Once both are tuned anew for these pixels, they end equally accurate again.",
            "adam_bright_0.003",
            "momentum_bright_0.01",
            within=0.02,
            expected=SUPPORTED,
            scope="rates 0.003 and 0.01, the best of a grid on other seeds",
        ),
        other_network=Claim(
            "Four hidden layers: the rate that was best for one fits Adam still, momentum no more.",
            "adam_deep_0.01",
            "momentum_deep_0.3",
            at_least=0.3,
            expected=SUPPORTED,
            scope="MLP 64-64-64-64-64-10",
        ),
    ),
    exhibits=[same_as_torch, first_step, half_of_it, two_decays, where_adam_fails],
    effects=dict(
        optimizer="sgd",
        rate=0.1,
        momentum=0.5,
        beta1=0.5,
        beta2=0.9,
        epsilon=1,
        pixels=4,
        layers=2,
        batch=32,
        epochs=3,
    ),
    scope="digits 8x8, 1,438 rows to train and 359 to test, MLP 64-64-10, one data set",
    wrong={
        "rate=1": "Every weight moves by 1 at every step: Adam ends near a guess. Plain descent is "
        "at its best there. The same number means another thing.",
        "beta2=0": "The size is that of the last gradient alone. A pixel that is blank in a batch "
        "has none, its average is divided by epsilon, and the weights are thrown away.",
        "beta2=1": "Both the running size and its correction are 0: 0 / 0, no number any more.",
        "epsilon=1": "It outweighs the root: nothing is divided, and the rate is far too small.",
    },
    read_more=[
        "Kingma, Ba 2015, Adam: a method for stochastic optimization",
        "Reddi, Kale, Kumar 2018, On the convergence of Adam and beyond",
        "Loshchilov, Hutter 2019, Decoupled weight decay regularization",
        "Schmidt, Schneider, Hennig 2021, Descending through a crowded valley",
    ],
    picture=picture,
)

"""Batch, layer, instance or group: which when?"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, log, whole
from pilotlight.data.bundled import digits, read_digits
from pilotlight.data.split import holdout
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import Phase, Training
from pilotlight.nets.deep import deep, log_gradient_ratio

AXES = {"batch": (0, 3), "layer": (1, 2, 3), "group": (2, 3), "instance": (3,)}
"""What one mean and one variance are taken over, of rows x groups x channels in each x places."""


def normalize(x: Tensor, axes: tuple[int, ...], epsilon: float = 1e-5) -> Tensor:
    """All four norms: less the mean, divided by the standard deviation, both over these axes."""
    mean, variance = x.mean(axes, keepdim=True), x.var(axes, correction=0, keepdim=True)
    return (x - mean) / (variance + epsilon).sqrt()


def keep(running: Tensor, x: Tensor, momentum: float) -> Tensor:
    """Mean and variance [2, C] that batch norm keeps for evaluation, after rows x [B, C, P].

    They stand for rows not seen: hence a variance divided by n - 1, unlike that in `normalize`.
    """
    return (1 - momentum) * running + momentum * torch.stack([x.mean((0, 2)), x.var((0, 2))])


def random(*shape: int, seed: int = 1) -> Tensor:
    """Normal numbers, the same each time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@exhibit(tolerance=1e-12)
def same_as_torch() -> float:
    """One formula over four choices of axes is what torch's four norms do."""
    x = 3 * random(6, 4, 5, 7) + 2  # 6 rows, 4 groups of 5 channels, 7 places
    flat, running = x.flatten(1, 2), torch.stack([random(20), random(20) ** 2])
    mean, variance = running.clone()
    theirs = {
        "batch": functional.batch_norm(flat, mean, variance, training=True),
        "layer": functional.group_norm(flat, 1),
        "group": functional.group_norm(flat, 4),
        "instance": functional.group_norm(flat, 20),
    }
    errors = [normalize(x, AXES[name]).flatten(1, 2) - norm for name, norm in theirs.items()]
    errors += [
        theirs["layer"] - functional.layer_norm(flat, flat.shape[1:]),
        theirs["instance"] - functional.instance_norm(flat),
        keep(running, flat, momentum=0.1) - torch.stack([mean, variance]),
    ]
    return float(np.max([float(e.abs().max()) for e in errors]))


@exhibit(tolerance=1e-9)
def what_each_forgets() -> tuple[float, dict[str, float]]:
    """A norm forgets scale and offset of what it averages over, so also the size of the weights.

    Hence the gradient has no part along the weights. Shown: one colour of one picture gets five
    times the contrast; the largest change of any number after the norm.
    """
    x, errors, shown = random(4, 2, 3, 9), [], {}
    stronger = x.clone()
    stronger[0, 0, 0] *= 5
    for name, axes in AXES.items():
        each = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
        scaled = random(*each, seed=2).exp() * x + random(*each, seed=3)
        errors.append((normalize(scaled, axes, 0) - normalize(x, axes, 0)).abs().max())
        weights = random(9, 9).requires_grad_()
        loss = (normalize(x @ weights, axes, 0) * random(*x.shape, seed=4)).sum()
        (gradient,) = torch.autograd.grad(loss, weights)
        errors.append((weights.detach() * gradient).sum().abs())
        change = (normalize(stronger, axes, 0) - normalize(x, axes, 0)).abs()
        shown[f"{name}: in this picture"] = round(float(change[0].max()), 6)
        shown[f"{name}: in other pictures"] = round(float(change[1:].max()), 6)
    return float(np.max([float(e) for e in errors])), shown


NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda width: nn.Identity(),
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
    "group": lambda width: nn.GroupNorm(8, width),
}


def normalized(norm: str, activation: str, depth: int) -> nn.Sequential:
    """`depth` times (dense, norm, activation) of 64 units, then a read-out: [B, 64] -> [B, 10]."""
    gain = math.sqrt(2) if activation == "relu" else 1.0  # He's start, or Xavier's
    *plain, readout = deep(64, 64, depth, 10, activation, gain)
    layers: list[nn.Module] = []
    for dense, active in zip(plain[::2], plain[1::2], strict=True):
        layers += [dense, NORMS[norm](64), active]
    return nn.Sequential(*layers, readout)


def some_rows(targets: Tensor, settings: Any, generator: torch.Generator) -> dict[str, Tensor]:
    """The usual holdout, of which `settings.rows` rows train."""
    parts = holdout(targets, settings, generator)
    drawn = torch.randperm(len(parts["train"]), generator=generator)[: settings.rows]
    return {**parts, "train": parts["train"][drawn]}


def through(layers: Any, x: Tensor) -> Tensor:
    """Through layers; a batch norm uses the mean and variance of these rows, and keeps neither."""
    for layer in layers:
        if isinstance(layer, nn.BatchNorm1d):
            x = functional.batch_norm(x, None, None, layer.weight, layer.bias, training=True)
        else:
            x = layer(x)
    return x


def fit(model: nn.Module, batch: Any, settings: Any, state: Any) -> Any:
    """Classes from pixels."""
    return cross_entropy(model(batch.inputs), batch.targets), {}, state


def evaluate(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Accuracy of each row, as usual and with the statistics of these rows; and its gradient at the
    first layer's output over that at the last one's, as a power of ten, as if in training."""
    x, y = batch.inputs, batch.targets
    first, between = partial(through, model[:3]), partial(through, model[3:-1])
    outputs = {"accuracy": model(x), "accuracy_with_own_statistics": through(model, x)}
    right = {name: (o.argmax(1) == y).to(x.dtype) for name, o in outputs.items()}
    return {**right, "log_gradient_ratio": log_gradient_ratio(first, between, model[-1], x, y)}


@exhibit(tolerance=1e-9)
def rows_and_their_company() -> tuple[float, dict[str, float]]:
    """Of two rows batch norm leaves signs; in evaluation no answer depends on the other rows.

    A half difference d becomes d / sqrt(d^2 + epsilon). Shown: how far that is from 1.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        net = normalized("batch", "relu", 3).double()
    rows = read_digits()[0][:64].double()
    half = (net[0](rows[0]) - net[0](rows[1])).detach() / 2
    signs = half / (half**2 + net[1].eps).sqrt()
    errors = [(net[:2](rows[:2]) - torch.stack([signs, -signs])).detach().abs().max()]
    net(rows)  # in training: it keeps means and variances
    net.eval()
    asked = [
        SimpleNamespace(inputs=r, targets=net(r).argmax(1)) for r in (rows, *rows.view(32, 2, 64))
    ]
    together, *pairs = (evaluate(net, batch, None, None)["accuracy"] for batch in asked)
    errors.append((together - torch.cat(pairs)).abs().max() + (1 - together).max())
    shown = {"median distance from +1 or -1": float((1 - signs.abs()).median())}
    return float(np.max([float(e) for e in errors])), shown


@exhibit(tolerance=0.01)
def growth_by_batch_norm() -> tuple[float, dict[str, float]]:
    """Each layer of ReLU and batch norm makes the gradient larger by sqrt(pi / (pi - 1)) = 1.211.

    ReLU lets half of the squared gradient pass; batch norm divides by the variance of what ReLU
    leaves, (1 - 1 / pi) / 2. Tolerance: a hundredth of the factor, as 512 rows and units are not
    infinitely many.
    """
    x, nudges = random(512, 512), torch.zeros(30, 512, 512, dtype=torch.float64).requires_grad_()
    sent = random(512, 512, seed=2)
    for layer, nudge in enumerate(nudges):
        weights = random(512, 512, seed=layer + 3) / math.sqrt(512)
        x = (normalize((x + nudge) @ weights, (0,))).relu()
    (back,) = torch.autograd.grad((x * sent).sum(), nudges)
    sizes = back.norm(dim=(1, 2))
    factor = float(sizes[1] / sizes[-1]) ** (1 / 28)  # the first inputs came from no ReLU
    theory = math.sqrt(math.pi / (math.pi - 1))
    return abs(factor - theory), {"found": factor, "thirty layers": theory**30}


def at_start(curves: Any) -> float:
    """The ratio before the first step, over the test rows."""
    return float(curves["test_log_gradient_ratio"][0])


SIZES = (2, 4, 8, 32)
SHOWN = {"batch": "#c9540a", "layer": "#1f5fbf", "group": "#00866f", "none": "#5a6472"}
DEEP = {  # comparison: words, colour
    "deep_relu": ("ReLU", "#5a6472"),
    "deep_relu_batch": ("ReLU, batch norm", "#c9540a"),
    "deep_sigmoid": ("sigmoid", "#5a6472"),
    "deep_sigmoid_layer": ("sigmoid, layer norm", "#1f5fbf"),
    "deep_sigmoid_batch": ("sigmoid, batch norm", "#c9540a"),
}


def draw(report: Any, figure: Any) -> None:
    """Error over the rows in a batch; what is left of the gradient after thirty layers."""
    left = figure.add_axes((0.09, 0.13, 0.45, 0.76), xscale="log", yscale="log")
    right = figure.add_axes((0.6, 0.13, 0.37, 0.76))
    for norm, color in SHOWN.items():
        own = [m for m in report.members if m.comparison in sizes(norm)]
        ends = [(m.settings["batch"], m.final.get("test_accuracy")) for m in own]
        errors = [(rows, 1 - end) for rows, end in ends if end is not None]
        for dot in errors:
            left.plot(*dot, "o", color=color, alpha=0.2, ms=4)
        tried = sorted({rows for rows, _ in errors})
        means = [np.mean([e for at, e in errors if at == rows]) for rows in tried]
        left.plot(tried, means, color=color, lw=2.5, label=norm)
    left.set(title="Test error", xlabel="rows in a batch", xlim=(1.8, 36), ylim=(0.02, 0.7))
    left.minorticks_off()
    left.set_xticks(SIZES, SIZES)
    left.set_yticks((0.02, 0.05, 0.1, 0.2, 0.5), ("2 %", "5 %", "10 %", "20 %", "50 %"))
    left.legend(loc="upper right")
    for row, (name, (words, color)) in enumerate(DEEP.items()):
        starts = [at_start(m.curves) for m in report.members if m.comparison == name and m.curves]
        right.plot(starts, [row] * len(starts), "o", color=color, alpha=0.4)
        right.text(-19, row - 0.2, words, color=color)
    right.axvline(0, color="#5a6472", ls=":")
    right.set(title="Gradient after thirty layers", xlim=(-20, 4), ylim=(4.6, -0.6), yticks=())
    right.set_xticks((-18, -12, -6, 0), ("10⁻¹⁸", "10⁻¹²", "10⁻⁶", "1"))


def sizes(norm: str) -> dict[str, dict[str, Any]]:
    """A norm with four batch sizes; half the rows, half the rate, so all go equally far."""
    return {
        f"{norm}_{n}": dict(norm=norm, batch=n, rate=lambda s, n=n: s.rate * n / 32) for n in SIZES
    }


DEEP_START = dict(depth=30, rate=1e-4, epochs=1)  # measured before the first step

lab = Lab(
    area="foundations",
    week=1,
    systems=[14],
    needs=["initialization"],
    seconds=45,
    text="""
A norm takes numbers inside a network, subtracts their mean and divides by their standard deviation.
The four norms differ only in whom they ask. Batch norm asks the same unit in all rows of the batch.
Layer norm asks all units of one row, group norm a group of them, and instance norm one channel of
one picture. In a dense layer a channel is a single number, so that instance norm leaves zero.

With 32 rows batch norm learns fastest, and it bears a rate at which a net without a norm learns
nothing. But it makes every row depend on its company. With two rows each number becomes plus or
minus one, whatever it was, and a network that is fed signs learns little. It is chaos, too: within
32 steps a rounding error grows as large as the weights. Layer and group norm look at one row only:
they do not care. On ImageNet, too, batch norm with two pictures at a time makes ten points more
errors than group norm, and with usual batches about as many (Wu and He 2018).

Norms are said to heal gradients that vanish or explode. Some do, some don't. Batch norm heals a
deep sigmoid net, layer norm does not. And in a deep ReLU net, where He's start keeps the gradient
well, batch norm itself makes it grow by a fifth in every layer.
""",
    data=digits,
    split=some_rows,
    model=lambda s: normalized(s.norm, s.activation, s.depth),
    train=Training((Phase(fit),), evaluate, parts=("test",)),
    optimizer=sgd,
    settings=dict(
        norm=choice("batch", "layer", "group", "none"),
        rate=log(1e-5, 10, 0.1),
        activation=choice("relu", "sigmoid", "tanh"),
        depth=whole(2, 100, 3),
        rows=whole(32, 1437, 1437),
        batch=whole(2, 512, 32),
        epochs=whole(1, 100, 4),
    ),
    compare=dict(
        **sizes("none"),
        **sizes("batch"),
        **sizes("layer"),
        **sizes("group"),
        fast_none=dict(norm="none", rate=1.0),
        fast_batch=dict(rate=1.0),
        deep_relu=dict(norm="none", **DEEP_START),
        deep_relu_batch=DEEP_START,
        deep_sigmoid=dict(norm="none", activation="sigmoid", **DEEP_START),
        deep_sigmoid_layer=dict(norm="layer", activation="sigmoid", **DEEP_START),
        deep_sigmoid_batch=dict(activation="sigmoid", **DEEP_START),
    ),
    seeds=16,
    quick=dict(epochs=1),
    short=dict(rows=32, epochs=1),  # batch_2 is chaotic: in 32 steps rounding grows to full size
    metrics=dict(
        accuracy_with_own_statistics=Metric(unit="accuracy", worst=0.0),
        log_gradient_ratio=Metric("powers of ten", worst=-45.0, of=at_start),
    ),
    claims=dict(
        two_rows=Claim(
            "With two rows in a batch, batch norm is far worse than group norm.",
            "batch_2",
            "group_2",
            at_most=-0.3,
            expected=SUPPORTED,
        ),
        many_rows=Claim(
            "With 32 rows, batch norm is better than group norm.",
            "batch_32",
            "group_32",
            at_least=0,
            expected=SUPPORTED,
        ),
        does_not_care=Claim(
            "Group norm is no worse with two rows than with 32.",
            "group_2",
            "group_32",
            at_least=-0.02,
            expected=SUPPORTED,
        ),
        only_evaluation=Claim(
            "With two rows only the kept means are bad: with the test rows' own, nine of ten "
            "digits are read.",
            "batch_2",
            metric="test_accuracy_with_own_statistics",
            at_least=0.9,
            expected=REFUTED,
        ),
        ten_times_the_rate=Claim(
            "At ten times the rate the net with batch norm learns, without a norm it does not.",
            "fast_batch",
            "fast_none",
            at_least=0.5,
            expected=SUPPORTED,
        ),
        combats=Claim(
            "Normalization keeps gradients from getting too small or too large: over thirty ReLU "
            "layers with batch norm, within a factor of ten.",
            "deep_relu_batch",
            metric="log_gradient_ratio",
            within=1,
            expected=REFUTED,
        ),
        layer_norm_heals=Claim(
            "Layer norm brings back a tenth or more of the gradient of a deep sigmoid net.",
            "deep_sigmoid_layer",
            metric="log_gradient_ratio",
            at_least=-1,
            expected=REFUTED,
        ),
        batch_norm_heals=Claim(
            "Batch norm does.",
            "deep_sigmoid_batch",
            metric="log_gradient_ratio",
            at_least=-1,
            expected=SUPPORTED,
        ),
    ),
    exhibits=[same_as_torch, what_each_forgets, rows_and_their_company, growth_by_batch_norm],
    effects=dict(norm="layer", rate=0.01, activation="tanh", depth=2, rows=64, batch=16, epochs=2),
    picture=draw,
    scope="digits 8x8, 3 layers of 64, SGD at rate 0.1 for 32 rows and in proportion for fewer, 4 "
    "epochs; gradients: 30 layers of 64 before training; one data set",
    wrong={
        "rate=1": "With 32 rows and no norm: a guess. With batch norm it changes nothing.",
        "rate=1.6": "So two rows get the rate of 32. Steps are sixteen times too long for so noisy "
        "a gradient, and group norm, too, seems to suffer from small batches.",
        "activation=sigmoid": "With 32 rows, batch norm reads 95 digits of 100, layer norm 85, no "
        "norm ten.",
        "stay in training mode to evaluate": "Each answer then depends on the other rows; of one "
        "row alone nothing is left.",
    },
    read_more=[
        "Ioffe, Szegedy 2015, Batch normalization",
        "Ba, Kiros, Hinton 2016, Layer normalization",
        "Wu, He 2018, Group normalization",
        "Yang et al. 2019, A mean field theory of batch normalization",
    ],
)

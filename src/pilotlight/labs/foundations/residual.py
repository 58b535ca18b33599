"""Do skip connections let gradients through?"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import jacrev
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, linear, log, unit, whole
from pilotlight.data.bundled import digits, read_digits
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import Phase, Training
from pilotlight.nets.deep import ACTIVATIONS, log_gradient_ratio

HE = math.sqrt(2)


class Block(nn.Module):
    """Two dense layers of 64 units. What they make of x is added to x, or, if plain, replaces it.

    Weights are normal with a standard deviation of gain / sqrt(64): He's gain (Xavier's for the
    sigmoid) in the first layer, `branch` in the second. With 0 the block starts by doing nothing.
    """

    def __init__(self, network: str, activation: str, branch: float) -> None:
        super().__init__()
        self.network, self.activation = network, ACTIVATIONS[activation]()
        self.first, self.second = nn.Linear(64, 64), nn.Linear(64, 64)
        gains = (self.first, HE if activation == "relu" else 1.0), (self.second, branch)
        for layer, gain in gains:
            nn.init.normal_(layer.weight, std=gain / 8)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in."""
        change: Tensor = self.second(self.activation(self.first(x)))
        if self.network == "plain":
            return self.activation(change)  # type: ignore[no-any-return]
        return x + change


def build(s: Any) -> nn.Sequential:
    """`depth` layers in blocks of two, then a read-out: [B, 64] -> [B, 10]."""
    readout = nn.Linear(64, 10)
    nn.init.normal_(readout.weight, std=1 / 8)
    nn.init.zeros_(readout.bias)
    blocks = (Block(s.network, s.activation, s.branch) for _ in range(s.depth // 2))
    return nn.Sequential(*blocks, readout)


def stack(depth: int, network: str, branch: float) -> nn.Sequential:
    """Blocks of ReLU layers in double precision, the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return nn.Sequential(*(Block(network, "relu", branch) for _ in range(depth // 2))).double()


def directions(rows: Tensor, centre: bool = True) -> Tensor:
    """In how many directions rows [B, n] differ, from 1 to n: (sum of variances)^2 over the sum of
    their squares, along the principal axes (the participation ratio). Rows that differ by less than
    a millionth of their size, which rounding may have made, count as differing in one."""
    away = rows - rows.mean(0) if centre else rows
    spread = away.T @ away
    ratio = spread.trace() ** 2 / spread.square().sum()
    return torch.where(away.norm() > 1e-6 * rows.norm(), ratio, 1.0)


@exhibit(tolerance=1e-12)
def starts_by_doing_nothing() -> tuple[float, dict[str, float]]:
    """With the second layers at 0, fifty layers hand on what they get, and gradients come back so.

    Signs do not matter: nothing stands behind the sum. Shown: how many of 64 directions pass from
    the first layer to the last, by the singular values of the Jacobian at one digit.
    """
    x = torch.randn(8, 64, generator=torch.Generator().manual_seed(1)).double()
    net = stack(50, "residual", 0.0)
    errors = [net(x) - x, jacrev(net)(x[0]) - torch.eye(64)]
    digit, shown = read_digits()[0][0].double(), {}
    for name, branch in (("plain", HE), ("residual", 0.0), ("residual", 1.0)):
        jacobian = jacrev(stack(50, name, branch))(digit).detach()
        shown[f"{name}, second layers times {branch:.3g}"] = round(
            float(directions(jacobian, centre=False)), 2
        )
    return float(np.max([e.detach().abs().max() for e in errors])), shown


@exhibit(tolerance=1e-9)
def sum_over_paths() -> tuple[float, dict[str, int]]:
    """Eight blocks are 256 paths: the Jacobian is the sum over all ways to enter or skip each.

    Each block multiplies by (1 + branch); multiplied out, that is a sum. Shown: paths by the number
    of blocks that they enter.
    """
    net: Any = stack(16, "residual", 1.0)
    x = read_digits()[0][0].double()
    whole_net, branches = jacrev(net)(x), list[Tensor]()
    with torch.no_grad():
        for block in net:
            gates = torch.diag((block.first(x) > 0).double())
            branches.append(block.second.weight @ gates @ block.first.weight)
            x = block(x)
    total = torch.zeros_like(whole_net)
    lengths = dict.fromkeys(range(9), 0)
    for entered in product((False, True), repeat=8):
        path = torch.eye(64).double()
        for branch in (b for b, enter in zip(branches, entered, strict=True) if enter):
            path = branch @ path
        total += path
        lengths[sum(entered)] += 1
    error = float((total - whole_net).detach().norm() / whole_net.detach().norm())
    return error, {f"enter {n} blocks": count for n, count in lengths.items()}


@exhibit(tolerance=1e-9)
def how_a_sum_grows() -> tuple[float, dict[str, float]]:
    """A block whose second layer has gain g multiplies the squared length by 1 + g^2, on average.

    Exact where all weights are rotations times their gain and each is averaged over both its signs.
    """
    draw, errors = torch.Generator().manual_seed(1), []
    for gain in (0.0, 0.5, 1.0, HE):
        block, lengths = stack(2, "residual", gain)[0], []
        x = torch.randn(64, generator=draw, dtype=torch.float64)
        first, second = (
            nn.init.orthogonal_(torch.empty(64, 64).double(), generator=draw) for _ in range(2)
        )
        for signs in product((1, -1), repeat=2):
            weights = {
                "first.weight": signs[0] * HE * first,
                "second.weight": signs[1] * gain * second,
            }
            block.load_state_dict(weights, strict=False)
            lengths.append(float(block(x).detach().square().sum() / x.square().sum()))
        errors.append(abs(sum(lengths) / 4 - (1 + gain**2)))
    scales = {"1": 1.0, "1 / sqrt(blocks)": 1 / math.sqrt(15), "0": 0.0}
    return max(errors), {
        f"length after fifteen blocks, gain {name}": (1 + gain**2) ** 7.5
        for name, gain in scales.items()
    }


def fit(model: nn.Module, batch: Any, settings: Any, state: Any) -> Any:
    """Classes from pixels."""
    return cross_entropy(model(batch.inputs), batch.targets), {}, state


def look(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """On every 32nd training row: the gradient at the input over that at the last block's output,
    as a power of ten, in the mean; and in how many directions the rows differ there."""
    x, y, blocks = batch.inputs[::32], batch.targets[::32], model[:-1]
    ratio = log_gradient_ratio(nn.Identity(), blocks, model[-1], x, y)
    return {"log_gradient_ratio": ratio.mean(), "directions": directions(blocks(x))}


def evaluate(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Accuracy of each row, and what `look` has found."""
    right = (model(batch.inputs).argmax(1) == batch.targets).to(batch.inputs.dtype)
    seen = batch.reference
    return {
        "accuracy": right,
        "log_gradient_ratio": seen.log_gradient_ratio.expand(len(right)),
        "directions": seen.directions.expand(len(right)),
    }


def at_start(name: str) -> Callable[[Any], float]:
    """A value before the first step."""
    return lambda curves: float(curves[f"test_{name}"][0])


DEPTHS = {2: (0.1, 0.1), 8: (0.01, 0.03), 20: (0.003, 0.01), 30: (0.002, 0.01), 50: (0.001, 0.01)}
"""Layers -> the best rate for a plain net, and for one with skips."""
PLAIN, SKIPS = "#c9540a", "#1f5fbf"
DEEP = {  # comparison: words, colour, which side of its dots they stand on
    "plain_50": ("plain, 50 layers", PLAIN, "right"),
    "residual_50": ("skips, 50 layers", SKIPS, "right"),
    "plain_sigmoid": ("plain sigmoid", PLAIN, "left"),
    "residual_sigmoid": ("sigmoid with skips", SKIPS, "right"),
}


def ends(report: Any, comparison: str) -> list[tuple[float, float]]:
    """Of each network the gradient before training, and the training error after it."""
    own = [m for m in report.members if m.comparison == comparison]
    found = [(m.curves.get("test_log_gradient_ratio"), m.final.get("train_accuracy")) for m in own]
    return [(curve[0], 1 - end) for curve, end in found if curve and end is not None]


def draw(report: Any, figure: Any) -> None:
    """Training error over depth; and of deep nets over the size of the gradient before."""
    left = figure.add_axes((0.08, 0.13, 0.4, 0.76))
    right = figure.add_axes((0.57, 0.13, 0.4, 0.76), sharey=left)
    for network, words, color in (("plain", "plain", PLAIN), ("residual", "with skips", SKIPS)):
        errors = {d: [error for _, error in ends(report, f"{network}_{d}")] for d in DEPTHS}
        means = {d: np.mean(values) for d, values in errors.items() if values}
        left.plot(list(means), list(means.values()), color=color, lw=2.5)
        for depth, values in errors.items():
            left.plot([depth] * len(values), values, "o", color=color, alpha=0.3, ms=5)
        left.text(34, 0.72 if network == "plain" else 0.05, words, color=color)
    left.set(title="Training error", xlabel="layers", xticks=list(DEPTHS), ylim=(-0.02, 1))
    for name, (words, color, side) in DEEP.items():
        found = ends(report, name)
        for dot in found:
            right.plot(*dot, "o", color=color, alpha=0.4)
        if found:
            x, y = np.mean(found, 0)
            shift = 1 if side == "left" else -1
            right.text(x + shift, y, words, color=color, ha=side, va="center")
    right.axvline(0, color="#5a6472", ls=":")
    right.set(title="The same, over the gradient left", xlim=(-20, 3))
    right.set(xlabel="gradient at the input, before training")
    right.set_xticks((-18, -12, -6, 0), ("10⁻¹⁸", "10⁻¹²", "10⁻⁶", "1"))


def sweep(network: str, branch: float, rate: int) -> dict[str, dict[str, Any]]:
    """One kind of net at each depth, at its best rate."""
    return {
        f"{network}_{depth}": dict(network=network, branch=branch, depth=depth, rate=rates[rate])
        for depth, rates in DEPTHS.items()
    }


lab = Lab(
    area="foundations",
    week=1,
    systems=[13],
    needs=["initialization"],
    seconds=45,
    text="""
A deep net should do at least as well as a shallow one: its extra layers could just hand on what
they get. Plain nets do not find out how. With fifty layers they are worse than with two, on the
very digits that they train on: so this is no overfitting. On ImageNet a plain net of 34 layers had
28.5 percent errors, one of 18 only 27.9 (He et al. 2016).

A skip hands on what comes in, and the layers only add to it. Start their last weights at zero, and
fifty layers begin as none: depth does no harm. Start them at full width, and each block doubles the
squared length of the signal. Such a net bears only a thirtieth of the rate, and reads less.

Is it that the gradient gets through? With sigmoids, yes: it vanishes in the plain net, and skips
bring it back. But in a plain ReLU net with He's start the gradient keeps its size, and still the
net does not learn. What it loses is variety: after fifty layers all digits lie on one line, and
gradients come back along few directions. Skips keep them all.
""",
    data=digits,
    model=build,
    train=Training((Phase(fit),), evaluate, reference=look),
    optimizer=sgd,
    settings=dict(
        network=choice("residual", "plain"),
        activation=choice("relu", "sigmoid", "tanh"),
        branch=linear(0.0, 10.0, 0.0),
        depth=whole(2, 200, 30),
        rate=log(1e-5, 10, 0.01),
        momentum=unit(0.9),
        batch=whole(1, 512, 64),
        epochs=whole(1, 100, 8),
    ),
    compare=dict(
        **sweep("plain", HE, 0),
        **sweep("residual", 0.0, 1),
        unscaled=dict(branch=1.0, rate=lambda s: 0.03 * s.rate),
        plain_sigmoid=dict(network="plain", activation="sigmoid", branch=1.0),
        residual_sigmoid=dict(activation="sigmoid"),
    ),
    quick=dict(epochs=2),
    metrics=dict(
        log_gradient_ratio=Metric("powers of ten", worst=-45.0, of=at_start("log_gradient_ratio")),
        directions=Metric("directions", of=at_start("directions")),
    ),
    claims=dict(
        plain_degrades=Claim(
            "A plain net of fifty layers learns its training digits worse than one of two.",
            "plain_50",
            "plain_2",
            metric="train_accuracy",
            at_most=-0.3,
            expected=SUPPORTED,
        ),
        skips_do_not=Claim(
            "With skips, fifty layers learn them as well as two.",
            "residual_50",
            "residual_2",
            metric="train_accuracy",
            at_least=-0.02,
            expected=SUPPORTED,
        ),
        thirty=Claim(
            "With thirty layers, skips read far more test digits.",
            "residual_30",
            "plain_30",
            at_least=0.2,
            expected=SUPPORTED,
        ),
        shallow=Claim(
            "With two layers they do not matter.",
            "residual_2",
            "plain_2",
            within=0.02,
            expected=SUPPORTED,
        ),
        gradient_is_gone=Claim(
            "Plain nets fail as no gradient comes through: over fifty ReLU layers it falls to a "
            "tenth or less.",
            "plain_50",
            metric="log_gradient_ratio",
            at_most=-1,
            expected=REFUTED,
        ),
        directions_are_gone=Claim(
            "After fifty plain layers digits differ in eight directions fewer than with skips.",
            "plain_50",
            "residual_50",
            metric="directions",
            at_most=-8,
            expected=SUPPORTED,
        ),
        sigmoid=Claim(
            "With sigmoids no gradient comes through thirty plain layers, and skips let it pass.",
            "residual_sigmoid",
            "plain_sigmoid",
            metric="log_gradient_ratio",
            at_least=5,
            expected=SUPPORTED,
        ),
        wide_start=Claim(
            "Any skip will do: started at full width, thirty layers read as many test digits.",
            "unscaled",
            "residual_30",
            at_least=-0.02,
            expected=REFUTED,
            test="rank",
            scope="at the best rate of its own, 0.0003, at which few diverge; at 0.001 all do",
        ),
    ),
    exhibits=[starts_by_doing_nothing, sum_over_paths, how_a_sum_grows],
    effects=dict(
        network="plain",
        activation="tanh",
        branch=0.5,
        depth=4,
        rate=0.001,
        momentum=0.5,
        batch=32,
        epochs=1,
    ),
    picture=draw,
    scope="digits 8x8, blocks of two layers of 64, SGD with momentum 0.9, 8 epochs, each depth at "
    "its best rate of five on other seeds, one data set",
    wrong={
        "activation=sigmoid": "Plain nets of eight layers and more end at a guess. With skips, "
        "those of fifty still learn.",
        "momentum=0.99": "Steps are ten times longer: plain nets suffer most.",
        "a ReLU behind the sum": "It stands in everybody's way: what is negative is lost.",
    },
    read_more=[
        "He, Zhang, Ren, Sun 2016, Deep residual learning for image recognition",
        "Veit, Wilber, Belongie 2016, Residual networks behave like ensembles of relatively "
        "shallow networks",
        "Balduzzi et al. 2017, The shattered gradients problem",
        "Zhang, Dauphin, Ma 2019, Fixup initialization",
    ],
)

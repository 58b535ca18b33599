"""Which nonlinear nets are universal, and at what rate?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, log, switch, whole
from pilotlight.data.table import Data
from pilotlight.engine.optim import adam
from pilotlight.engine.steps import Phase, Training

Array = npt.NDArray[np.float64]
Curves = Mapping[str, Sequence[float]]
INSIDE = 2049
"""Points from -1 to 1, where the networks learn; the points after them lie beyond, up to 1.5."""
POWERS = {"relu_4": 0.602, "relu_16": 1.204, "relu": 1.806, "relu_256": 2.408}
"""log10 of the width."""


class Square(nn.Module):
    """A nonlinear function, and a polynomial."""

    def forward(self, x: Tensor) -> Tensor:
        """Of each number."""
        return x * x


BENDS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "square": Square}


def wave() -> tuple[Tensor, Tensor]:
    """Two periods of a sine between -1 and 1, and one quarter of it beyond: [R, 1], [R]."""
    x = torch.arange(INSIDE + 512) / ((INSIDE - 1) / 2) - 1
    return x[:, None], torch.sin(2 * math.pi * x)


def parts(targets: Tensor, settings: Any, generator: torch.Generator) -> dict[str, Tensor]:
    """All inner points train: we ask what a network can say, not what it makes of few rows."""
    rows = torch.arange(len(targets))
    return {"train": rows[:INSIDE], "beyond": rows[INSIDE:]}


def solve(hidden: Array, targets: Array) -> Array:
    """The best output weights for given hidden units [R, M], bias last: least squares."""
    columns = np.hstack([hidden, np.ones((len(hidden), 1))])
    return np.asarray(np.linalg.lstsq(columns, targets, rcond=None)[0], np.float64)


def network(settings: Any) -> nn.Sequential:
    """One hidden layer. `solved`: kinks spread evenly, and the best output weights for them."""
    first, last = nn.Linear(1, settings.width), nn.Linear(settings.width, 1)
    bend = BENDS[settings.bend]()
    with torch.no_grad():
        first.weight.mul_(settings.spread)
        first.bias.mul_(settings.spread)
        if settings.solved:
            first.weight.fill_(1)
            first.bias.copy_(1 - 2 * torch.arange(settings.width) / settings.width)
            x, y = (t[:INSIDE].double() for t in wave())
            best = torch.tensor(solve(bend(x + first.bias).numpy(), y.numpy()))
            last.weight.copy_(best[:-1])
            last.bias.copy_(best[-1:])
    return nn.Sequential(first, bend, last)


def fit(model: Any, batch: Any, settings: Any, state: dict[str, Any]) -> Any:
    """Squared error."""
    return (model(batch.inputs).squeeze(1) - batch.targets).square().mean(), {}, state


def evaluate(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Squared error, of each point."""
    return {"squares": (model(batch.inputs).squeeze(1) - batch.targets).square()}


def outline(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """What the network says between -1 and 1.5, to draw it."""
    return {"says": model(torch.linspace(-1, 1.5, 151).to(batch.inputs)[:, None]).squeeze(1)}


def falling(step: int, steps: int, settings: Any) -> Any:
    """A factor on the rate that falls from 1 to nearly 0."""
    return 1 - step / steps


def share(squares: float) -> float:
    """Powers of ten by which the typical error is below the wave; 0 is as bad as saying nothing."""
    return math.log10(2 * squares + 1e-30) / 2


def error(part: str) -> Metric:
    """The error at the end, on one part."""
    return Metric(
        unit="powers of ten", better="lower", of=lambda curves: share(curves[f"{part}_squares"][-1])
    )


def hinges(x: Array, kinks: Array, heights: Array) -> Array:
    """A network of one ReLU for each kink but the last, set by hand to join given heights."""
    slopes = np.diff(heights) / np.diff(kinks)
    changes = np.diff(slopes, prepend=0)
    units: Array = np.maximum(x[:, None] - kinks[:-1], 0)
    line: Array = units @ changes + heights[0]
    return line


@exhibit(tolerance=1e-11)
def hinges_join_the_dots() -> tuple[float, dict[str, float]]:
    """ReLUs set by hand join points of the wave: the error is within h^2/8 of the curvature.

    The network is held against numpy's interpolation, its error against that bound.
    """
    x = np.linspace(-1, 1, 20001)
    errors, shown, widths = list[float](), dict[str, float](), (4, 8, 16, 32, 64, 128, 256)
    for width in widths:
        kinks = np.linspace(-1, 1, width + 1)
        heights = np.sin(2 * math.pi * kinks)
        line = hinges(x, kinks, heights)
        off = float(abs(line - np.sin(2 * math.pi * x)).max())
        bound = (2 / width) ** 2 / 8 * (2 * math.pi) ** 2
        errors += [abs(line - np.interp(x, kinks, heights)).max(), off - bound]
        shown[f"{width} hinges: largest error"] = off
    last = [shown[f"{width} hinges: largest error"] for width in (128, 256)]
    shown["power of the width that it falls with"] = math.log2(last[1] / last[0])
    return float(np.max(errors)), shown


def best_fit(bend: str, width: int) -> float:
    """The typical error of a hidden layer drawn at random, its output weights solved for."""
    x, y = (t[:INSIDE].double().numpy() for t in wave())
    draw = np.random.default_rng(width)
    inner = draw.uniform(-4, 4, (1, width)) * (x - draw.uniform(-1, 1, (1, width)))
    hidden = BENDS[bend]()(torch.tensor(inner)).numpy()
    says = np.hstack([hidden, np.ones((len(x), 1))]) @ solve(hidden, y)
    return float(np.sqrt(np.mean((says - y) ** 2)))


@exhibit(tolerance=1e-9)
def squares_reach_a_floor() -> tuple[float, dict[str, float]]:
    """Any number of squares is one parabola: at any width the error of numpy's best parabola.

    Shown as shares of the wave, beside ReLU and tanh with output weights found the same way.
    """
    x, y = (t[:INSIDE].double().numpy() for t in wave())
    parabola = np.polyval(np.polyfit(x[:, 0], y, 2), x[:, 0])
    floor = float(np.sqrt(np.mean((parabola - y) ** 2)))
    off, shown = list[float](), {"best parabola": floor * math.sqrt(2)}
    for width in (4, 16, 64, 256):
        off.append(abs(best_fit("square", width) - floor))
        for bend in BENDS:
            shown[f"{width} units, {bend}"] = best_fit(bend, width) * math.sqrt(2)
    return float(np.max(off)), shown


def draw(report: Any, figure: Any) -> None:
    """Left: what three networks say. Right: the error by width, trained and solved for."""
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    figure.subplots_adjust(left=0.06, right=0.97, bottom=0.12, top=0.9, wspace=0.22)
    x = np.linspace(-1, 1.5, 151)
    left.axvspan(1, 1.5, color="#dde2e8", alpha=0.6, lw=0)
    left.plot(x, np.sin(2 * math.pi * x), color="#1d2430", lw=1)
    left.text(1.25, -1.75, "beyond", ha="center", color="#5a6472")
    ends: dict[str, list[tuple[int, float]]] = {}
    for member in report.members:
        if member.curves.get("train_squares"):
            end = 10 ** share(member.curves["train_squares"][-1])
            ends.setdefault(member.comparison, []).append((member.settings["width"], end))
        color, height, words = DRAWN.get(member.comparison, ("", 0.0, ""))
        if member.snapshots and words:
            left.plot(x, member.snapshots[-1]["says"], color=color, lw=2.2, alpha=0.85)
            left.text(-0.95, height, words, color=color, weight="bold")
    left.set(xlim=(-1, 1.5), ylim=(-2, 2.6))
    left.set_title("A wave, and what networks make of it", weight="bold")
    for names, color in ((POWERS, "#1f5fbf"), (("square_4", "square"), "#c9540a")):
        found = [end for name in names for end in ends.get(name, ())]
        right.loglog(*np.array(found).reshape(-1, 2).T, "o", color=color, alpha=0.5)
    widths = np.array([4, 16, 64, 256])
    right.loglog(widths, 6 * widths**-2.0, "--", color="#00866f")
    solved = np.array(ends.get("solved", [])).reshape(-1, 2)
    right.loglog(*solved.T, "o", color="#00866f")
    right.text(256, 1.15, "squares", color="#c9540a", ha="right", weight="bold")
    right.text(90, 0.16, "ReLU,\ntrained", color="#1f5fbf", weight="bold")
    right.text(
        4.3, 0.0006, "ReLU, solved for:\nwidth to the power -2", color="#00866f", weight="bold"
    )
    right.set_xticks(widths, [str(width) for width in widths])
    right.minorticks_off()
    right.set(xlabel="units in the hidden layer")
    right.set_title("Error (share of the wave)", weight="bold")


DRAWN = {  # comparison -> colour, height and words in the picture
    "square": ("#c9540a", 2.25, "64 squares, trained"),
    "relu": ("#1f5fbf", 1.9, "64 ReLUs, trained"),
    "solved": ("#00866f", 1.55, "64 ReLUs, started at the solution"),
}

lab = Lab(
    area="foundations",
    week=1,
    systems=[16],
    needs=["mlp"],
    seconds=30,
    text="""
A network with one hidden layer can come as near as one likes to any continuous function, if the
layer is wide enough. That is the universal approximation theorem. It is often told as: all
nonlinear networks can. They cannot. A sum of squares of straight lines is one parabola, however
many there are. The theorem holds exactly for activations that are no polynomial.

For ReLU the proof is a drawing: each unit is a kink, and kinks join points of the curve by straight
lines. Twice the units, a quarter of the error. The weights can be written down, or solved for. On a
curve as smooth as this one, tanh is better than any such power: see the second exhibit.

That is what a network can say, not what training finds. From the usual start, gradient descent gets
nowhere near what the same network can do. Do not take that for a lack of units: start it at the
solution, and it stays. And neither theorem nor training says anything of points beyond those that
were asked for. You can stop here.
""",
    data=Data("a sine wave", wave),
    split=parts,
    model=network,
    train=Training(
        phases=[Phase(fit)], evaluate=evaluate, parts=("train", "beyond"), snapshot=outline
    ),
    optimizer=adam,
    schedule=falling,
    settings=dict(
        rate=log(1e-6, 1, 0.02),
        width=whole(1, 1024, 64),
        bend=choice("relu", "tanh", "square"),
        spread=log(0.01, 100, 1.0),
        solved=switch(False),
        batch=whole(1, INSIDE, 64),
        epochs=whole(1, 1000, 50),
    ),
    compare=dict(
        relu_4=dict(width=4),
        relu_16=dict(width=16),
        relu={},
        relu_256=dict(width=256),
        solved=dict(solved=True, rate=lambda s: s.rate / 100),
        tanh=dict(bend="tanh"),
        tanh_spread=dict(bend="tanh", spread=8.0),
        square_4=dict(bend="square", width=4),
        square=dict(bend="square"),
    ),
    quick=dict(epochs=10),
    metrics=dict(inside=error("train"), beyond=error("beyond")),
    claims=dict(
        all_are=Claim(
            "All nonlinear networks are universal: 64 squares come within a tenth of the wave.",
            "square",
            metric="inside",
            at_most=-1,
            expected=REFUTED,
        ),
        width=Claim(
            "More squares do not help: 64 do as well as 4.",
            "square",
            "square_4",
            "inside",
            within=0.02,
            expected=SUPPORTED,
        ),
        relu=Claim(
            "256 ReLUs come within a tenth of it, trained from the usual start.",
            "relu_256",
            metric="inside",
            at_most=-1,
            expected=SUPPORTED,
        ),
        trained_rate=Claim(
            "Trained from the usual start, the error falls nearly as the square of the width.",
            metric="inside",
            trend=POWERS,
            at_most=-1.5,
            expected=REFUTED,
            scope="4 to 256 ReLUs",
        ),
        gap=Claim(
            "The usual start ends ten times farther from the wave than the solution for 64 ReLUs.",
            "relu",
            "solved",
            "inside",
            at_least=1,
            expected=SUPPORTED,
        ),
        start=Claim(
            "What looks like too few tanh units is their start: eight times as steep, 64 do well.",
            "tanh_spread",
            "tanh",
            "inside",
            at_most=-0.5,
            expected=SUPPORTED,
            scope="rate 0.02",
        ),
        beyond=Claim(
            "Beyond the interval even the solution is off by the size of the wave.",
            "solved",
            metric="beyond",
            at_least=0,
            expected=SUPPORTED,
        ),
    ),
    exhibits=[hinges_join_the_dots, squares_reach_a_floor],
    effects=dict(rate=0.1, width=16, bend="tanh", spread=3.0, solved=True, batch=32, epochs=1),
    picture=draw,
    scope="two periods of a sine, 2,049 points, one hidden layer, Adam, 1,600 steps",
    wrong={
        "bend=square": "A parabola, whatever the width and however long it trains.",
        "spread=0.01": "Hidden units that start nearly flat: the ReLUs end much farther off.",
        "rate=1": "The ReLUs lose the wave. Tanh, which is flat far out, finds it all the better.",
    },
    read_more=[
        "Cybenko 1989, Approximation by superpositions of a sigmoidal function",
        "Leshno, Lin, Pinkus, Schocken 1993, Multilayer feedforward networks with a nonpolynomial "
        "activation function can approximate any function",
        "de Boor 2001, A practical guide to splines (the bound h^2/8)",
    ],
)

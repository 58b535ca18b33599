"""Are deep nets exponentially more expressive?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, log, whole
from pilotlight.engine.optim import adam
from pilotlight.engine.steps import Phase, Training
from pilotlight.nets.dense import mlp

Layers = Sequence[tuple[Sequence[Sequence[Any]], Sequence[Any]]]
"""Weights [out, in] and biases [out] of each layer, as plain numbers; ReLU between them."""


def tents(folds: int) -> Layers:
    """A tent, 2 relu(x) - 4 relu(x - 1/2) on [0, 1], put into itself so many times (Telgarsky)."""
    half, between = Fraction(-1, 2), ([[2, -4], [2, -4]], [0, Fraction(-1, 2)])
    return [([[1], [1]], [0, half]), *[between] * (folds - 1), ([[2, -4]], [0])]


def exact(layers: Layers, zero: Any = Fraction(0)) -> tuple[list[Any], list[Any]]:
    """Where on [0, 1] a net bends, both ends included, and its values there; straight between.

    No grid: layer by layer, a unit bends where what enters it crosses 0. Exact for fractions.
    """
    places, values = [zero, zero + 1], [[zero], [zero + 1]]
    for weights, biases in layers[:-1]:
        entering = [_affine(weights, biases, v) for v in values]
        bent, ends = [places[0]], [entering[0]]
        for i, (a, b) in enumerate(pairwise(entering)):
            crossings = {p / (p - q) for p, q in zip(a, b, strict=True) if p * q < 0}
            for share in sorted(crossings):
                bent.append(places[i] + share * (places[i + 1] - places[i]))
                ends.append([p + share * (q - p) for p, q in zip(a, b, strict=True)])
            bent.append(places[i + 1])
            ends.append(b)
        places, values = bent, [[max(v, 0) for v in end] for end in ends]
    return places, [_affine(*layers[-1], v)[0] for v in values]


def _affine(weights: Any, biases: Any, values: Any) -> list[Any]:
    rows = zip(weights, biases, strict=True)
    return [sum(w * v for w, v in zip(row, values, strict=True)) + bias for row, bias in rows]


def count(places: Sequence[Any], values: Sequence[Any]) -> int:
    """Straight pieces: neighbours of one slope are one."""
    slopes = np.diff(np.array(values)) / np.diff(np.array(places))
    return 1 + int((slopes[1:] != slopes[:-1]).sum())


@exhibit(tolerance=0)
def two_units_a_layer() -> tuple[float, dict[str, str]]:
    """Two units in each of k layers make 2^k straight pieces, and are right at 2^k points.

    In fractions, without rounding; and the same net in torch.
    """
    errors, shown = [], {}
    for folds in range(1, 9):
        places, values = exact(tents(folds))
        errors.append(abs(count(places, values) - 2**folds))
        net, points = mlp(1, [2] * folds, 1).double(), torch.arange(2**folds + 1).double()
        build_tents(net)
        answers = net(points[:, None] / 2**folds)[:, 0]
        errors.append(float((answers - points % 2).detach().abs().max()))
        one_layer = f"{2 * folds + 1} at most with as many in one layer"
        shown[f"{2 * folds} units in {folds} layers"] = f"{2**folds} pieces; {one_layer}"
    return max(errors), shown


def best_shallow(points: int, units: int) -> Layers:
    """A net of one layer that crosses 1/2 between as many neighbours as it has straight pieces.

    Slopes go up, down, up, ...; the second is twice as steep, so that two units that look to the
    left, the first and the fourth, add up to the first slope. From 6 units on.
    """
    steep = [2.0 if piece == 1 else 1.0 for piece in range(units + 1)]
    slopes = [(-1) ** piece * size * points for piece, size in enumerate(steep)]
    middles = [(piece + 0.5) / points for piece in range(units + 1)]
    bends = [
        (steep[j] * middles[j] + steep[j + 1] * middles[j + 1]) / (steep[j] + steep[j + 1])
        for j in range(units)
    ]
    sides = [-1 if j in (0, 3) else 1 for j in range(units)]
    out = [slopes[j + 1] - slopes[j] for j in range(units)]
    hidden = [[side] for side in sides], [-s * b for s, b in zip(sides, bends, strict=True)]
    at_first = _affine([out], [0], [max(v, 0) for v in _affine(*hidden, [middles[0]])])[0]
    return [hidden, ([out], [0.5 - at_first])]


def fewest_errors(points: int, stretches: int) -> int:
    """On labels 0, 1, 0, 1, ...: the least any answer can err that changes so often less one.

    By dynamic programming over all such answers.
    """
    never = points + 1
    best = [[0, 1]] + [[never, never]] * (stretches - 1)  # [changes so far][last answer]
    for point in range(1, points):
        best = [
            [
                min(same[a], best[changes - 1][1 - a] if changes else never) + (a != point % 2)
                for a in (0, 1)
            ]
            for changes, same in enumerate(best)
        ]
    return min(min(row) for row in best)


@exhibit(tolerance=0)
def one_layer_cannot() -> tuple[float, dict[str, float]]:
    """m units in one layer err on (1 - (m + 2) / n) / 2 of n alternating points, at the very least.

    They make m + 1 pieces, each crosses 1/2 once at most. The bound is met by a net, and no answer
    of so few stretches does better.
    """
    errors, shown = [], {}
    for points, units in ((64, 12), (64, 32), (256, 16), (1024, 20)):
        bound = (points - units - 2) / 2
        places, values = exact(best_shallow(points, units), 0.0)
        answers = np.interp(np.arange(points) / points, places, values) >= 0.5
        errors.append(abs((answers != np.arange(points) % 2).sum() - bound))
        errors.append(abs(fewest_errors(points, units + 2) - bound))
        shown[f"{points} points, {units} units: share of errors"] = round(bound / points, 3)
    return float(max(errors)), shown


@exhibit(tolerance=1e-9)
def pieces_of_random_nets() -> tuple[float, dict[str, list[int]]]:
    """Between the bends found exactly, nets are straight: torch agrees at 1,000 points.

    Shown: pieces of five random nets of 96 units, as they start, in 1, 3, 6 and 12 layers.
    """
    points = np.random.default_rng(1).uniform(size=1000)
    errors, shown = [], {}
    for depth in (1, 3, 6, 12):
        counts = []
        for seed in range(5):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                net: Any = spread(mlp(1, [96 // depth] * depth, 1)).double()
            bends = exact([(dense.weight.tolist(), dense.bias.tolist()) for dense in net[::2]], 0.0)
            answers = net(torch.tensor(points)[:, None])[:, 0].detach().numpy()
            errors.append(abs(np.interp(points, *bends) - answers).max())
            counts.append(len(bends[0]) - 1)
        shown[f"{depth} layers"] = counts
    return float(np.max(errors)), shown


def build_tents(net: Any) -> nn.Module:
    """Lay the tents' weights into the first two units of each layer; others stay silent."""
    dense = net[::2]
    with torch.no_grad():
        for layer, (weights, biases) in zip(dense, tents(len(dense) - 1), strict=True):
            given = torch.tensor(weights), torch.tensor([float(bias) for bias in biases])
            for parameter, values in zip((layer.weight, layer.bias), given, strict=True):
                parameter.zero_()[tuple(slice(n) for n in values.shape)] = values.to(parameter)
    return net  # type: ignore[no-any-return]


def spread(net: Any) -> nn.Module:
    """Start by He's rule, with biases wide enough that units bend inside of [0, 1]."""
    for layer in net[:-1:2]:
        nn.init.normal_(layer.weight, std=math.sqrt(2 / layer.in_features))
        nn.init.normal_(layer.bias, std=0.5)
    return net  # type: ignore[no-any-return]


def build(s: Any) -> nn.Module:
    """`depth` hidden layers of `width` units: [B, 1] -> [B, 1]."""
    net = mlp(1, [s.width] * s.depth, 1)
    return build_tents(net) if s.start == "tents" else spread(net)


def points_of(model: Any, folds: int) -> tuple[Tensor, Tensor]:
    """64 points [64, 1] from 0 to 1, and labels [64] that change 2^folds - 1 times."""
    at = torch.arange(64, device=model[0].weight.device)
    return (at[:, None] / 64).to(model[0].weight.dtype), at * 2**folds // 64 % 2


def pieces(model: Any) -> Tensor:
    """Straight pieces on [0, 1]: how often any unit goes on or off, in steps of 1 / 4,096."""
    x = ((torch.arange(4096, device=model[0].weight.device) + 0.5) / 4096)[:, None]
    x, changes = x.to(model[0].weight.dtype), []
    for dense in model[:-1:2]:
        entering = dense(x)
        changes.append((entering[1:] > 0) != (entering[:-1] > 0))
        x = entering.relu()
    return torch.cat(changes, 1).any(1).sum() + 1


def fit(model: Any, batch: Any, settings: Any, state: Any) -> Any:
    """Which of two classes: is the answer above 1/2? A net that was built is left as it is."""
    x, y = points_of(model, settings.folds)
    loss = binary_cross_entropy_with_logits(model(x)[:, 0] - 0.5, y.to(x.dtype))
    return loss * (settings.start == "random"), {}, state


def evaluate(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """The share of the 64 points that are told right, and doublings of straight pieces."""
    x, y = points_of(model, settings.folds)
    right = (model(x)[:, 0] >= 0.5) == (y == 1)
    return {"accuracy": right.to(x.dtype).mean(), "doublings": pieces(model).to(x.dtype).log2()}


def at_start(curves: Any) -> float:
    """Doublings before the first step."""
    return float(curves["doublings"][0])


ROWS = {  # comparison: words, colour
    "built": ("built: 6 layers of 2", "#1f5fbf"),
    "deep": ("trained: 6 layers of 2", "#1f5fbf"),
    "shallow": ("trained: 1 layer of 12", "#c9540a"),
    "deep_96": ("trained: 3 layers of 32", "#1f5fbf"),
    "shallow_96": ("trained: 1 layer of 96", "#c9540a"),
}


def draw(report: Any, figure: Any) -> None:
    """What twelve units can draw, deep and wide; what training finds."""
    top = figure.add_axes((0.3, 0.68, 0.66, 0.24), xlim=(0, 1), xticks=(), yticks=(0, 0.5, 1))
    low = figure.add_axes((0.3, 0.13, 0.66, 0.42), xlim=(0.38, 1.02), ylim=(4.5, -0.5))
    for layers, color in ((tents(6), "#1f5fbf"), (best_shallow(64, 12), "#c9540a")):
        places, values = exact(layers, Fraction(0) if color == "#1f5fbf" else 0.0)
        top.plot([float(p) for p in places], [float(v) for v in values], color=color, lw=1.5)
    top.set(ylim=(-0.2, 1.2), title="Twelve units can draw")
    top.text(-0.1, 0.9, "6 layers of 2:\n64 pieces", color="#1f5fbf", ha="right", va="center")
    top.text(-0.1, 0.1, "1 layer of 12:\n13 pieces", color="#c9540a", ha="right", va="center")
    for row, (name, (_, color)) in enumerate(ROWS.items()):
        ends = [m.final.get("accuracy") for m in report.members if m.comparison == name]
        found = [end for end in ends if end is not None]
        low.plot(found, [row] * len(found), "o", color=color, alpha=0.4)
    low.axvline(0.5, color="#5a6472", ls=":")
    low.axhline(2.5, color="#dde2e8")
    low.text(1.02, 1, "64 labels,\n63 changes", ha="right", va="center", color="#5a6472")
    low.text(1.02, 3.5, "15 changes", ha="right", va="center", color="#5a6472")
    low.set_yticks(range(len(ROWS)), [words for words, _ in ROWS.values()])
    low.set(title="Share told right", xlabel="0.5 is a guess")


lab = Lab(
    area="foundations",
    week=1,
    systems=[17],
    needs=["mlp"],
    seconds=20,
    text="""
Fold a strip of paper six times and cut it once: the cut shows in 64 places. A layer of two units
can fold the line, and the next layer folds what is folded. So twelve units in six layers draw 64
straight pieces, twelve units in one layer 13. On 64 points whose labels alternate, one layer of
twelve must err on 25, the deep net on none (Telgarsky 2015). This is exact: see the exhibits.

But that is what weights can express, not what training finds. Started at random, the same deep net
ends at a guess. And before training, deep nets have no more pieces than wide ones with as many
units, though they could have exponentially many.

Still, depth helps where there are units to spare: on labels that change 15 times, three layers of
32 get further than one layer of 96. Where labels change once, both are right everywhere.
""",
    model=build,
    train=Training((Phase(fit),), evaluate),
    optimizer=adam,
    settings=dict(
        start=choice("random", "tents"),
        depth=whole(1, 12, 6),
        width=whole(2, 512, 2),
        folds=whole(1, 6, 6),
        rate=log(1e-5, 1, 0.01),
        steps=whole(1, 100_000, 1000),
        measure_every=whole(1, 100_000, 250),
    ),
    compare=dict(
        built=dict(start="tents"),
        deep={},
        shallow=dict(depth=1, width=12),
        deep_96=dict(depth=3, width=32, folds=4),
        deeper_96=dict(depth=6, width=16, folds=4),
        shallow_96=dict(depth=1, width=96, folds=4),
        deep_easy=dict(depth=3, width=32, folds=1),
        shallow_easy=dict(depth=1, width=96, folds=1),
    ),
    quick=dict(steps=300, measure_every=100),
    metrics=dict(doublings=Metric("doublings", of=at_start)),
    claims=dict(
        expresses=Claim(
            "Twelve units in six layers tell all of 64 alternating points right.",
            "built",
            metric="accuracy",
            at_least=0.99,
            expected=SUPPORTED,
            scope="weights computed, not trained",
        ),
        finds=Claim(
            "What a deep net can express, training finds: nine of ten points, from a random start.",
            "deep",
            metric="accuracy",
            at_least=0.9,
            expected=REFUTED,
        ),
        many_pieces=Claim(
            "At its start a net of six layers has twice the straight pieces of one as large with "
            "one layer.",
            "deeper_96",
            "shallow_96",
            metric="doublings",
            at_least=1,
            expected=REFUTED,
            scope="96 units each, pieces told apart in steps of 1/4,096",
        ),
        depth_helps=Claim(
            "Where labels change 15 times, three layers of 32 learn more than one of 96.",
            "deep_96",
            "shallow_96",
            metric="accuracy",
            at_least=0.05,
            expected=SUPPORTED,
        ),
        easy=Claim(
            "Where they change once, it does not matter.",
            "deep_easy",
            "shallow_easy",
            metric="accuracy",
            within=0.02,
            expected=SUPPORTED,
        ),
    ),
    exhibits=[two_units_a_layer, one_layer_cannot, pieces_of_random_nets],
    effects=dict(start="tents", depth=2, width=3, folds=2, rate=0.1, steps=5),
    picture=draw,
    scope="64 points on a line, all to train on; ReLU, Adam at rate 0.01, 1,000 steps",
    wrong={
        "rate=1": "Units die in the first steps: a guess everywhere.",
        "count pieces on a grid of 32 steps": "Of the folded line's 64 pieces one sees a single "
        "one: count where units bend.",
    },
    read_more=[
        "Telgarsky 2015, Representation benefits of deep feedforward networks",
        "Montufar, Pascanu, Cho, Bengio 2014, On the number of linear regions of deep networks",
        "Hanin, Rolnick 2019, Deep ReLU networks have surprisingly few activation patterns",
    ],
)

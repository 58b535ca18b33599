"""Where does the signal go in a deep net?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, log, whole
from pilotlight.data.bundled import digits, read_digits
from pilotlight.engine.optim import adam
from pilotlight.engine.steps import Phase, Training
from pilotlight.nets.deep import deep, log_ratios

NETS = {  # activation, standard deviation of a weight times sqrt(fan-in), norm, skips
    "sigmoid, Xavier": ("sigmoid", 1.0, "", False),
    "sigmoid, ten times wider": ("sigmoid", 10.0, "", False),
    "sigmoid, batch norm": ("sigmoid", 1.0, "batch", False),
    "sigmoid, layer norm": ("sigmoid", 1.0, "layer", False),
    "tanh, Xavier": ("tanh", 1.0, "", False),
    "tanh, sd 0.01": ("tanh", 0.08, "", False),
    "ReLU, Xavier": ("relu", 1.0, "", False),
    "ReLU, He": ("relu", math.sqrt(2), "", False),
    "ReLU, sd 0.01": ("relu", 0.08, "", False),
    "ReLU, batch norm": ("relu", 1.0, "batch", False),
    "ReLU, He, skips": ("relu", math.sqrt(2), "", True),
}
NORMS: dict[str, Callable[[], nn.Module]] = {
    "": nn.Identity,
    "batch": lambda: nn.BatchNorm1d(64, track_running_stats=False),
    "layer": lambda: nn.LayerNorm(64),
}
SLOPES: dict[str, Callable[[Tensor], Tensor]] = {  # of an activation, from its output
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a**2,
    "relu": lambda a: (a > 0).to(a),
}


def thirty_layers(seed: int, activation: str, gain: float, norm: str = "") -> Any:
    """Thirty times (dense, norm, activation), then a read-out; weights from this seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        *plain, readout = deep(64, 64, 30, 10, activation, gain)
    pairs = zip(plain[::2], plain[1::2], strict=True)
    layers = [nn.Sequential(dense, NORMS[norm](), active) for dense, active in pairs]
    return nn.Sequential(*layers, readout).double()


@torch.no_grad()
def by_hand(net: Any, outputs: list[Tensor], y: Tensor, how: Any) -> list[Tensor]:
    """The gradient of the loss by each layer's output, as a product of Jacobians."""
    activation, _, norm, skips = how
    back = [(net[-1](outputs[-1]).softmax(1) - one_hot(y, 10)) / len(y) @ net[-1].weight]
    axis = 0 if norm == "batch" else 1
    for layer, entering, leaving in zip(net[-2:0:-1], outputs[-2::-1], outputs[:0:-1], strict=True):
        g = back[0] * SLOPES[activation](leaving - skips * entering)
        if norm:  # what a norm takes out of the signal, it takes out of the gradient
            z = layer[0](entering)
            spread = (z.var(axis, correction=0, keepdim=True) + 1e-5).sqrt()
            z = (z - z.mean(axis, keepdim=True)) / spread
            g = (g - g.mean(axis, keepdim=True) - z * (g * z).mean(axis, keepdim=True)) / spread
        back.insert(0, g @ layer[0].weight + skips * back[0])
    return back


@exhibit(tolerance=1e-9)
def jacobian_products() -> tuple[float, dict[str, list[float]]]:
    """Going back, each layer multiplies by its Jacobian; torch and the product by hand agree.

    Shown, as powers of ten: last over first activation, first over last activation gradient, first
    over last weight gradient; then the activation gradient, layer by layer. Means of six nets.
    """
    error, shown, (x, y) = 0.0, dict[str, list[float]](), read_digits()
    for name, how in NETS.items():
        found = []
        for seed in range(6):
            net, outputs = thirty_layers(seed, *how[:3]), [x[:64].double()]
            for layer in net[:-1]:
                outputs.append(layer(outputs[-1]) + how[3] * outputs[-1])
            loss, outputs = cross_entropy(net[-1](outputs[-1]), y[:64]), outputs[1:]
            ends = [net[0][0].weight, net[-2][0].weight]
            *back, first, last = torch.autograd.grad(loss, [*outputs, *ends])
            for ours, theirs in zip(by_hand(net, outputs, y[:64], how), back, strict=True):
                error = max(error, float((ours - theirs).norm() / theirs.norm()))
            a, b, *gradients, c, d = (
                t.norm().log10().item()
                for t in [outputs[-1].detach(), outputs[0].detach(), *back, first, last]
            )
            found.append([a - b, gradients[0] - gradients[-1], c - d, *gradients])
        means = [round(sum(column) / len(found), 2) for column in zip(*found, strict=True)]
        shown |= {name: means[:3], f"{name}, by layer": means[3:]}
    return error, shown


@exhibit(tolerance=1e-9)
def weight_gradients_are_blind() -> tuple[float, dict[str, float]]:
    """Thirty layers that halve what passes: it shows both ways, and in no weight's gradient.

    A weight's gradient is what comes back times what comes in. Rotations, each times 1/2.
    """
    inputs, targets = read_digits()
    model: Any = deep(64, 64, 30, 10, "linear", 1.0).double()
    for dense in model[::2]:
        nn.init.orthogonal_(dense.weight, 0.5, generator=torch.Generator().manual_seed(0))
    found = log_ratios(model, inputs[:64].double(), targets[:64])
    exact = dict.fromkeys(found, 29 * math.log10(0.5)) | {"log_weight_gradient_ratio": 0.0}
    error = max(float((found[name] - exact[name]).abs().max()) for name in found)
    return error, {name: round(float(rows.mean()), 2) for name, rows in found.items()}


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


SHOWN = {  # comparison -> net of the first exhibit, words, colour
    "sigmoid_ten_times_wider": (
        "sigmoid, ten times wider",
        "sigmoid,\nten times\nwider",
        "#a83f8e",
    ),
    "tanh": ("tanh, Xavier", "tanh", "#c9540a"),
    "relu": ("ReLU, Xavier", "ReLU", "#00866f"),
    "sigmoid": ("sigmoid, Xavier", "sigmoid", "#1f5fbf"),
}


def draw(report: Any, figure: Any) -> None:
    """Gradient by layer before training, on its way back; and what the nets learn from it."""
    profiles: Any = next((e.values for e in report.exhibits if e.id == "jacobian_products"), {})
    left, right = (
        figure.add_axes((0.09, 0.13, 0.5, 0.72)),
        figure.add_axes((0.73, 0.13, 0.25, 0.72)),
    )
    for row, (comparison, (net, words, color)) in enumerate(SHOWN.items()):
        back = profiles.get(f"{net}, by layer", ())[::-1]  # none yet in a run stopped at once
        left.plot(range(30, 30 - len(back), -1), back, color=color, lw=2.5)
        found = [m.final.get("test_accuracy") for m in report.members if m.comparison == comparison]
        found = [value for value in found if value is not None]
        right.plot(found, [row] * len(found), "o", color=color, alpha=0.5, ms=7)
        right.text(-0.06, row, words, color=color, ha="right", va="center", fontsize=11)
    left.set(xlim=(30, 1), xlabel="layer, from the last to the first", xticks=(30, 20, 10, 1))
    left.set_yticks((0, -5, -10, -15, -20), ("1", "10⁻⁵", "10⁻¹⁰", "10⁻¹⁵", "10⁻²⁰"))
    left.set_title("Gradient on its way back, before training", pad=14)
    right.set(xlim=(0, 1), ylim=(3.5, -0.5), yticks=(), xlabel="test accuracy, trained")
    right.axvline(0.1, color="#5a6472", lw=1, ls=":")
    right.text(0.13, -0.42, "a guess", color="#5a6472", fontsize=9)
    right.set_title("What they learn", pad=14)


lab = Lab(
    area="foundations",
    week=1,
    systems=[11],
    needs=["backprop"],
    seconds=40,
    text="""
To learn, a layer must hear from the loss. What comes back to it has passed every layer above it,
and each multiplies it by its own slope. The slope of a sigmoid is 1/4 at most. Thirty layers of
that leave nothing: one part in 10^18. The first layer stands still.

The way forward looks healthy: activations keep their size in all thirty layers. But compare a
digit with a blank page. The difference between the two is lost just like the gradient, until
rounding swallows it. The net still speaks, and always says the same.

Depth alone is not to blame: tanh keeps most of the signal. Nor is the sigmoid alone: weights ten
times wider bring the gradient back. Beware of one popular gauge, the gradient of the first weights
over that of the last. In a ReLU net it shows nothing: what fades forward cancels what fades back.
""",
    data=digits,
    model=lambda s: deep(64, s.width, s.depth, 10, s.activation, s.gain),
    train=Training((Phase(fit),), evaluate, parts=("test",)),
    optimizer=adam,
    settings=dict(
        rate=log(1e-5, 1, 0.001),
        gain=log(0.01, 100, 1.0),
        activation=choice("sigmoid", "tanh", "relu"),
        depth=whole(1, 100, 30),
        width=whole(1, 512, 64),
        batch=whole(1, 512, 64),
        epochs=whole(1, 100, 8),
    ),
    compare=dict(
        sigmoid={},
        sigmoid_10_layers=dict(depth=10),
        sigmoid_2_layers=dict(depth=2),
        sigmoid_ten_times_wider=dict(gain=10.0),
        tanh=dict(activation="tanh"),
        relu=dict(activation="relu"),
    ),
    quick=dict(depth=10, epochs=3),
    metrics=dict(
        log_gradient_ratio=at_start("log_gradient_ratio"),
        log_weight_gradient_ratio=at_start("log_weight_gradient_ratio"),
        log_activation_ratio=at_start("log_activation_ratio"),
        log_difference_ratio=at_start("log_difference_ratio"),
    ),
    claims=dict(
        fades=Claim(
            "On its way back through thirty sigmoid layers the gradient falls to 1e-15 or less.",
            "sigmoid",
            metric="log_gradient_ratio",
            at_most=-15,
            expected=SUPPORTED,
        ),
        each_layer=Claim(
            "Each sigmoid layer costs half a power of ten or more.",
            metric="log_gradient_ratio",
            at_most=-0.5,
            trend={"sigmoid_2_layers": 2, "sigmoid_10_layers": 10, "sigmoid": 30},
            expected=SUPPORTED,
        ),
        looks_healthy=Claim(
            "The activations of the deep sigmoid net keep their size.",
            "sigmoid",
            metric="log_activation_ratio",
            within=0.1,
            expected=SUPPORTED,
        ),
        says_the_same=Claim(
            "But the difference between a digit and a blank page falls to 1e-4 or less.",
            "sigmoid",
            metric="log_difference_ratio",
            at_most=-4,
            expected=SUPPORTED,
            scope="followed down to a millionth of the activation; rounding lies below",
        ),
        every_deep_net=Claim(
            "Deep nets lose their gradient: with tanh, too, it falls to 1e-3 or less.",
            "tanh",
            metric="log_gradient_ratio",
            at_most=-3,
            expected=REFUTED,
        ),
        relu_fades=Claim(
            "With ReLU and the same weights it falls to 1e-3 or less.",
            "relu",
            metric="log_gradient_ratio",
            at_most=-3,
            expected=SUPPORTED,
        ),
        weights_show_it=Claim(
            "So does the gradient of the first weights over that of the last.",
            "relu",
            metric="log_weight_gradient_ratio",
            at_most=-3,
            expected=REFUTED,
        ),
        depth_stops_it=Claim(
            "With two layers the sigmoid net learns, with thirty it does not.",
            "sigmoid",
            "sigmoid_2_layers",
            at_most=-0.4,
            expected=SUPPORTED,
        ),
        tanh_learns=Claim(
            "A tanh net of thirty layers learns.",
            "tanh",
            "sigmoid",
            at_least=0.6,
            expected=SUPPORTED,
        ),
        wider_start=Claim(
            "Weights ten times wider let the deep sigmoid net learn something.",
            "sigmoid_ten_times_wider",
            "sigmoid",
            at_least=0.05,
            expected=SUPPORTED,
        ),
        adam_makes_up=Claim(
            "A thousandth is enough for Adam: the deep ReLU net learns something.",
            "relu",
            "sigmoid",
            at_least=0.05,
            expected=SUPPORTED,
        ),
    ),
    exhibits=[jacobian_products, weight_gradients_are_blind],
    effects=dict(rate=0.01, gain=3.0, activation="relu", depth=5, width=32, batch=32, epochs=1),
    picture=draw,
    scope="digits 8x8, 30 layers of 64, Xavier start, Adam at rate 0.001, 8 epochs, one data set",
    wrong={
        "gain=0.08": "Weights of standard deviation 0.01: tanh and ReLU fall silent too.",
        "gain=3": "ReLU now explodes, by 1e9 and more, where the sigmoid still fades.",
        "epochs=40": "Patience does not help: the deep sigmoid net still guesses.",
    },
    read_more=[
        "Hochreiter 1991, Untersuchungen zu dynamischen neuronalen Netzen (where it was found)",
        "Glorot, Bengio 2010, Understanding the difficulty of training deep feedforward networks",
        "Schoenholz, Gilmer, Ganguli, Sohl-Dickstein 2017, Deep information propagation",
    ],
)

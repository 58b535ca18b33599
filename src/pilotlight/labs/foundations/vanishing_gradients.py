"""Where does the signal go in a deep net?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, log, whole
from pilotlight.data.bundled import digits, read_digits
from pilotlight.engine.optim import adam
from pilotlight.engine.steps import Phase, Training
from pilotlight.nets.deep import ACTIVATIONS, deep, log_ratios


class Layer(nn.Module):
    """Dense, then a norm, then the activation; with a skip, added to what came in."""

    def __init__(
        self, activation: str, gain: float, norm: nn.Module | None = None, skip: bool = False
    ) -> None:
        super().__init__()
        self.dense, self.skip = deep(64, 64, 1, 10, activation, gain)[0], skip
        self.rest = nn.Sequential(norm or nn.Identity(), ACTIVATIONS[activation]())

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in."""
        y: Tensor = self.rest(self.dense(x))
        return x + y if self.skip else y


NETS: dict[str, Callable[[], Layer]] = {
    "sigmoid, Xavier": partial(Layer, "sigmoid", 1.0),
    "sigmoid, ten times wider": partial(Layer, "sigmoid", 10.0),
    "tanh, Xavier": partial(Layer, "tanh", 1.0),
    "tanh, sd 0.01": partial(Layer, "tanh", 0.01 * math.sqrt(64)),
    "ReLU, Xavier": partial(Layer, "relu", 1.0),
    "ReLU, He": partial(Layer, "relu", math.sqrt(2)),
    "ReLU, sd 0.01": partial(Layer, "relu", 0.01 * math.sqrt(64)),
    "sigmoid, batch norm": lambda: Layer("sigmoid", 1.0, nn.BatchNorm1d(64, 1e-5, None, True, False)),
    "sigmoid, layer norm": lambda: Layer("sigmoid", 1.0, nn.LayerNorm(64)),
    "ReLU, batch norm": lambda: Layer("relu", 1.0, nn.BatchNorm1d(64, 1e-5, None, True, False)),
    "ReLU, He, skips": partial(Layer, "relu", math.sqrt(2), None, True),
}
"""Layers of thirty-layer nets."""


def seeded(seed: int, build: Callable[[], nn.Module]) -> Any:
    """A network with its first weights from this seed alone, in double precision."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build().double()


def there_and_back(net: Any, x: Tensor, y: Tensor) -> tuple[float, list[float], list[float]]:
    """How far forward and backward differentiation disagree, ratios, gradients by layer; log10."""
    outputs = [net[0](x)]
    for layer in net[1:-1]:
        outputs.append(layer(outputs[-1]))
    loss = cross_entropy(net[-1](outputs[-1]), y)
    ends = [net[0].dense.weight, net[-2].dense.weight]
    back = torch.autograd.grad(loss, [*outputs, *ends])
    sizes = [float(b.norm().log10()) for b in back]
    # Move the first layer's output along its gradient: the loss must rise by the gradient's norm.
    way = back[0] / back[0].norm()
    rise = torch.func.jvp(lambda h: cross_entropy(net[1:](h), y), (outputs[0].detach(),), (way,))[1]
    activation = float((outputs[-1].norm() / outputs[0].norm()).log10())
    ratios = [activation, sizes[0] - sizes[29], sizes[30] - sizes[31]]
    return abs(float(rise / back[0].norm()) - 1), ratios, sizes[:30]


@exhibit(tolerance=1e-9)
def thirty_layers() -> tuple[float, dict[str, list[float]]]:
    """A change of the first layer's output moves the loss by just what came back to it.

    Oracle: forward-mode differentiation, which never goes back. Shown for each net, as powers of
    ten: last over first activation, first over last activation gradient, first over last weight
    gradient; then the activation gradients from the first layer to the last. Twelve nets each.
    """
    error, shown, (x, y) = 0.0, dict[str, list[float]](), read_digits()
    for name, build in NETS.items():
        nets = [
            seeded(seed, lambda: nn.Sequential(*[build() for _ in range(30)], nn.Linear(64, 10)))  # noqa: B023
            for seed in range(12)
        ]
        errors, ratios, profiles = zip(*(there_and_back(n, x[:64].double(), y[:64]) for n in nets), strict=True)
        error = max(error, *errors)
        for words, lists in (("", ratios), (", by layer", profiles)):
            shown[name + words] = [round(sum(column) / 12, 1) for column in zip(*lists, strict=True)]
    return error, shown


@exhibit(tolerance=1e-9)
def weight_gradients_are_blind() -> tuple[float, dict[str, float]]:
    """Where each layer halves what passes, 29 halvings show both ways, and in no weight gradient.

    A weight's gradient is what comes back times what comes in. Thirty rotations, each times 1/2.
    """
    inputs, targets = read_digits()
    model = seeded(0, lambda: deep(64, 64, 30, 10, "linear", 1.0))
    for dense in model[:-1:2]:
        nn.init.orthogonal_(dense.weight, 0.5, generator=torch.Generator().manual_seed(0))
    found = log_ratios(model, inputs[:64].double(), targets[:64])
    exact = dict.fromkeys(found, 29 * math.log10(0.5)) | {"log_weight_gradient_ratio": 0.0}
    error = max(float((found[name] - exact[name]).detach().abs().max()) for name in found)
    return error, {name: round(float(rows.mean()), 2) for name, rows in found.items()}

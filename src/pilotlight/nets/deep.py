"""Deep nets of equal layers, and what flows through each of their layers, forward and backward."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "linear": nn.Identity,
}
LEAST = 1e-45
"""The smallest number above 0 in single precision; a signal below it is gone."""


def deep(
    inputs: int, width: int, depth: int, outputs: int, activation: str, gain: float
) -> nn.Sequential:
    """`depth` dense layers of one width, each with its activation, then a dense read-out.

    Hidden weights are normal with standard deviation gain / sqrt(fan-in), the read-out's with
    1 / sqrt(fan-in), biases are 0. Between layers of one width, a gain of 1 is the rule of Glorot
    and Bengio 2010 ("Xavier"), a gain of sqrt(2) that of He et al. 2015.
    """
    layers: list[nn.Module] = []
    for fan_in in [inputs] + [width] * (depth - 1):
        layers += [_dense(fan_in, width, gain), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers, _dense(width, outputs, 1.0))


def _dense(fan_in: int, fan_out: int, gain: float) -> nn.Linear:
    layer = nn.Linear(fan_in, fan_out)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(fan_in))
    nn.init.zeros_(layer.bias)
    return layer


@torch.no_grad()
def flow(model: Any, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Sizes in each of the L hidden layers of a `deep` net for each of B rows: [L, B], float64.

    All are Euclidean norms. "activation": of a layer's output. "difference": of its output less
    that for a blank input of zeros. "gradient": of d loss / d (what enters the activation), the
    delta of backpropagation; the loss is the row's cross-entropy. "weight gradient": of
    d loss / d weights, for the row alone; that is the gradient's norm times the input's.
    """
    *hidden, readout = model

    def forward(x: Tensor, nudges: Tensor) -> tuple[Tensor, Tensor]:
        outputs = []
        for dense, activation, nudge in zip(hidden[::2], hidden[1::2], nudges, strict=True):
            x = activation(dense(x) + nudge)
            outputs.append(x)
        return readout(x), torch.stack(outputs)

    def loss(nudges: Tensor) -> tuple[Tensor, Tensor]:
        scores, outputs = forward(inputs, nudges)
        return cross_entropy(scores, targets, reduction="sum"), outputs

    # A nudge of zero changes nothing, but the loss has a gradient by it: that of its layer.
    nudges = inputs.new_zeros(len(hidden) // 2, len(inputs), readout.in_features)
    gradients, outputs = torch.func.grad(loss, has_aux=True)(nudges)
    blank = forward(torch.zeros_like(inputs[:1]), nudges[:, :1])[1]
    activation, gradient = _norms(outputs), _norms(gradients)
    entering = torch.cat([_norms(inputs)[None], activation[:-1]])
    return {
        "activation": activation,
        "difference": _norms(outputs - blank),
        "gradient": gradient,
        "weight gradient": gradient * entering,
    }


def _norms(rows: Tensor) -> Tensor:
    # In double precision, as the square of 1e-20 does not fit into single.
    norms: Tensor = torch.linalg.vector_norm(rows.double(), dim=-1)
    return norms


def log_ratios(model: Any, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """How many powers of ten a row's signal gains, or loses, on its way through: [B] each.

    Forward from the first hidden layer to the last: "log_activation_ratio" and
    "log_difference_ratio". Backward from the last to the first: "log_gradient_ratio" and
    "log_weight_gradient_ratio". See `flow`; a signal that is gone counts as 1e-45.
    """
    sizes = {
        name: size.clamp(min=LEAST).log10() for name, size in flow(model, inputs, targets).items()
    }
    forward = {n: sizes[n][-1] - sizes[n][0] for n in ("activation", "difference")}
    backward = {n: sizes[n][0] - sizes[n][-1] for n in ("gradient", "weight gradient")}
    return {f"log_{n.replace(' ', '_')}_ratio": v for n, v in {**backward, **forward}.items()}

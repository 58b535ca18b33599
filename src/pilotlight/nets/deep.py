"""Deep nets of equal layers, and what flows through each of their layers, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Callable
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
def flow(model: Any, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Output and gradient of each of the L hidden layers of a `deep` net: [L, B, width] both.

    The gradient is that of each row's own cross-entropy by what enters the layer's activation: the
    delta of backpropagation.
    """
    *hidden, readout = model

    def loss(nudges: Tensor) -> tuple[Tensor, Tensor]:
        x, outputs = inputs, []
        for dense, activation, nudge in zip(hidden[::2], hidden[1::2], nudges, strict=True):
            x = activation(dense(x) + nudge)
            outputs.append(x)
        return cross_entropy(readout(x), targets, reduction="sum"), torch.stack(outputs)

    # A nudge of zero changes nothing, but the loss has a gradient by it: that of its layer.
    nudges = inputs.new_zeros(len(hidden) // 2, len(inputs), readout.in_features)
    gradients, outputs = torch.func.grad(loss, has_aux=True)(nudges)
    return outputs, gradients


def log_ratios(model: Any, inputs: Tensor, targets: Tensor, every: int = 1) -> dict[str, Tensor]:
    """How many powers of ten the signal of each of B rows gains or loses in a `deep` net: [B] each.

    Backward, the first hidden layer's over the last one's: "log_gradient_ratio" (of the delta) and
    "log_weight_gradient_ratio" (of a row's loss by the weights, which is the delta times what
    enters). Forward, last over first: "log_activation_ratio", and "log_difference_ratio" of the
    output less that for a blank input of zeros. Euclidean norms; what is gone counts as 1e-45, and
    a difference that rounding may have made, below a millionth of the output, as a millionth.

    To save time, one row in `every` is measured and stands for those up to the next.
    """
    rows, inputs, targets = len(inputs), inputs[::every], targets[::every]
    outputs, gradients = flow(model, inputs, targets)
    blank, _ = flow(model, torch.zeros_like(inputs[:1]), targets[:1])
    gradient, output = _log_size(gradients[[0, -1]]), _log_size(outputs[[0, -1]])
    difference = _log_size(outputs[[0, -1]] - blank[[0, -1]]).maximum(output - 6)
    entering = _log_size(inputs), _log_size(outputs[-2]) if len(outputs) > 1 else _log_size(inputs)
    found = {
        "log_gradient_ratio": gradient[0] - gradient[1],
        "log_weight_gradient_ratio": gradient[0] + entering[0] - gradient[1] - entering[1],
        "log_activation_ratio": output[1] - output[0],
        "log_difference_ratio": difference[1] - difference[0],
    }
    return {n: v[:, None].expand(-1, every).flatten()[:rows] for n, v in found.items()}


def log_gradient_ratio(
    first: Callable[[Tensor], Tensor],
    between: Callable[[Tensor], Tensor],
    readout: Callable[[Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
) -> Tensor:
    """Any deep net in three parts: the loss's gradient at what leaves `first` over that at what
    leaves `between`, as powers of ten for each of B rows: [B]. Both signals have the same shape."""
    with torch.no_grad():
        start = first(inputs)

    def loss(nudges: Tensor) -> Tensor:
        hidden = between(start + nudges[0]) + nudges[1]
        return cross_entropy(readout(hidden), targets, reduction="sum")

    nudges = start.new_zeros(2, *start.shape)
    sizes = _log_size(torch.func.grad(loss)(nudges).flatten(2))
    return sizes[0] - sizes[1]


def _log_size(rows: Tensor) -> Tensor:
    # In double precision, as the square of 1e-20 does not fit into single.
    norms: Tensor = torch.linalg.vector_norm(rows.double(), dim=-1)
    return norms.clamp(min=LEAST).log10()

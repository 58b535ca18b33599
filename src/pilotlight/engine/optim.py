"""Optimizers for many networks at once, equal to `torch.optim` for each of them.

Every coefficient (rate, momentum, ...) is a setting that may differ from member to member. The
same names without "per member" are those of `torch.optim`, so the plain script can say them.

N member. Parameters, gradients and slots are [N, ...]; coefficients arrive as [N, 1, ...].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

Count = int | Tensor
Rule = Callable[[Tensor, Tensor, Mapping[str, Tensor], Count, Any], None]
"""One update in place: parameter, gradient, slots, count of updates (from 1), coefficients.

In a compiled step the count is a tensor, so that every step is the same program; the first update
is never compiled. A coefficient that is off (0 or false, where that is the default) for all members
may be None, so that nobody pays for it.
"""


@dataclass(frozen=True)
class Optimizer:
    """A rule, its slots (tensors it remembers per parameter) and its coefficients with defaults.

    `reads` maps a coefficient to the setting that gives it, where the two names differ.
    `torch_name` and `torch_words` (coefficient -> keyword) write the same thing in `torch.optim`.
    """

    torch_name: str
    rule: Rule
    slots: tuple[str, ...]
    defaults: Mapping[str, float | bool]
    torch_words: Mapping[str, str]
    reads: Mapping[str, str] = field(default_factory=dict)

    def reading(self, **settings: str) -> Optimizer:
        """The same with coefficients from other settings: `adam.reading(rate="critic_rate")`."""
        return replace(self, reads={**self.reads, **settings})

    def setting(self, coefficient: str) -> str:
        """The name of the setting that gives a coefficient."""
        return self.reads.get(coefficient, coefficient)


def _sgd(p: Tensor, g: Tensor, slots: Mapping[str, Tensor], count: Count, at: Any) -> None:
    """Heavy ball (Polyak 1964), Nesterov's form (Sutskever et al. 2013), or with
    dampening = momentum the normalised average. As torch, the first velocity is the first gradient,
    and without momentum nothing is dampened.
    """
    g = _decayed(p, g, at)
    if at.momentum is None:
        p.addcmul_(at.rate, g, value=-1)
        return
    velocity = slots["velocity"].mul_(at.momentum)
    if at.dampening is None or (isinstance(count, int) and count == 1):
        velocity.add_(g)
    else:
        velocity.addcmul_(torch.where(at.momentum == 0, 1.0, 1 - at.dampening), g)
    if at.nesterov is None:
        p.addcmul_(at.rate, velocity, value=-1)
    else:
        p.addcmul_(at.rate * at.nesterov, g, value=-1)
        p.addcmul_(at.rate * torch.where(at.nesterov, at.momentum, 1.0), velocity, value=-1)


def _rmsprop(p: Tensor, g: Tensor, slots: Mapping[str, Tensor], count: Count, at: Any) -> None:
    """Divide by the gradient's running size (Tieleman, Hinton 2012); epsilon outside the root."""
    g = _decayed(p, g, at)
    square = slots["square"].mul_(at.smoothing).addcmul_((1 - at.smoothing) * g, g)
    scaled = g / square.sqrt().add_(at.epsilon)
    if at.momentum is not None:
        scaled = slots["velocity"].mul_(at.momentum).add_(scaled)
    p.addcmul_(at.rate, scaled, value=-1)


def _adam_step(p: Tensor, g: Tensor, slots: Mapping[str, Tensor], count: Count, at: Any) -> None:
    """Kingma and Ba 2015, epsilon added to the bias-corrected root as torch does."""
    mean = slots["mean"].lerp_(g, 1 - at.beta1)
    square = slots["square"].mul_(at.beta2).addcmul_((1 - at.beta2) * g, g)
    root = square.sqrt().div_((1 - at.beta2**count).sqrt()).add_(at.epsilon)
    p.addcdiv_(at.rate / (1 - at.beta1**count) * mean, root, value=-1)


def _adam(p: Tensor, g: Tensor, slots: Mapping[str, Tensor], count: Count, at: Any) -> None:
    _adam_step(p, _decayed(p, g, at), slots, count, at)


def _adamw(p: Tensor, g: Tensor, slots: Mapping[str, Tensor], count: Count, at: Any) -> None:
    """Decay apart from the gradient (Loshchilov and Hutter 2019)."""
    if at.weight_decay is not None:
        p.mul_(1 - at.rate * at.weight_decay)
    _adam_step(p, g, slots, count, at)


def _decayed(p: Tensor, g: Tensor, at: Any) -> Tensor:
    """The gradient with that of weight_decay / 2 * |p|^2."""
    return g if at.weight_decay is None else g.addcmul(at.weight_decay, p)


sgd = Optimizer(
    "SGD",
    _sgd,
    ("velocity",),
    {"rate": 0.01, "momentum": 0.0, "dampening": 0.0, "nesterov": False, "weight_decay": 0.0},
    {
        "rate": "lr",
        "momentum": "momentum",
        "dampening": "dampening",
        "nesterov": "nesterov",
        "weight_decay": "weight_decay",
    },
)
rmsprop = Optimizer(
    "RMSprop",
    _rmsprop,
    ("square", "velocity"),
    {"rate": 0.01, "smoothing": 0.99, "epsilon": 1e-8, "momentum": 0.0, "weight_decay": 0.0},
    {
        "rate": "lr",
        "smoothing": "alpha",
        "epsilon": "eps",
        "momentum": "momentum",
        "weight_decay": "weight_decay",
    },
)
adam = Optimizer(
    "Adam",
    _adam,
    ("mean", "square"),
    {"rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0},
    {
        "rate": "lr",
        "beta1": "betas[0]",
        "beta2": "betas[1]",
        "epsilon": "eps",
        "weight_decay": "weight_decay",
    },
)
adamw = replace(
    adam, torch_name="AdamW", rule=_adamw, defaults={**adam.defaults, "weight_decay": 0.01}
)


class Coefficients:
    """Coefficients as attributes, shaped to go with parameters."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            setattr(self, name, value)


def shaped(coefficients: Mapping[str, Tensor | None], dims: int) -> Coefficients:
    """Coefficients [N] as [N, 1, ...], to go with parameters [N, ...] of so many dimensions."""
    ones = [1] * (dims - 1)
    return Coefficients(
        {k: None if v is None else v.view(-1, *ones) for k, v in coefficients.items()}
    )


def clip_by_norm(gradients: list[Tensor], most: Tensor) -> list[Tensor]:
    """Scale each member's gradients so that their joint norm is at most `most` [N].

    As `torch.nn.utils.clip_grad_norm_`, with its 1e-6 beside the norm.
    """
    norm = sum(g.flatten(1).pow(2).sum(1) for g in gradients)
    assert isinstance(norm, Tensor)
    factor = (most / (norm.sqrt() + 1e-6)).clamp(max=1.0)
    return [g * factor.view(-1, *[1] * (g.dim() - 1)) for g in gradients]

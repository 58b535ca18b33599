"""Dropout that many networks can share a training with."""

from __future__ import annotations

import torch
from torch import nn


class Dropout(nn.Module):
    """Zero a share `rate` of the units in training, scale the rest by 1 / (1 - rate).

    As `nn.Dropout`, which draws from a generator that all of a process shares. Here the engine
    draws each network's mask from that network's own noise generator and lays it into `mask`
    before each step. Lifted out of the engine (no mask) it draws its own, as `nn.Dropout` does,
    from `generator` if one is set.

    Source: Srivastava et al. 2014, in the inverted form (scaled in training).
    """

    mask: torch.Tensor | None

    def __init__(self, rate: float = 0.5) -> None:
        super().__init__()
        self.rate = rate
        self.generator: torch.Generator | None = None
        self.register_buffer("mask", None, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Same shape out as in; the identity in evaluation."""
        if not self.training:
            return x
        if self.mask is not None:
            return x * self.mask
        kept = torch.rand(x.shape, generator=self.generator, dtype=x.dtype) >= self.rate
        scale = 1 / (1 - self.rate) if self.rate < 1 else 0.0
        return x * kept.to(x) * scale

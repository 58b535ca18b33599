"""How fast does an LSTM learn which way a noisy circle turns?"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import pilotlight as pl

STEPS, ROWS = 30, 1800


def circles(settings: Any, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy points on a circle: inputs [R, 30, 2]; targets [R]: one of four speeds and turns."""
    targets = torch.randint(4, (ROWS,), generator=generator)
    speed = torch.tensor([-0.4, -0.2, 0.2, 0.4])[targets]
    start = 2 * math.pi * torch.rand(ROWS, generator=generator)
    angle = start[:, None] + speed[:, None] * torch.arange(STEPS)
    clean = torch.stack([angle.cos(), angle.sin()], 2)
    return clean + torch.randn(clean.shape, generator=generator), targets


class Last(nn.Module):
    """An nn.LSTM of 64 units and a read-out of its last output."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(2, 64, batch_first=True)
        self.readout = nn.Linear(64, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores [B, 4] of sequences [B, 30, 2]."""
        scores: torch.Tensor = self.readout(self.recurrent(x)[0][:, -1])
        return scores


lab = pl.Lab(
    area="benchmarks",
    seconds=10,
    text="A recurrent network, which cannot be stacked.",
    data=pl.Data("turning circles", circles, classes=4, per_seed=True),
    model=lambda s: Last(),
    train=pl.supervised(cross_entropy),
    optimizer=pl.sgd,
    settings={
        "rate": pl.log(1e-4, 1, 0.1),
        "momentum": pl.unit(0.9),
        "batch": pl.whole(1, 512, 64),
        "epochs": pl.whole(1, 100, 5),
    },
    compare={"alone": {}},
)

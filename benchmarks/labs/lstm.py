"""How fast does an LSTM learn which way noisy dots drift?"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import pilotlight as pl

ROWS, STEPS, STRENGTH = 1800, 30, 0.7


def drifts(settings: Any, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy moves in the plane, inputs [R, 30, 2]; targets [R]: right, up, left or down."""
    targets = torch.randint(4, (ROWS,), generator=generator)
    ways = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    noise = torch.randn(ROWS, STEPS, 2, generator=generator)
    return STRENGTH * ways[targets][:, None] + noise, targets


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
    data=pl.Data("drifting dots", drifts, classes=4, per_seed=True),
    model=lambda s: Last(),
    train=pl.supervised(cross_entropy),
    optimizer=pl.sgd,
    settings={
        "rate": pl.log(1e-4, 1, 0.03),
        "momentum": pl.unit(0.9),
        "batch": pl.whole(1, 512, 64),
        "epochs": pl.whole(1, 100, 4),
    },
    compare={"alone": {}},
)

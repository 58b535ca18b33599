"""Does a network that cannot be stacked run as well, one by one?"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import Claim, Lab
from pilotlight.core.settings import linear, log, whole
from pilotlight.data.table import Data
from pilotlight.engine.optim import adamw
from pilotlight.engine.steps import supervised


def first_sign(settings, generator):
    """Noise; the class is the sign of the first value."""
    x = torch.randn(200, 6, 1, generator=generator)
    return x, (x[:, 0, 0] > 0).long()


class Last(nn.Module):
    """An nn.LSTM and a read-out of its last output."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(1, hidden, batch_first=True)
        self.readout = nn.Linear(hidden, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.readout(self.recurrent(x)[0][:, -1])


lab = Lab(
    area="sequences",
    seconds=60,
    text="The first of six numbers decides; the network has to carry it to the end. " * 4,
    data=Data("first sign", first_sign, classes=2, per_seed=True),
    model=lambda s: Last(s.hidden),
    train=supervised(cross_entropy),
    optimizer=adamw,
    settings=dict(
        rate=log(1e-5, 1, 0.02),
        weight_decay=linear(0.0, 1.0, 0.01),
        clip=linear(0.0, 100.0, 1.0),
        hidden=whole(1, 64, 8),
        batch=whole(1, 200, 16),
        epochs=whole(1, 100, 8),
    ),
    compare=dict(learning={}, still=dict(rate=1e-5)),
    claims=dict(learns=Claim("It learns.", "learning", "still", at_least=0.1)),
    seeds=4,
    scope="a toy",
    effects=dict(rate=0.1, weight_decay=0.5, clip=0.01, hidden=4, batch=8, epochs=3),
    wrong={"rate=1": "it jumps about"},
)

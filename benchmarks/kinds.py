"""The kinds of small networks for which the planner must decide: together, or one by one?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy

from benchmarks.tasks import LABS
from pilotlight.core.lab import Lab
from pilotlight.core.settings import log, unit, whole
from pilotlight.data.table import Data
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import supervised
from pilotlight.labs.catalogue import load


class HandCell(nn.Module):
    """What nn.GRUCell computes (Cho et al. 2014), from two dense layers."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.from_input = nn.Linear(inputs, 3 * hidden)
        self.from_hidden = nn.Linear(hidden, 3 * hidden)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        """The next hidden state [B, H] from inputs [B, I] and the last one."""
        reset_x, update_x, new_x = self.from_input(x).chunk(3, -1)
        reset_h, update_h, new_h = self.from_hidden(hidden).chunk(3, -1)
        update = torch.sigmoid(update_x + update_h)
        new = torch.tanh(new_x + torch.sigmoid(reset_x + reset_h) * new_h)
        return (1 - update) * new + update * hidden


class Recurrent(nn.Module):
    """A cell of 64 units over 30 steps of 2 inputs, and a read-out of its last state."""

    def __init__(self, cell: Callable[[int, int], nn.Module]) -> None:
        super().__init__()
        self.cell, self.readout = cell(2, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [B, 10] of sequences [B, 30, 2]."""
        hidden = x.new_zeros(len(x), 64)
        for now in x.unbind(1):
            hidden = self.cell(now, hidden)
        scores: Tensor = self.readout(hidden)
        return scores


class Attentive(nn.Module):
    """Two layers of self-attention, 32 wide, 2 heads, over 16 places; a read-out of their mean."""

    def __init__(self, *backends: SDPBackend) -> None:
        super().__init__()
        layers = [
            nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True) for _ in range(2)
        ]
        self.layers, self.readout = nn.Sequential(*layers), nn.Linear(32, 10)
        self.backends = list(backends)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [B, 10] of sequences [B, 16, 32]."""
        with sdpa_kernel(self.backends):
            scores: Tensor = self.readout(self.layers(x).mean(1))
        return scores


def kinds() -> dict[str, tuple[Lab, bool]]:
    """Kind of network -> a lab that trains it, and whether its kernels lie channels last."""
    dense, convolution = (load(str(LABS / f"{name}.py")) for name in ("mlp", "convnet"))
    sequence, places = (30, 2), (16, 32)
    usual = (SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH)
    return {
        "dense": (dense, False),
        "convolution": (convolution, False),
        "convolution, channels last": (convolution, True),
        "nn.GRUCell": (_lab(lambda: Recurrent(nn.GRUCell), sequence), False),
        "GRU cell by hand": (_lab(lambda: Recurrent(HandCell), sequence), False),
        "transformer": (_lab(lambda: Attentive(*usual), places), False),
        "transformer, plain products": (_lab(lambda: Attentive(SDPBackend.MATH), places), False),
    }


def _lab(network: Callable[[], nn.Module], shape: tuple[int, ...]) -> Lab:
    """A lab whose rows are noise: only its time is asked for."""

    def noise() -> tuple[Tensor, Tensor]:
        draw = torch.Generator().manual_seed(0)
        return torch.randn(512, *shape, generator=draw), torch.arange(512) % 10

    settings: dict[str, Any] = {
        "rate": log(1e-9, 1, 1e-3),
        "momentum": unit(0.9),
        "batch": whole(1, 512, 64),
        "epochs": whole(1, 100, 1),
    }
    return Lab(
        area="benchmarks",
        seconds=1,
        text="",
        data=Data("noise", noise, classes=10),
        model=lambda s: network(),
        train=supervised(cross_entropy),
        optimizer=sgd,
        settings=settings,
        compare={"alone": {}},
    )

"""How fast does a small dense network learn to read digits?"""

from __future__ import annotations

from torch.nn.functional import cross_entropy

import pilotlight as pl

lab = pl.Lab(
    area="benchmarks",
    seconds=10,
    text="A small dense network, as sweeps over many seeds train it.",
    data=pl.digits,
    model=lambda s: pl.mlp(64, [64, 64], 10),
    train=pl.supervised(cross_entropy),
    optimizer=pl.sgd,
    settings={
        "rate": pl.log(1e-4, 1, 0.05),
        "momentum": pl.unit(0.9),
        "batch": pl.whole(1, 512, 64),
        "epochs": pl.whole(1, 100, 10),
    },
    compare={"alone": {}},
)

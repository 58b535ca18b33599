"""Do dropout, batch norm, a schedule, clipping and early stopping go together in one cohort?"""

from __future__ import annotations

from torch import nn
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import Claim, Lab
from pilotlight.core.settings import linear, log, unit, whole
from pilotlight.data.bundled import digits
from pilotlight.data.split import holdout_with_validation
from pilotlight.engine.optim import rmsprop
from pilotlight.engine.schedule import warmup
from pilotlight.engine.steps import supervised
from pilotlight.nets.dropout import Dropout


def build(s):
    return nn.Sequential(
        nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), Dropout(s.dropout), nn.Linear(16, 10)
    )


lab = Lab(
    area="foundations",
    seconds=120,
    text="Everything at once, to see that it goes together and equals the plain loop. " * 4,
    data=digits,
    split=holdout_with_validation,
    model=build,
    train=supervised(cross_entropy, parts=("train", "validation", "test")),
    optimizer=rmsprop,
    schedule=warmup,
    settings=dict(
        rate=log(1e-5, 1, 0.01),
        smoothing=unit(0.9),
        momentum=unit(0.5),
        weight_decay=linear(0.0, 1.0, 1e-4),
        dropout=unit(0.3),
        warmup=unit(0.5),
        clip=linear(0.0, 100.0, 1.0),
        patience=whole(0, 100, 1),
        batch=whole(1, 512, 64),
        epochs=whole(1, 100, 4),
    ),
    compare=dict(some={}, much=dict(dropout=0.8), none=dict(dropout=0.0, warmup=0.0)),
    claims=dict(alike=Claim("It is the same.", "some", "none", within=0.5)),
    seeds=4,
    scope="a toy",
    effects=dict(
        rate=0.3,
        smoothing=0.5,
        momentum=0.0,
        weight_decay=0.5,
        dropout=0.6,
        warmup=1.0,
        clip=0.01,
        patience=dict(patience=0, epochs=12, rate=0.1),
        batch=32,
        epochs=3,
    ),
    wrong={"dropout=0.9": "it learns slowly"},
)

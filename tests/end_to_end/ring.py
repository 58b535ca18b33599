"""Does a wider network learn a ring sooner?"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import pilotlight as pl


def ring(settings, generator):
    """Points on a plane; the class is whether they lie far from the middle."""
    points = torch.randn(160, 2, generator=generator)
    return points, (points.norm(dim=1) > 1.18).long()


def network(s):
    """Everything that a checkpoint has to hold: batch norm's averages, dropout's noise."""
    return nn.Sequential(
        nn.Linear(2, s.width),
        nn.BatchNorm1d(s.width),
        nn.ReLU(),
        pl.Dropout(s.dropout),
        nn.Linear(s.width, 2),
    )


@pl.exhibit(tolerance=1e-6)
def half_of_the_plane():
    """Half of all points lie within 1.18 of the middle: 1 - exp(-r * r / 2) is a half."""
    return abs(1 - torch.exp(torch.tensor(-(1.17741**2) / 2)).item() - 0.5)


lab = pl.Lab(
    area="toys",
    seconds=4,
    text="A toy. Widths differ in shape, so they train in groups of their own.",
    data=pl.Data("ring", ring, classes=2, per_seed=True),
    split=pl.holdout_with_validation,
    model=network,
    train=pl.supervised(cross_entropy, parts=("train", "validation", "test")),
    optimizer=pl.adam,
    settings=dict(
        rate=pl.log(1e-4, 1, 0.03),
        dropout=pl.unit(0.1),
        patience=pl.whole(0, 1000, 4),
        width=pl.whole(1, 64, 8),
        batch=pl.whole(1, 64, 16),
        epochs=pl.whole(1, 1000, 6),
    ),
    compare=dict(
        wide={},
        wide_and_slow=dict(rate=lambda s: s.rate / 10),
        narrow=dict(width=2),
    ),
    seeds=5,
    quick=dict(epochs=2),
    claims=dict(
        sooner=pl.Claim("A wide one is better.", "wide", "narrow", at_least=0.0),
        alike=pl.Claim("The rate matters little.", "wide", "wide_and_slow", within=0.5),
    ),
    exhibits=[half_of_the_plane],
    scope="a toy",
    effects=dict(
        rate=0.3, dropout=0.5, patience=dict(patience=0, epochs=30), width=4, batch=8, epochs=1
    ),
    wrong={"rate=1": "It jumps about."},
)

"""How fast does a small convolutional network learn to read digits?"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import cross_entropy, interpolate

import pilotlight as pl
from pilotlight.data.bundled import read_digits


def large_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """The 8x8 digits drawn larger: inputs [R, 1, 28, 28], targets [R]."""
    pixels, labels = read_digits()
    return interpolate(pixels.view(-1, 1, 8, 8), size=(28, 28), mode="bilinear"), labels


def convnet() -> nn.Module:
    """Two convolutions of 16 and 32 channels, each with ReLU and pooling, and a read-out."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 5 * 5, 10),
    )


lab = pl.Lab(
    area="benchmarks",
    seconds=10,
    text="A small convolutional network on images of 28x28 pixels.",
    data=pl.Data("digits 28x28", large_digits, classes=10, source="digits 8x8, drawn larger"),
    model=lambda s: convnet(),
    train=pl.supervised(cross_entropy),
    optimizer=pl.sgd,
    settings={
        "rate": pl.log(1e-4, 1, 0.05),
        "momentum": pl.unit(0.9),
        "batch": pl.whole(1, 512, 64),
        "epochs": pl.whole(1, 100, 4),
    },
    compare={"alone": {}},
)

"""Trainings made sick, one way each, and healthy ones: what a doctor of trainings is held against.

Small networks on the digits 8x8. Names of comparisons say what is wrong; "healthy" ones differ in
rate, width, depth, momentum, batch and activation.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import pilotlight as pl
from pilotlight.data.bundled import read_digits

ROWS = 600


def noisy_digits(settings, generator):
    """600 digits; a share of the training labels drawn anew, another share of rows doubled."""
    inputs, targets = read_digits()
    rows = torch.randperm(len(inputs), generator=generator)[:ROWS]
    inputs, targets = inputs[rows].clone(), targets[rows].clone()
    if settings.doubled:
        inputs[ROWS // 2 :], targets[ROWS // 2 :] = inputs[: ROWS // 2], targets[: ROWS // 2]
    wrong = torch.rand(ROWS, generator=generator) < settings.wrong_labels
    drawn = torch.randint(10, (ROWS,), generator=generator)
    wrong[int(0.7 * ROWS) :] &= settings.wrong_everywhere
    return inputs, torch.where(wrong, drawn, targets)


def in_order(targets, settings, generator):
    """The first 70 % of the rows to train on, the others to test; they are in random order."""
    train = int(0.7 * len(targets))
    rows = torch.arange(len(targets))
    return {"train": rows[:train], "test": rows[train:]}


def network(settings):
    """A dense network that may be deep, badly initialised or mostly dead."""
    activation = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[settings.activation]
    layers, size = [], 64
    for _ in range(settings.depth):
        layers += [nn.Linear(size, settings.width), activation()]
        size = settings.width
    model = nn.Sequential(*layers, nn.Linear(size, 10))
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                if settings.gain:
                    nn.init.normal_(layer.weight, std=settings.gain / layer.in_features**0.5)
                layer.bias += settings.bias if layer is not model[-1] else 0.0
    return model


SICK = {
    "rate-too-low": dict(rate=0.01),
    "not-learning": dict(rate=1e-6),
    "vanishing-gradient": dict(activation="sigmoid", depth=8),
    "exploding-gradient": dict(gain=6.0, depth=8),
    "dead-units": dict(bias=-3.0),
    "overfitting": dict(wrong_labels=0.5, wrong_everywhere=True, width=128, rate=0.5, epochs=60),
    "held-out-better": dict(wrong_labels=0.4, rate=0.2),
    "leak": dict(doubled=True),
}
HIGH = {"high rate": dict(rate=4.0), "very high rate": dict(rate=100.0, momentum=0.0)}
"""Too high a rate: the loss leaves the numbers, or jumps, or all units die."""

HEALTHY = {
    "healthy": {},
    "healthy, small rate": dict(rate=0.03, momentum=0.9),
    "healthy, larger rate": dict(rate=0.3),
    "healthy, wide": dict(width=128),
    "healthy, narrow": dict(width=16),
    "healthy, deep": dict(depth=3, gain=2**0.5),
    "healthy, tanh": dict(activation="tanh"),
    "healthy, He": dict(gain=2**0.5),
    "healthy, small batch": dict(batch=8, rate=0.03),
    "healthy, full length": dict(epochs=40),
}

lab = pl.Lab(
    area="tests",
    name="sick",
    question="Which of these is sick?",
    seconds=30,
    text="",
    data=pl.Data("some digits", noisy_digits, classes=10, per_seed=True),
    split=in_order,
    model=network,
    train=pl.supervised(cross_entropy),
    optimizer=pl.sgd,
    settings={
        "rate": pl.log(1e-9, 1e3, 0.1),
        "momentum": pl.unit(0.0),
        "batch": pl.whole(1, 512, 32),
        "epochs": pl.whole(1, 100, 20),
        "depth": pl.whole(1, 50, 1),
        "width": pl.whole(1, 512, 32),
        "activation": pl.choice("relu", "tanh", "sigmoid"),
        "gain": pl.linear(0.0, 10.0, 0.0),
        "bias": pl.linear(-10.0, 10.0, 0.0),
        "wrong_labels": pl.unit(0.0),
        "wrong_everywhere": pl.switch(False),
        "doubled": pl.switch(False),
    },
    compare={**HEALTHY, **SICK, **HIGH},
)

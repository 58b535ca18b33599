"""Does a two-player game reach what it should when both players move?

A generator shifts noise onto data of a known mean; a discriminator tells the two apart.
"""

from __future__ import annotations

from torch import nn
from torch.nn.functional import softplus

from pilotlight.core.lab import Claim, Lab, Metric
from pilotlight.core.settings import log, unit, whole
from pilotlight.engine.optim import adam, sgd
from pilotlight.engine.steps import Phase, Training, normal


class Game(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Linear(2, 2)
        self.discriminator = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))


def tell_apart(model, batch, settings, state):
    fake = model.generator(batch.noise.latent)
    real = batch.noise.real + 3.0
    loss = softplus(-model.discriminator(real)) + softplus(model.discriminator(fake))
    return loss.mean(), {"discriminator_loss": loss.mean()}, state


def fool(model, batch, settings, state):
    loss = softplus(-model.discriminator(model.generator(batch.noise.latent))).mean()
    return loss, {"generator_loss": loss}, state


def distance(model, batch, settings, state):
    return {"distance": (model.generator(batch.noise.latent).mean(0) - 3.0).norm()}


lab = Lab(
    area="generative",
    seconds=20,
    text="Two networks play against each other. " * 8,
    model=lambda s: Game(),
    train=Training(
        phases=[
            Phase(tell_apart, moves="discriminator", optimizer=adam),
            Phase(
                fool,
                moves="generator",
                optimizer=sgd.reading(rate="generator_rate"),
                when=lambda step, settings: step % settings.turns == 0,
            ),
        ],
        noise=lambda s: {"latent": normal(s.batch, 2), "real": normal(s.batch, 2)},
        evaluation_noise=lambda s: {"latent": normal(200, 2)},
        evaluate=distance,
    ),
    settings=dict(
        rate=log(1e-4, 1, 0.01),
        generator_rate=log(1e-4, 1, 0.1),
        beta1=unit(0.5),
        batch=whole(1, 512, 32),
        turns=whole(1, 10, 2),
        steps=whole(1, 10_000, 200),
        measure_every=whole(1, 1000, 20),
    ),
    compare=dict(both={}, still=dict(generator_rate=1e-4)),
    metrics=dict(distance=Metric(unit="units", better="lower")),
    claims=dict(
        near=Claim("Moving reaches the data.", "both", "still", metric="distance", at_most=-1.0)
    ),
    seeds=4,
    scope="a toy",
    effects=dict(rate=0.1, generator_rate=0.01, beta1=0.9, batch=16, turns=1, steps=10),
    wrong={"generator_rate=1": "the generator overshoots"},
)

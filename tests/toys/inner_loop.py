"""Does an inner loop by torch.func learn a start from which one step goes far?"""

from __future__ import annotations

import torch
from torch import nn
from torch.func import functional_call, grad
from torch.nn.functional import mse_loss

from pilotlight.core.lab import Claim, Lab, Metric
from pilotlight.core.settings import log, whole
from pilotlight.engine.optim import adam
from pilotlight.engine.steps import Phase, Training, normal, uniform


def lines(noise):
    """Tasks y = slope * x: support and query points of each."""
    slope = 4 * noise.slope - 2
    return noise.support, slope * noise.support, noise.query, slope * noise.query


def adapted_loss(model, batch, settings):
    x, y, x_query, y_query = lines(batch.noise)
    named = dict(model.named_parameters())

    def after_one_step(x, y, x_query, y_query):
        def loss(weights):
            return mse_loss(functional_call(model, weights, (x,)), y)

        slopes = grad(loss)(named)
        moved = {n: p - settings.inner_rate * slopes[n] for n, p in named.items()}
        return mse_loss(functional_call(model, moved, (x_query,)), y_query)

    return torch.func.vmap(after_one_step)(x, y, x_query, y_query)


def meta(model, batch, settings, state):
    return adapted_loss(model, batch, settings).mean(), {}, state


def evaluate(model, batch, settings, state):
    return {"query_loss": adapted_loss(model, batch, settings)}


lab = Lab(
    area="representation",
    seconds=30,
    text="A gradient of what a gradient step does, in other words of second order. " * 4,
    model=lambda s: nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)),
    train=Training(
        phases=[Phase(meta, optimizer=adam)],
        evaluate=evaluate,
        noise=lambda s: dict(
            support=normal(s.batch, 5, 1), query=normal(s.batch, 5, 1), slope=uniform(s.batch, 1, 1)
        ),
        evaluation_noise=lambda s: dict(
            support=normal(64, 5, 1), query=normal(64, 5, 1), slope=uniform(64, 1, 1)
        ),
    ),
    settings=dict(
        rate=log(1e-5, 1, 0.01),
        inner_rate=log(1e-4, 1, 0.1),
        batch=whole(1, 100, 8),
        steps=whole(1, 10_000, 100),
        measure_every=whole(1, 1000, 20),
    ),
    compare=dict(meta={}, still=dict(rate=1e-5)),
    metrics=dict(query_loss=Metric(better="lower")),
    claims=dict(learns=Claim("It learns.", "meta", "still", metric="query_loss", at_most=-0.05)),
    seeds=4,
    scope="a toy",
    effects=dict(rate=0.1, inner_rate=0.01, batch=4, steps=10),
    wrong={"inner_rate=1": "one step too far"},
)

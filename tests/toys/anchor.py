"""Does an anchor between two tasks hold a network to the first?"""

from __future__ import annotations

import torch
from torch import nn
from torch.func import functional_call, grad
from torch.nn.functional import mse_loss

from pilotlight.core.lab import Claim, Lab, Metric
from pilotlight.core.settings import linear, log, whole
from pilotlight.data.table import Data
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import Phase, Stage, Training


def two_lines(settings, generator):
    """Rows of two tasks: y = x for the first half, y = -x for the second."""
    x = torch.randn(128, 3, generator=generator)
    sign = torch.where(torch.arange(128) < 64, 1.0, -1.0)
    return x, sign[:, None] * x[:, :1]


def by_task(targets, settings, generator):
    rows = torch.arange(len(targets))
    return {"first": rows[:64], "second": rows[64:]}


def fit(model, batch, settings, state):
    loss = mse_loss(model(batch.inputs), batch.targets)
    pull = sum(
        (state["importance"][n] * (p - state["anchor"][n]) ** 2).sum()
        for n, p in model.named_parameters()
    )
    return loss + settings.strength * pull, {}, state


def start(model, settings):
    named = dict(model.named_parameters())
    return {"anchor": named, "importance": {n: torch.zeros_like(p) for n, p in named.items()}}


def drop_anchor(model, batch, settings, state):
    """Squared gradients of each row's loss, averaged: how much each weight matters here."""
    named = dict(model.named_parameters())

    def loss(weights, x, y):
        return mse_loss(functional_call(model, weights, (x[None],)), y[None])

    each = torch.func.vmap(grad(loss), in_dims=(None, 0, 0))(named, batch.inputs, batch.targets)
    return {"anchor": named, "importance": {n: (g**2).mean(0) for n, g in each.items()}}


def row_errors(model, batch, settings, state):
    return {"loss": ((model(batch.inputs) - batch.targets) ** 2).mean(1)}


lab = Lab(
    area="continual",
    seconds=30,
    text="One task after another, and a pull back to where the first one ended. " * 4,
    data=Data("two lines", two_lines, per_seed=True),
    split=by_task,
    model=lambda s: nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)),
    train=Training(
        phases=[Phase(fit)],
        evaluate=row_errors,
        parts=("first", "second"),
        start=start,
        between=drop_anchor,
        stages=lambda s: [Stage("first", s.epochs), Stage("second", s.epochs)],
    ),
    optimizer=sgd,
    settings=dict(
        rate=log(1e-3, 1, 0.1),
        strength=linear(0.0, 1000.0, 1.0),
        batch=whole(1, 64, 16),
        epochs=whole(1, 100, 8),
    ),
    compare=dict(naive=dict(strength=0.0), anchored={}),
    metrics=dict(first_loss=Metric(better="lower")),
    claims=dict(holds=Claim("It holds.", "anchored", "naive", metric="first_loss", at_most=-0.05)),
    seeds=4,
    scope="a toy",
    effects=dict(rate=0.2, strength=2.0, batch=8, epochs=3),
    wrong={"strength=1000": "the steps explode"},
)

"""Does a policy learn from batches that its own actions make?

A bandit with a memory: the better arm of two pays 1; the policy acts, sees the pay, moves.
"""

from __future__ import annotations

import torch
from torch import nn

from pilotlight.core.lab import Claim, Lab, Metric
from pilotlight.core.settings import log, whole
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import Phase, Training, uniform


class Policy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.preference = nn.Parameter(torch.zeros(2))


def act(model, batch, settings, state):
    """Choose an arm in each of B worlds; arm 1 pays more often."""
    share = torch.softmax(model.preference, 0)[1]
    action = (batch.noise.choice < share).to(share.dtype)
    pay = (batch.noise.luck < 0.2 + 0.6 * action).to(share.dtype)
    average = 0.9 * state["average"] + 0.1 * pay.mean()
    return {"action": action, "pay": pay}, {"average": average}


def reinforce(model, batch, settings, state):
    log_share = torch.log_softmax(model.preference, 0)
    chosen = batch.action * log_share[1] + (1 - batch.action) * log_share[0]
    loss = -((batch.pay - state["average"]) * chosen).mean()
    return loss, {"return": batch.pay.mean()}, state


def start(model, settings):
    return {"average": torch.zeros_like(model.preference[0])}


def evaluate(model, batch, settings, state):
    return {"better_arm": torch.softmax(model.preference, 0)[1]}


lab = Lab(
    area="reinforcement",
    seconds=30,
    text="The data are made by the network that learns from them, as it learns. " * 4,
    model=lambda s: Policy(),
    train=Training(
        phases=[Phase(reinforce)],
        collect=act,
        start=start,
        evaluate=evaluate,
        noise=lambda s: {"choice": uniform(s.batch), "luck": uniform(s.batch)},
    ),
    optimizer=sgd,
    settings=dict(
        rate=log(1e-4, 10, 1.0),
        batch=whole(1, 512, 32),
        steps=whole(1, 10_000, 100),
        measure_every=whole(1, 1000, 20),
    ),
    compare=dict(learning={}, still=dict(rate=1e-4)),
    metrics=dict(better_arm=Metric(unit="share", worst=0.0)),
    claims=dict(learns=Claim("It learns.", "learning", "still", metric="better_arm", at_least=0.2)),
    seeds=4,
    scope="a toy",
    effects=dict(rate=0.1, batch=16, steps=10),
    wrong={"rate=10": "it settles on the first arm that paid"},
)

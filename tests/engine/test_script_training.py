"""The plain script gives the engine's numbers, in float64, for what is easily forgotten."""

import contextlib
import io

import pytest
import torch

from pilotlight.engine.script import script
from pilotlight.labs.catalogue import load

NEAR = 1e-9

HEAD = '''"""Does the script give the engine's numbers?"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from pilotlight.core.lab import Lab
from pilotlight.core.settings import linear, log, switch, unit, whole
from pilotlight.data.split import holdout, holdout_with_validation
from pilotlight.data.table import Data
from pilotlight.engine.optim import adam, adamw, rmsprop, sgd
from pilotlight.engine.schedule import cosine, linear_to_zero, warmup
from pilotlight.engine.steps import Phase, Stage, Training, normal, supervised, uniform
from pilotlight.nets.dense import mlp
from pilotlight.nets.dropout import Dropout


def clouds():
    targets = torch.arange(60) % 3
    noise = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    return noise + 2.0 * torch.eye(4)[targets], targets


SETTINGS = dict(rate=log(1e-6, 100, 0.1), batch=whole(1, 60, 8), epochs=whole(1, 100, 4))
CLOUDS = Data("clouds", clouds, 3)
'''

LABS = {
    "early stopping that goes back to an earlier epoch": """
lab = Lab(
    area="toys", seconds=1, text="", data=CLOUDS, split=holdout_with_validation,
    model=lambda s: mlp(4, [20], 3),
    train=supervised(cross_entropy, ("train", "validation", "test")),
    settings=SETTINGS | dict(patience=whole(0, 10, 2), epochs=whole(1, 100, 12)),
    compare=dict(fast=dict(rate=1.0), slow={}, no_patience=dict(patience=0)),
)
""",
    "an order of its own": """
def windows(rows, settings, generator):
    pieces = torch.arange(rows).split(settings.held)
    return torch.cat([p[torch.randperm(len(p), generator=generator)] for p in pieces])


lab = Lab(
    area="toys", seconds=1, text="", data=CLOUDS, model=lambda s: nn.Linear(4, 3),
    train=supervised(cross_entropy, order=windows),
    settings=SETTINGS | dict(held=whole(1, 60, 10)), compare=dict(few={}, one=dict(held=1)),
)
""",
    "dropout in the second comparison only": """
def build(s):
    dropping = [Dropout(s.dropout)] if s.drops else []
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), *dropping, nn.Linear(8, 3))


lab = Lab(
    area="toys", seconds=1, text="", data=CLOUDS, model=build, train=supervised(cross_entropy),
    settings=SETTINGS | dict(dropout=unit(0.5), drops=switch(False)),
    compare=dict(without={}, with_it=dict(drops=True), with_more=dict(drops=True, dropout=0.9)),
)
""",
    "clipping when there are two players": """
def build(s):
    model = nn.Module()
    model.maker, model.critic = nn.Linear(2, 2), mlp(2, [4], 1)
    return model


def criticise(model, batch, settings, state):
    difference = model.critic(batch.noise.real + 1) - model.critic(model.maker(batch.noise.latent))
    return 5 * torch.tanh(difference).mean(), {}, state


def please(model, batch, settings, state):
    return -3 * model.critic(model.maker(batch.noise.latent)).mean(), {}, state


def watch(model, batch, settings, state):
    return {"shift": model.maker.bias.sum()}


lab = Lab(
    area="toys", seconds=1, text="", model=build,
    train=Training(
        (Phase(criticise, "critic", adam), Phase(please, "maker", sgd)), watch,
        noise=lambda s: dict(real=normal(s.batch, 2), latent=uniform(s.batch, 2)),
    ),
    settings=dict(rate=0.05, clip=0.3, batch=8, steps=12, measure_every=4),
    compare=dict(tight={}, loose=dict(clip=3.0)),
)
""",
    "clipping by a whole number": """
lab = Lab(
    area="toys", seconds=1, text="", data=CLOUDS, model=lambda s: mlp(4, [8], 3),
    train=supervised(cross_entropy), optimizer=rmsprop,
    settings=SETTINGS | dict(clip=1), compare=dict(only={}),
)
""",
    "a schedule on a rate that is no setting": """
lab = Lab(
    area="toys", seconds=1, text="", data=CLOUDS, model=lambda s: mlp(4, [8], 3),
    train=supervised(cross_entropy), optimizer=adamw, schedule=cosine,
    settings=dict(batch=8, epochs=3), compare=dict(only={}),
)
""",
    "numbers to predict, split by the usual rule": """
def line():
    x = torch.linspace(-1, 1, 53)[:, None]
    return x, torch.cat([2 * x, x**2], 1)


lab = Lab(
    area="toys", seconds=1, text="", data=Data("line", line), model=lambda s: mlp(1, [8], 2),
    train=supervised(mse_loss), schedule=linear_to_zero,
    settings=SETTINGS | dict(momentum=unit(0.9)), compare=dict(plain=dict(momentum=0.0), heavy={}),
)
""",
    "dampening without momentum, as torch has it": """
lab = Lab(
    area="toys", seconds=1, text="", data=CLOUDS, model=lambda s: mlp(4, [8], 3),
    train=supervised(cross_entropy),
    settings=SETTINGS | dict(momentum=unit(0.0), dampening=unit(0.5)),
    compare=dict(plain={}, heavy=dict(momentum=0.9)),
)
""",
    "one beta declared, frozen layers, a lambda over several lines": """
def half_frozen(s):
    model = mlp(4, [8], 3)
    model[0].requires_grad_(not s.frozen)
    return model


lab = Lab(
    area="toys", seconds=1, text="", data=CLOUDS,
    model=lambda s: (
        half_frozen(s)
        if s.rate > 0
        else None
    ),
    train=supervised(cross_entropy), optimizer=adam,
    settings=SETTINGS | dict(beta2=unit(0.9), frozen=switch(False)),
    compare=dict(free={}, frozen=dict(frozen=True), other=dict(beta2=0.5)),
)
""",
    "everything given by place": """
def fit(model, batch, settings, state):
    return cross_entropy(model(batch.inputs), batch.targets), {}, state


def watch(model, batch, settings, state):
    return {"error": (model(batch.inputs).argmax(1) != batch.targets).to(batch.inputs.dtype)}


lab = Lab(
    area="toys", seconds=1, text="", data=CLOUDS, model=lambda s: mlp(4, [8], 3),
    train=Training([Phase(fit, "", adam, lambda step, s: step % 2 == 0)], watch, ("test",)),
    settings=SETTINGS, compare=dict(only={}),
)
""",
    "stages, a memory that is nested, what comes between": """
def fit(model, batch, settings, state):
    spring = ((model[0].weight - state["deep"]["anchor"]) ** 2).sum()
    loss = cross_entropy(model(batch.inputs), batch.targets)
    return loss + spring, {}, {**state, "seen": state["seen"] + 1}


def begin(model, settings):
    return {"deep": {"anchor": model[0].weight}, "seen": torch.zeros(())}


def move_anchor(model, batch, settings, state):
    return {**state, "deep": {"anchor": model[0].weight + batch.inputs.mean()}}


def watch(model, batch, settings, state):
    wrong = model(batch.inputs).argmax(1) != batch.targets
    return {"error": wrong + 0.01 * state["seen"].double()}


lab = Lab(
    area="toys", seconds=1, text="", data=CLOUDS, model=lambda s: mlp(4, [8], 3),
    train=Training(
        [Phase(fit)], watch, start=begin, between=move_anchor,
        stages=lambda s: [Stage("test", s.epochs), Stage("train", 2)],
    ),
    settings=SETTINGS, compare=dict(only={}, slow=dict(rate=0.01)),
)
""",
    "evaluations that ask the training rows": """
def fit(model, batch, settings, state):
    return cross_entropy(model(batch.inputs), batch.targets), {}, state


def centres(model, batch, settings, state):
    outputs = model(batch.inputs) + batch.noise.moved
    of = [(batch.targets == c).to(outputs) @ outputs / (batch.targets == c).sum() for c in range(3)]
    return {"centres": torch.stack(of)}


def watch(model, batch, settings, state):
    away = torch.cdist(model(batch.inputs), batch.reference.centres)
    return {"error": (away.argmin(1) != batch.targets).double(), "nearest": away.amin(1)}


lab = Lab(
    area="toys", seconds=1, text="", data=CLOUDS, model=lambda s: mlp(4, [8], 3),
    train=Training(
        [Phase(fit)], watch, reference=centres, evaluation_noise=lambda s: dict(moved=normal(3)),
    ),
    settings=SETTINGS, compare=dict(only={}, slow=dict(rate=0.01)),
)
""",
    "evaluations that ask other rows": """
def fit(model, batch, settings, state):
    return cross_entropy(model(batch.inputs), batch.targets), {}, state


def centres(model, batch, settings, state):
    outputs = model(batch.inputs) + batch.noise.moved
    of = [(batch.targets == c).to(outputs) @ outputs / (batch.targets == c).sum() for c in range(3)]
    return {"centres": torch.stack(of)}


def watch(model, batch, settings, state):
    away = torch.cdist(model(batch.inputs), batch.reference.centres)
    return {"error": (away.argmin(1) != batch.targets).double(), "nearest": away.amin(1)}


lab = Lab(
    area="toys", seconds=1, text="", data=CLOUDS, model=lambda s: mlp(4, [8], 3),
    train=Training(
        [Phase(fit)], watch, reference=centres, reference_part="test",
        evaluation_noise=lambda s: dict(moved=normal(3)),
    ),
    settings=SETTINGS, compare=dict(only={}, slow=dict(rate=0.01)),
)
""",
    "a file that says import pilotlight as pl": """
import pilotlight as pl

lab = pl.Lab(
    area="toys", seconds=1, text="", data=pl.Data("clouds", clouds, 3),
    model=lambda s: nn.Sequential(pl.mlp(4, [8], 8), pl.Dropout(s.dropout), nn.Linear(8, 3)),
    train=pl.supervised(cross_entropy), optimizer=pl.adam,
    settings=SETTINGS | dict(dropout=pl.unit(0.3)), compare=dict(only={}),
)
""",
}


@pytest.mark.parametrize("what", LABS)
def test_each_comparison_equals_its_plain_script(tmp_path, train, what):
    path = tmp_path / "own.py"
    path.write_text(HEAD + "\n\n" + LABS[what])
    lab = load(str(path))
    trained = train(lab, (7, 8))
    program = {"__name__": "plain_script"}
    exec(compile(script(lab), "plain script", "exec", dont_inherit=True), program)
    for member in trained.plan.members:
        with contextlib.redirect_stdout(io.StringIO()), torch.random.fork_rng(devices=[]):
            model, history = program["train"](member.comparison, member.seed, torch.float64)
        theirs = model.state_dict()
        ours = trained.network(member.index)
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            torch.testing.assert_close(ours[name], value, rtol=0, atol=NEAR)
        final = {n: trained.final(n, member.index) for n in history[-1]}
        assert final == pytest.approx(history[-1], abs=NEAR)


def test_the_early_stopping_above_does_go_back(tmp_path, train):
    path = tmp_path / "own.py"
    path.write_text(HEAD + LABS["early stopping that goes back to an earlier epoch"])
    trained = train(load(str(path)), (7, 8), compare=("fast",))
    for member in (0, 1):
        curve = [v for v in trained.curve("validation_loss", member) if v is not None]
        assert trained.final("validation_loss", member) < curve[-1]

"""Compiled steps: the same numbers as the usual ones but for rounding, the same bits on resume."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from pilotlight.core.event import Checkpoint, CohortDone, Note
from pilotlight.core.settings import linear, switch, unit, whole
from pilotlight.engine import compiled
from pilotlight.engine.optim import adam, adamw, rmsprop, sgd
from pilotlight.engine.plan import make, make_members
from pilotlight.engine.run import run
from pilotlight.engine.schedule import warmup
from pilotlight.engine.steps import Phase, Training, supervised, uniform
from pilotlight.nets.dropout import Dropout


@pytest.fixture(autouse=True)
def _graph(request, monkeypatch):
    """Quick tests trace the program and run it uncompiled; slow ones compile it."""
    if "slow" not in request.keywords:
        monkeypatch.setattr(compiled, "BACKEND", "aot_eager")
        monkeypatch.setattr(compiled, "OPTIONS", None)
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def events(lab, compiled, dtype="float64", **resumed):
    plan, material = make(lab, make_members(lab, (0, 1), {}), "cpu", dtype, compiled)
    return list(run(lab, plan, material, **resumed))


def weights(events):
    return events[-1].weights


def pull(model, batch, settings, state):
    """Noise, memory and a metric; the last layer is not used, so it has no gradient."""
    hidden = model[:2](batch.inputs + settings.spread * batch.noise.shift)
    loss = (hidden**2).mean() + 0.1 * ((model[0].weight - state["anchor"]) ** 2).sum()
    return loss, {"size": hidden.abs().mean()}, {"anchor": 0.9 * state["anchor"]}


LABS = {
    "sgd": {"optimizer": sgd},
    "averaged": {
        "optimizer": sgd,
        "settings": {"dampening": unit(0.9), "nesterov": switch(False)},
    },
    "adam": {"optimizer": adam},
    "regularised": {
        "model": lambda s: nn.Sequential(
            # no bias: before batch norm its gradient is rounding alone
            nn.Linear(4, 6, bias=False),
            nn.BatchNorm1d(6),
            nn.ReLU(),
            Dropout(s.dropout),
            nn.Linear(6, 3),
        ),
        "optimizer": rmsprop,
        "schedule": warmup,
        "settings": {
            "dropout": unit(0.3),
            "warmup": unit(0.5),
            "clip": linear(0.0, 10.0, 1.0),
        },
        "compare": {"plain": {}, "other": {"dropout": 0.6, "rate": 0.05}},
    },
    "own phase": {
        "optimizer": adamw,
        "train": Training(
            [Phase(pull)],
            supervised(cross_entropy).evaluate,
            noise=lambda s: {"shift": uniform(s.batch, 4)},
            start=lambda m, s: {"anchor": m[0].weight},
        ),
        "settings": {"spread": linear(0.0, 1.0, 0.1)},
    },
}


def equal(tiny, name):
    lab = tiny(**LABS[name])
    usual, quick = weights(events(lab, False)), weights(events(lab, True))
    assert usual.keys() == quick.keys()
    for parameter, value in usual.items():
        torch.testing.assert_close(quick[parameter], value, rtol=1e-9, atol=1e-11)


def resumes(tiny):
    lab = tiny(**LABS["regularised"])
    whole_run = events(lab, True, "float32", checkpoint_seconds=0.0)
    checkpoints = [e for e in whole_run if isinstance(e, Checkpoint)]
    for checkpoint in checkpoints[:: len(checkpoints) // 3]:
        resumed = events(lab, True, "float32", checkpoints={0: checkpoint})
        for parameter, value in weights(whole_run).items():
            assert torch.equal(weights(resumed)[parameter], value), checkpoint.step


@pytest.mark.parametrize("name", LABS)
def test_the_traced_program_gives_the_usual_numbers(tiny, name):
    equal(tiny, name)


def test_a_traced_training_goes_on_with_the_same_bits(tiny):
    resumes(tiny)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method:DeprecationWarning")  # torch itself
@pytest.mark.parametrize("name", LABS)
def test_compiled_steps_give_the_usual_numbers(tiny, name):
    equal(tiny, name)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method:DeprecationWarning")  # torch itself
def test_a_compiled_training_goes_on_with_the_same_bits(tiny):
    resumes(tiny)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method:DeprecationWarning")  # torch itself
def test_many_cohorts_are_compiled_one_after_another(tiny):
    """torch keeps eight programs of one function and refuses a ninth."""
    widths = {f"width {width}": {"hidden": width} for width in range(1, 11)}
    lab = tiny(compare=widths, settings={"epochs": whole(1, 100, 1)})
    plan, material = make(lab, make_members(lab, (0, 1), {}), "cpu", compiled=True)
    assert len(plan.cohorts) == 10
    assert sum(isinstance(e, CohortDone) for e in run(lab, plan, material)) == 10


def test_the_plan_keeps_it_and_a_person_is_told(tiny):
    lab = tiny()
    plan, material = make(lab, make_members(lab, (0, 1), {}), "cpu", compiled=True)
    assert type(plan).from_json(plan.to_json()) == plan
    note = next(e for e in run(lab, plan, material) if isinstance(e, Note))
    assert note.text == "The steps are compiled first: 15 to 45 seconds without progress."


def test_without_a_compiler_it_says_so(monkeypatch, tmp_path):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compiled.why_not("cpu") == (
        "compiling needs a C++ compiler, and none of g++, clang++, cl is here"
    )
    assert compiled.why_not("cuda") == ""

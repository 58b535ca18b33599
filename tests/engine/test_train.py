"""Training a cohort: nobody's numbers depend on the company, and what goes wrong is recorded."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from pilotlight.core.event import (
    Checkpoint,
    CohortDone,
    Diverged,
    Measured,
    Probed,
    Progress,
    Snapshot,
    Stopped,
)
from pilotlight.core.settings import linear, log, switch, unit, whole
from pilotlight.data.split import holdout_with_validation
from pilotlight.data.table import Data
from pilotlight.engine import train as train_module
from pilotlight.engine.optim import adam, rmsprop, sgd
from pilotlight.engine.schedule import cosine, warmup
from pilotlight.engine.steps import Phase, Training, normal, supervised, uniform
from pilotlight.nets.dense import mlp
from pilotlight.nets.dropout import Dropout

NEAR = 1e-9


def assert_same_member(one, i, other, j):
    """Equal weights and equal curves, up to rounding."""
    ours, theirs = one.network(i), other.network(j)
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=0, atol=NEAR)
    for metric in one.of(Measured)[0].values:
        # a cohort goes on until its last member has stopped
        seen = [[v for v in t.curve(metric, k) if v is not None] for t, k in ((one, i), (other, j))]
        assert seen[0] == pytest.approx(seen[1], abs=NEAR)


# --- company changes nothing ---


def game(settings):
    model = nn.Module()
    model.maker, model.critic = nn.Linear(2, 2), mlp(2, [4], 1)
    return model


def criticise(model, batch, settings, state):
    difference = model.critic(batch.noise.real + 1) - model.critic(model.maker(batch.noise.latent))
    return torch.tanh(difference).mean(), {}, {"count": state["count"] + 1}


def please(model, batch, settings, state):
    loss = -model.critic(model.maker(batch.noise.latent)).mean() + 0.1 * state["count"].log()
    return loss, {"pleased": -loss}, state


def game_lab(tiny):
    return tiny(
        data=None,
        model=game,
        settings={
            "steps": whole(1, 100, 12),
            "measure_every": whole(1, 100, 4),
            "critic_rate": log(1e-4, 1, 0.05),
        },
        train=Training(
            [
                Phase(criticise, "critic", adam.reading(rate="critic_rate")),
                Phase(please, "maker", sgd, when=lambda step, settings: step % 2 == 1),
            ],
            evaluate=lambda m, batch, s, state: {"shift": m.maker.bias.sum() + 0 * state["count"]},
            noise=lambda s: {"real": normal(s.batch, 2), "latent": uniform(s.batch, 2)},
            start=lambda model, settings: {"count": torch.zeros_like(model.maker.bias[0])},
        ),
        compare={"plain": {}, "other": {"critic_rate": 0.2}},
    )


def normed(settings):
    return nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), Dropout(settings.dropout), nn.Linear(6, 3)
    )


def regularised_lab(tiny, **fields):
    return tiny(
        model=normed,
        split=holdout_with_validation,
        train=supervised(cross_entropy, parts=("train", "validation", "test")),
        optimizer=rmsprop,
        schedule=warmup,
        settings={
            "dropout": unit(0.3),
            "warmup": unit(0.5),
            "clip": linear(0.0, 10.0, 1.0),
            "patience": whole(0, 100, 2),
            "epochs": whole(1, 100, 8),
            "weight_decay": linear(0.0, 1.0, 0.01),
        },
        compare={"plain": {}, "other": {"dropout": 0.7, "clip": 0.3, "warmup": 0.0}},
        **fields,
    )


def convolution_lab(tiny):
    return tiny(
        model=lambda s: nn.Sequential(
            nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 3, 2), nn.Flatten(), nn.Linear(3, 3)
        ),
        optimizer=adam,
        schedule=cosine,
    )


LABS = {
    "dense": lambda tiny: tiny(settings={"nesterov": switch(True)}),
    "convolution": convolution_lab,
    "everything at once": regularised_lab,
    "two players": game_lab,
}


@pytest.mark.parametrize("name", LABS)
def test_each_member_of_a_cohort_equals_the_same_member_alone(tiny, train, name):
    lab = LABS[name](tiny)
    together = train(lab, (3, 4))
    assert [c.members for c in together.plan.cohorts] == [(0, 1, 2, 3)]
    for member in together.plan.members:
        alone = train(lab, (member.seed,), compare=(member.comparison,))
        assert not alone.plan.cohorts[0].stacked
        assert_same_member(together, member.index, alone, 0)


@pytest.mark.parametrize("name", LABS)
def test_more_seeds_and_comparisons_change_nobody(tiny, train, name):
    lab = LABS[name](tiny)
    few, many = train(lab, (3, 4), compare=("plain",)), train(lab, (5, 3, 6, 4))
    assert_same_member(few, 0, many, 1)
    assert_same_member(few, 1, many, 3)


def test_the_same_cohort_gives_the_same_bits(tiny, train):
    one, other = (train(regularised_lab(tiny), dtype="float32") for _ in range(2))
    assert all(torch.equal(one.weights[n], other.weights[n]) for n in one.weights)


def test_measuring_another_part_changes_nobodys_training(tiny, train):
    lab = regularised_lab(tiny)
    less = replace(lab, train=supervised(cross_entropy, parts=("validation",)))
    assert_weights_equal(*(train(one, (0,), {"patience": 0}) for one in (lab, less)))


def assert_weights_equal(one, other):
    assert one.weights.keys() == other.weights.keys()
    assert all(torch.equal(one.weights[n], other.weights[n]) for n in one.weights)


# --- what a run tells ---


def test_the_first_loss_of_an_untrained_network_that_says_nothing_is_ln_k(tiny, train):
    def silent(settings):
        model = mlp(4, [5], 3)
        nn.init.zeros_(model[-1].weight)
        nn.init.zeros_(model[-1].bias)
        return model

    trained = train(tiny(model=silent), (0,))
    assert trained.curve("train_loss", 0)[0] == pytest.approx(math.log(3), abs=1e-12)
    assert trained.curve("test_loss", 0)[0] == pytest.approx(math.log(3), abs=1e-12)


def test_what_is_yielded_and_when(tiny, train):
    trained = train(tiny(), (0, 1), {"batch": 16}, compare=("plain",))  # 3 batches an epoch
    kinds = [type(e) for e in trained.events if not isinstance(e, Progress | Snapshot)]
    assert kinds == [Measured, Probed, *[Measured] * 3, Measured, Probed, CohortDone]
    measured = trained.of(Measured)
    assert [(e.step, e.epoch, e.final) for e in measured] == [
        (0, 0.0, False),
        (3, 1.0, False),
        (6, 2.0, False),
        (9, 3.0, False),
        (9, 3.0, True),
    ]
    assert set(measured[0].values) == {"train_loss", "train_accuracy", "test_loss", "test_accuracy"}
    assert [(e.step, e.members) for e in trained.of(Probed)] == [(0, (0, 1)), (9, (0, 1))]
    assert set(trained.of(Probed)[0].values["gradient"]) == {"0", "2"}
    assert trained.events[-2] == Progress(18, 18, 0)


def test_training_learns(tiny, train):
    trained = train(tiny(), changes={"epochs": 20})
    assert all(trained.final("train_accuracy", i) > 0.8 for i in range(6))
    assert all(trained.final("test_accuracy", i) > 0.5 for i in range(6))  # chance is a third
    assert all(trained.final("train_loss", i) < 0.5 for i in range(6))


def test_progress_is_told_now_and_then(tiny, train, monkeypatch):
    monkeypatch.setattr(train_module, "PROGRESS_SECONDS", 0.0)
    told = train(tiny(), (0, 1), {"epochs": 2}, compare=("plain",)).of(Progress)
    assert [e.done for e in told] == [*range(2, 26, 2), 24]  # two members, 12 steps each
    assert {e.total for e in told} == {24}


def test_checkpoints_are_yielded_as_often_as_asked(tiny, train):
    every = train(tiny(), (0,), {"epochs": 1}, checkpoint_seconds=0.0).of(Checkpoint)
    assert [e.step for e in every] == [1, 2, 3, 4, 5, 6]
    assert not train(tiny(), (0,), {"epochs": 1}, checkpoint_seconds=1e9).of(Checkpoint)


def test_the_weights_that_are_told_are_those_of_the_network(tiny, train):
    trained = train(regularised_lab(tiny), (0,))
    model = normed(trained.plan.members[0].settings)
    assert model.double().load_state_dict(trained.network(0))
    inputs, targets = (t.double() if t.is_floating_point() else t for t in lab_rows(tiny))
    accuracy = (model.eval()(inputs).argmax(1) == targets).double().mean().item()
    parts = {"train": 36, "validation": 12, "test": 12}
    own = sum(rows * trained.final(f"{p}_accuracy", 0) for p, rows in parts.items()) / 60
    assert accuracy == pytest.approx(own, abs=1e-12)


def lab_rows(tiny):
    return tiny().data.load()


# --- a schedule reaches the rate ---


def test_a_schedule_multiplies_the_rate_of_each_step(tiny, train):
    lab = tiny(
        data=Data("one", lambda: (torch.ones(10, 1), torch.zeros(10, 1))),
        model=lambda s: nn.Linear(1, 1, bias=False),
        train=Training(
            [Phase(lambda m, batch, s, state: (m.weight.sum(), {}, state))],
            lambda m, batch, s, state: {"loss": m(batch.inputs)[:, 0]},
        ),
        schedule=lambda step, steps, settings: (step + 1) / steps * settings.share,
        settings={"share": linear(0.0, 1.0, 1.0)},
        compare={"whole": {}, "half": {"share": 0.5}},
    )
    trained = train(lab, (0,), {"batch": 2, "epochs": 1, "rate": 1.0, "momentum": 0.0})
    # the slope is 1: four steps move the weight by 1/4 + 2/4 + 3/4 + 4/4
    moved = [trained.curve("test_loss", i)[0] - trained.final("test_loss", i) for i in (0, 1)]
    assert moved == pytest.approx([2.5, 1.25], abs=1e-12)


# --- networks that diverge ---


def line():
    x = torch.linspace(-1, 1, 40)[:, None]
    return x, 2 * x


def line_lab(tiny, **fields):
    return tiny(
        data=Data("line", line),
        model=lambda s: nn.Linear(1, 1),
        train=supervised(mse_loss),
        settings={"epochs": whole(1, 1000, 30)},
        compare={"plain": {}, "fast": {"rate": 1e6}, "third": {"rate": 0.05}},
        **fields,
    )


def test_a_network_that_diverges_is_recorded_and_touches_nobody(tiny, train):
    lab = line_lab(tiny)
    trained = train(lab, (0, 1))
    found = trained.of(Diverged)
    assert {e.member for e in found} == {2, 3}
    for event in found:
        steps = [e.step for e in trained.of(Measured) if not e.final]
        curve = dict(zip(steps, trained.curve("test_loss", event.member), strict=True))
        assert all(math.isfinite(v) for s, v in curve.items() if s < event.step)
        assert all(v is None for s, v in curve.items() if s >= event.step)
        assert trained.final("test_loss", event.member) is None
    calm = train(lab, (0, 1), compare=("plain", "third"))
    for i, j in ((0, 0), (1, 1), (4, 2), (5, 3)):
        assert_same_member(trained, i, calm, j)


def test_the_step_of_divergence_is_that_of_the_first_loss_that_is_not_finite(tiny, train):
    def breaks(model, batch, settings, state):
        broken = torch.where(state["step"] == settings.breaks_at, torch.nan, 1.0)
        loss = ((model(batch.inputs) - batch.targets) ** 2).mean()
        return loss * broken, {}, {"step": state["step"] + 1}

    lab = replace(
        line_lab(tiny),
        settings={**line_lab(tiny).settings, "breaks_at": linear(0.0, 100.0, 99.0)},
        compare={"never": {}, "early": {"breaks_at": 5.0}, "later": {"breaks_at": 11.0}},
        train=Training(
            [Phase(breaks)],
            supervised(mse_loss).evaluate,
            start=lambda model, settings: {"step": torch.zeros_like(model.bias[0])},
        ),
    )
    trained = train(lab, (0,), {"epochs": 6})
    assert [(e.member, e.step) for e in trained.of(Diverged)] == [(1, 6), (2, 12)]
    assert trained.final("test_loss", 0) is not None


def test_a_network_that_diverges_after_the_last_look_is_recorded_too(tiny, train):
    def explodes_late(model, batch, settings, state):
        wild = (state["step"] == 9) & (settings.rate > 1)
        return torch.where(wild, torch.inf, model.bias.sum()), {}, {"step": state["step"] + 1}

    lab = tiny(
        data=None,
        model=lambda s: nn.Linear(1, 1),
        settings={"steps": whole(1, 100, 10), "measure_every": whole(1, 100, 9)},
        train=Training(
            [Phase(explodes_late)],
            evaluate=lambda m, batch, s, state: {"bias": m.bias.sum()},
            start=lambda m, s: {"step": torch.zeros_like(m.bias[0])},
        ),
        compare={"calm": {"rate": 0.1}, "wild": {"rate": 5.0}},
    )
    trained = train(lab, (0,))
    assert [(e.member, e.step) for e in trained.of(Diverged)] == [(1, 10)]
    assert trained.final("bias", 1) is None


def test_when_all_have_diverged_training_ends(tiny, train):
    trained = train(line_lab(tiny), (0, 1), {"epochs": 1000}, compare=("fast",))
    last = max(e.step for e in trained.of(Measured))
    assert last < 1000
    assert len(trained.of(Diverged)) == 2
    assert trained.of(CohortDone)
    assert trained.of(Progress)[-1].done == trained.of(Progress)[-1].total


# --- early stopping ---


def stopping_lab(tiny, **fields):
    return tiny(
        split=holdout_with_validation,
        train=supervised(cross_entropy, parts=("train", "validation", "test")),
        settings={
            "patience": whole(0, 100, 3),
            "hidden": whole(1, 64, 20),
            "epochs": whole(1, 400, 60),
            "rate": log(1e-6, 10, 0.3),
        },
        compare={"plain": {}, "slow": {"rate": 0.01}, "fast": {"rate": 1.0}},
        **fields,
    )


def test_early_stopping_is_per_member_and_restores_the_best_weights(tiny, train):
    trained = train(stopping_lab(tiny))
    stopped = {e.member: e for e in trained.of(Stopped)}
    assert 3 <= len(stopped) < 9  # some stop, the slow ones do not
    assert len({e.step for e in stopped.values()}) > 1
    steps = [e.step for e in trained.of(Measured) if not e.final]
    for member in range(9):
        curve = trained.curve("validation_loss", member)
        seen = [(v, s) for v, s in zip(curve, steps, strict=True) if v is not None and s > 0]
        lowest, best_step = min(seen)
        assert trained.final("validation_loss", member) == pytest.approx(lowest, abs=1e-12)
        if member in stopped:
            assert stopped[member].best_step == best_step
            assert stopped[member].step == best_step + 3 * steps[1]  # three epochs of patience
            assert seen[-1][1] == stopped[member].step
        else:
            assert len(seen) == len(steps) - 1


def test_the_best_weights_are_those_of_a_run_that_ended_there(tiny, train):
    trained = train(stopping_lab(tiny), (0,))
    event = next(e for e in trained.of(Stopped) if e.member == 0)
    every = trained.of(Measured)[1].step
    there = train(stopping_lab(tiny), (0,), {"epochs": event.best_step // every, "patience": 0})
    for name, value in there.network(0).items():
        torch.testing.assert_close(trained.network(0)[name], value, rtol=0, atol=NEAR)


def test_without_patience_nothing_stops(tiny, train):
    trained = train(stopping_lab(tiny), (0,), {"patience": 0})
    assert not trained.of(Stopped)
    final = trained.final("validation_loss", 0)
    assert final == pytest.approx(trained.curve("validation_loss", 0)[-1], abs=1e-12)


def test_when_all_have_stopped_training_ends(tiny, train):
    trained = train(stopping_lab(tiny), (0, 1), {"epochs": 400, "patience": 1}, compare=("fast",))
    assert len(trained.of(Stopped)) == 2
    last = max(e.step for e in trained.of(Stopped))
    assert [e.step for e in trained.of(Measured)][-1] == last

"""The state of a cohort, and a training that goes on from any step with the same bits."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from pilotlight.core.event import Checkpoint, Diverged, Measured, Stopped
from pilotlight.core.settings import linear, unit, whole
from pilotlight.data.split import holdout_with_validation
from pilotlight.data.table import Data
from pilotlight.engine.cohort import ORDER, CohortState, joined, new_flags, shares
from pilotlight.engine.optim import adamw, rmsprop
from pilotlight.engine.schedule import warmup
from pilotlight.engine.steps import Phase, Stage, Training, supervised, uniform
from pilotlight.nets.dropout import Dropout


def everything(tiny):
    """Dropout, batch norm, a schedule, clipping, early stopping."""
    return tiny(
        model=lambda s: nn.Sequential(
            nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), Dropout(s.dropout), nn.Linear(6, 3)
        ),
        split=holdout_with_validation,
        train=supervised(cross_entropy, parts=("train", "validation", "test")),
        optimizer=rmsprop,
        schedule=warmup,
        settings={
            "dropout": unit(0.3),
            "warmup": unit(0.5),
            "clip": linear(0.0, 10.0, 1.0),
            "patience": whole(0, 100, 2),
            "epochs": whole(1, 100, 4),
        },
        compare={"plain": {}, "wild": {"rate": 5.0, "dropout": 0.6}},
    )


def pull(model, batch, settings, state):
    spring = ((model[0].weight - state["deep"]["anchor"]) ** 2).sum()
    loss = cross_entropy(model(batch.inputs + 0.1 * batch.noise.shift), batch.targets)
    return loss + spring, {"spring": spring}, {**state, "seen": state["seen"] + 1}


def staged(tiny):
    """Stages, memory in nested mappings that changes in every step and between stages, noise."""
    return tiny(
        train=Training(
            [Phase(pull, optimizer=adamw)],
            lambda m, b, s, state: {"error": (m(b.inputs).argmax(1) != b.targets).double()},
            noise=lambda s: {"shift": uniform(s.batch, 4)},
            start=lambda m, s: {
                "deep": {"anchor": m[0].weight},
                "seen": torch.zeros(()),
            },
            between=lambda m, b, s, state: {**state, "deep": {"anchor": m[0].weight}},
            stages=lambda s: [Stage("test", 3), Stage("train", 2)],
        ),
        settings={"batch": whole(1, 60, 6)},
    )


def diverging(tiny):
    """One comparison leaves in the middle."""

    def breaks(model, batch, settings, state):
        broken = torch.where(state["step"] == settings.breaks_at, torch.nan, 1.0)
        loss = cross_entropy(model(batch.inputs), batch.targets)
        return loss * broken, {}, {"step": state["step"] + 1}

    return tiny(
        train=Training(
            [Phase(breaks)],
            supervised(cross_entropy).evaluate,
            start=lambda m, s: {"step": torch.zeros(())},
        ),
        settings={"breaks_at": linear(0.0, 100.0, 99.0)},
        compare={"calm": {}, "wild": {"breaks_at": 7.0}},
    )


LABS = {"everything": everything, "stages": staged, "divergence": diverging}


def telling(trained):
    """All that a run tells, but for seconds and weights."""
    kinds = (Measured, Stopped, Diverged)
    return [e for e in trained.events if isinstance(e, kinds)]


def same_bits(one, other):
    return torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", LABS)
def test_a_training_goes_on_from_every_step_with_the_same_bits(tiny, train, name):
    lab = LABS[name](tiny)
    whole_run = train(lab, (0, 1), dtype="float32", checkpoint_seconds=0.0)
    checkpoints = whole_run.of(Checkpoint)
    assert len(checkpoints) > 8
    for checkpoint in checkpoints:
        resumed = train(lab, (0, 1), dtype="float32", checkpoints={0: checkpoint})
        assert resumed.weights.keys() == whole_run.weights.keys()
        for parameter, value in whole_run.weights.items():
            # a network that diverged holds NaN, which must come back too
            assert same_bits(resumed.weights[parameter], value), checkpoint.step
        told = telling(resumed)
        assert told == telling(whole_run)[-len(told) :], checkpoint.step


def test_kernels_that_lie_channels_last_come_back_with_the_same_bits(tiny, train):
    noise = torch.randn(60, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    lab = tiny(
        data=Data("noise", lambda: (noise, torch.arange(60) % 3), classes=3),
        model=lambda s: nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(16, 3)
        ),
        optimizer=rmsprop,
        compare={"plain": {}},
    )
    whole_run = train(lab, (0,), dtype="float32", checkpoint_seconds=0.0)
    for checkpoint in whole_run.of(Checkpoint):
        assert all(t.is_contiguous() for t in checkpoint.tensors.values())  # as files need them
        resumed = train(lab, (0,), dtype="float32", checkpoints={0: checkpoint})
        for parameter, value in whole_run.weights.items():
            assert value.is_contiguous()
            assert same_bits(resumed.weights[parameter], value)


def test_the_labs_above_do_what_they_are_for(tiny, train):
    assert train(everything(tiny), (0, 1), dtype="float32").of(Stopped)
    assert [e.step for e in train(diverging(tiny), (0,)).of(Diverged)] == [8]
    last = train(staged(tiny), (0,)).of(Measured)[-2]
    assert {"train_error", "test_error", "spring"} == set(last.values)


def test_a_checkpoint_is_not_touched_by_the_training_that_goes_on(tiny, train):
    lab = everything(tiny)
    first, *_ = train(lab, (0,), checkpoint_seconds=0.0).of(Checkpoint)
    before = {n: t.clone() for n, t in first.tensors.items()}
    train(lab, (0,), checkpoints={0: first})
    train(lab, (0,), checkpoints={0: first})
    assert all(same_bits(before[n], t) for n, t in first.tensors.items())


def test_a_checkpoint_holds_tensors_by_name_and_plain_numbers(tiny, train):
    checkpoint = train(staged(tiny), (0,), checkpoint_seconds=0.0).of(Checkpoint)[4]
    assert (checkpoint.step, checkpoint.about["step"], checkpoint.about["counts"]) == (5, 5, [5])
    assert all(isinstance(t, torch.Tensor) for t in checkpoint.tensors.values())
    assert {
        "parameters/0.weight",
        "slots/0|mean|0.weight",
        "memory/deep|anchor",
        "memory/seen",
        "flags/diverged_at",
        "order/rows",
        "generators/order",
        "generators/noise",
    } <= set(checkpoint.tensors)


def test_nobody_has_diverged_or_stopped_at_the_start():
    flags = new_flags(3, "cpu")
    state = CohortState({}, {}, [], [], {}, {}, flags)
    assert state.training.tolist() == [True] * 3
    flags["diverged_at"][0], flags["stopped_at"][2] = 4, 6
    assert state.training.tolist() == [False, True, False]


def test_networks_leave_a_cohort_with_all_that_is_theirs_and_meet_in_another():
    tensors = {"parameters/w": torch.arange(6.0).view(3, 2), "generators/noise": torch.ones(3, 4)}
    apart = shares({**tensors, ORDER: torch.zeros(3, 9)}, [7, 8, 9])
    assert set(apart) == {f"{m}/{n}" for m in (7, 8, 9) for n in tensors}
    together = joined(apart, [9, 7])
    torch.testing.assert_close(together["parameters/w"], torch.tensor([[4.0, 5.0], [0.0, 1.0]]))
    assert together["generators/noise"].shape == (2, 4)
    assert not len(together[ORDER])

"""The course of a training: stretches, coefficients, which parameters a phase moves."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from pilotlight.core.errors import LabError
from pilotlight.core.settings import linear, log, switch, whole
from pilotlight.data.generators import generator
from pilotlight.engine.optim import sgd
from pilotlight.engine.plan import make, make_members
from pilotlight.engine.step import _new_order
from pilotlight.engine.steps import Noise, Phase, Stage, Training, normal, supervised, uniform
from pilotlight.engine.work import Stretch, draw, work_for


def laid_out(lab, seeds=(0, 1), changes=None):
    plan, material = make(lab, make_members(lab, seeds, changes or {}), "cpu", "float64")
    return work_for(lab, plan, plan.cohorts[0], material)


def test_epochs_are_laid_out_in_full_batches(tiny):
    work = laid_out(tiny(), changes={"batch": 10, "epochs": 3})  # 48 rows train
    assert work.stretches == (Stretch("train", 0, 12, 4),)
    assert work.steps == 12


def test_an_epoch_can_have_more_batches_than_there_are_rows_for(tiny):
    """Then a network goes through its rows again, in another order."""
    work = laid_out(tiny(settings={"epoch_steps": whole(1, 99, 7)}), changes={"batch": 10})
    assert work.stretches == (Stretch("train", 0, 21, 7),)
    order = _new_order(work, work.start(), "train", 70)
    rows = sorted(work.row_lists["train"][0].tolist())
    assert sorted(order[0, :48].tolist()) == rows
    assert set(order[0, 48:].tolist()) < set(rows)
    assert order[0, :22].tolist() != order[0, 48:].tolist()


def test_stages_follow_one_another(tiny):
    training = supervised(cross_entropy)
    stages = Training(
        training.phases,
        training.evaluate,
        stages=lambda s: [Stage("train", s.epochs), Stage("test", 2), Stage("train", 1)],
    )
    work = laid_out(tiny(train=stages), changes={"batch": 6, "epochs": 3})
    assert work.stretches == (
        Stretch("train", 0, 24, 8),
        Stretch("test", 24, 28, 2),
        Stretch("train", 28, 36, 8),
    )
    assert [work.stretch(step).part for step in (0, 23, 24, 27, 28, 35)] == [
        "train",
        "train",
        "test",
        "test",
        "train",
        "train",
    ]


def test_without_data_a_lab_says_its_steps(tiny):
    lab = tiny(data=None, settings={"steps": whole(1, 100, 30), "measure_every": whole(1, 100, 5)})
    assert laid_out(lab).stretches == (Stretch("", 0, 30, 5),)


def test_too_few_rows_for_one_batch_are_told(tiny):
    with pytest.raises(
        LabError, match=r"batch=60: 'train' has only 48 rows\. Take a smaller batch"
    ):
        laid_out(tiny(), changes={"batch": 60})


def test_a_phase_that_moves_nothing_names_what_there_is(tiny):
    training = supervised(cross_entropy)
    lost = Training([Phase(training.phases[0].loss, moves="critic")], training.evaluate)
    with pytest.raises(LabError, match=r"A phase moves 'critic', .* There is: 0\.weight, 0\.bias"):
        laid_out(tiny(train=lost))


def test_a_phase_moves_what_it_says_and_what_can_move(tiny):
    def half_frozen(settings):
        model = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3))
        model[1].bias.requires_grad_(False)
        return model

    training = supervised(cross_entropy)
    phases = [Phase(training.phases[0].loss), Phase(training.phases[0].loss, moves="1.")]
    work = laid_out(tiny(train=Training(phases, training.evaluate), model=half_frozen))
    assert [moved for _, _, moved in work.phases] == [
        ("0.weight", "0.bias", "1.weight"),
        ("1.weight",),
    ]


def test_coefficients_are_settings_defaults_or_off(tiny):
    lab = tiny(
        settings={"nesterov": switch(False), "weight_decay": linear(0.0, 1.0, 0.0)},
        compare={"a": {}, "b": {"rate": 0.7, "nesterov": True, "momentum": 0.0}},
        optimizer=sgd,
    )
    (found,) = laid_out(lab, seeds=(0,)).coefficients
    assert found["rate"].tolist() == [0.1, 0.7]
    assert found["momentum"].tolist() == [0.5, 0.0]
    assert found["nesterov"].tolist() == [False, True]
    assert (found["weight_decay"], found["dampening"]) == (None, None)


def test_a_coefficient_reads_the_setting_it_is_told_to(tiny):
    lab = tiny(settings={"slow_rate": log(1e-4, 1, 0.003)}, optimizer=sgd.reading(rate="slow_rate"))
    (found,) = laid_out(lab, seeds=(0,)).coefficients
    assert found["rate"].tolist() == [0.003, 0.003]


@pytest.mark.parametrize("clip", [linear(0.0, 10.0, 2.0), whole(0, 10, 2), 2, 2.0])
def test_clipping_is_read_however_it_is_declared(tiny, clip):
    assert laid_out(tiny(settings={"clip": clip})).clip.tolist() == [2.0] * 4
    assert laid_out(tiny()).clip is None


def test_rows_are_taken_for_each_member(tiny):
    work = laid_out(tiny(), seeds=(0,))
    numbers = torch.tensor([[0, 5], [7, 7]])
    batch = work.take(numbers)
    assert torch.equal(batch["inputs"], work.rows.inputs[numbers])
    assert torch.equal(batch["targets"], work.rows.targets[numbers])


def test_noise_is_drawn_from_each_members_own_generator_name_after_name():
    declared = {"latent": normal(3, 2), "mask": uniform(4)}
    own = [generator(seed, "noise") for seed in (0, 1)]
    found = draw(declared, own, torch.float64, "cpu")
    for i, seed in enumerate((0, 1)):
        alone = generator(seed, "noise")
        assert torch.equal(
            found["latent"][i], torch.randn(3, 2, generator=alone, dtype=torch.float64)
        )
        assert torch.equal(found["mask"][i], torch.rand(4, generator=alone, dtype=torch.float64))


def test_noise_for_evaluations_is_the_same_at_each(tiny):
    training = supervised(cross_entropy)
    noisy = Training(
        training.phases, training.evaluate, evaluation_noise=lambda s: {"z": Noise("normal", (4,))}
    )
    work = laid_out(tiny(train=noisy))
    first, second = work.evaluation_noise()["z"], work.evaluation_noise()["z"]
    assert torch.equal(first, second)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(first[0], first[2])  # the same seed in the other comparison
    assert laid_out(tiny()).evaluation_noise() == {}

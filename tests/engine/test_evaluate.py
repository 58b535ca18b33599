"""Evaluation of many networks on lists of rows that need not be equally long."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from pilotlight.core.event import Measured, Probed, Snapshot
from pilotlight.core.settings import whole
from pilotlight.data.generators import generator
from pilotlight.data.split import holdout
from pilotlight.data.table import Data
from pilotlight.engine import evaluate
from pilotlight.engine.plan import build
from pilotlight.engine.steps import Phase, Training, normal, supervised
from pilotlight.measure.probes import probe
from pilotlight.nets.dense import mlp


def uneven(targets, settings, generator):
    """11 or 12 rows test, by a coin; 48 train."""
    order = torch.randperm(60, generator=generator)
    tested = 11 + int(torch.randint(2, (1,), generator=generator))
    return {"train": order[12:], "test": order[:tested]}


@pytest.mark.parametrize("chunk", [512, 12, 11, 5, 1])
def test_padded_evaluation_equals_the_plain_mean(tiny, train, monkeypatch, chunk):
    monkeypatch.setattr(evaluate, "CHUNK_ROWS", chunk)
    lab = tiny(split=uneven)
    trained = train(lab, range(6), {"epochs": 1}, compare=("plain",))
    assert len(trained.plan.cohorts) == 1
    inputs, targets = lab.data.load()
    lengths = set()
    for member in trained.plan.members:
        model = mlp(4, [5], 3).double()
        model.load_state_dict(trained.network(member.index))
        rows = uneven(targets, None, generator(member.seed, "split"))["test"]
        lengths.add(len(rows))
        outputs = model(inputs[rows].double())
        loss = cross_entropy(outputs, targets[rows]).item()
        accuracy = (outputs.argmax(1) == targets[rows]).double().mean().item()
        assert trained.final("test_loss", member.index) == pytest.approx(loss, abs=1e-12)
        assert trained.final("test_accuracy", member.index) == pytest.approx(accuracy, abs=1e-12)
    assert lengths == {11, 12}


def test_a_part_of_another_name_is_measured_under_that_name(tiny, train):
    lab = tiny(
        split=lambda y, s, g: {"train": torch.arange(48), "far": torch.arange(48, 60)},
        train=supervised(cross_entropy, parts=("far",)),
    )
    assert set(train(lab, (0,)).of(Measured)[0].values) == {"far_loss", "far_accuracy"}


def test_values_that_are_not_finite_on_padded_rows_do_not_count(tiny, train):
    def evaluated(model, batch, settings, state):
        # row 0 stands for the padding; its value would spoil every mean
        return {"loss": torch.where(batch.inputs[:, 0] == 0, torch.nan, batch.inputs[:, 0])}

    training = supervised(cross_entropy)
    lab = tiny(
        data=Data("numbers", lambda: (torch.arange(60.0)[:, None], torch.arange(60) % 3)),
        model=lambda s: nn.Linear(1, 3),
        split=lambda y, s, g: {
            "train": torch.arange(1, 49),
            "test": torch.arange(49, 59 + int(torch.randint(2, (1,), generator=g))),
        },
        train=Training(training.phases, evaluated),
    )
    trained = train(lab, range(6), compare=("plain",))
    finals = {trained.final("test_loss", i) for i in range(6)}
    assert finals == {53.5, 54.0}  # means of 49..58 and of 49..59


def test_without_data_metrics_are_scalars_on_fixed_noise(tiny, train):
    lab = tiny(
        data=None,
        model=lambda s: nn.Linear(2, 1),
        settings={"steps": whole(1, 100, 6), "measure_every": whole(1, 100, 2), "rate": 1e-6},
        train=Training(
            supervised_on_noise(),
            lambda m, b, s, state: {"level": m(b.noise.x).mean(), "rows": m(b.noise.x)[:, 0]},
            noise=lambda s: {"x": normal(s.batch, 2)},
            evaluation_noise=lambda s: {"x": normal(50, 2)},
        ),
    )
    trained = train(lab, (0,), {"rate": 0.0})
    assert len(set(trained.curve("level", 0))) == 1  # nothing moves: the same noise every time
    assert trained.curve("level", 0) == pytest.approx(trained.curve("rows", 0))


def supervised_on_noise():
    return [Phase(lambda m, b, s, state: ((m(b.noise.x) ** 2).mean(), {"own": m.bias.sum()}, {}))]


def test_metrics_of_the_last_step_are_measured_with_the_others(tiny, train):
    lab = tiny(
        data=None,
        model=lambda s: nn.Linear(2, 1),
        settings={"steps": whole(1, 100, 6), "measure_every": whole(1, 100, 2)},
        train=Training(
            supervised_on_noise(),
            lambda m, b, s, state: {"bias": m.bias.sum()},
            noise=lambda s: {"x": normal(s.batch, 2)},
        ),
    )
    measured = train(lab, (0,)).of(Measured)
    assert [set(e.values) for e in measured] == [
        {"bias"},
        *[{"bias", "own"}] * 3,
        {"bias"},
    ]


def test_probes_are_those_of_each_plain_network(tiny, train):
    lab = tiny()
    trained = train(lab, (0, 1))
    first = trained.of(Probed)[0]
    inputs, targets = lab.data.load()
    for member in trained.plan.members:
        model = build(lab, member).double().eval()
        rows = holdout(targets, None, generator(member.seed, "split"))["train"][:64]
        x, y = inputs[rows].double(), targets[rows]
        expected = probe(model, lambda m=model, x=x, y=y: cross_entropy(m(x), y))
        for kind, layers in expected.items():
            for layer, value in layers.items():
                told = first.values[kind][layer][member.index]
                assert told == pytest.approx(value, abs=1e-12), (kind, layer)


def test_probing_short_lists_of_unequal_length(tiny, train):
    lab = tiny(
        split=lambda y, s, g: {
            "train": torch.arange(20 + int(torch.randint(2, (1,), generator=g))),
            "test": torch.arange(30, 60),
        }
    )
    trained = train(lab, range(6), compare=("plain",))
    assert len(trained.plan.cohorts) == 1
    assert len(trained.of(Probed)[0].values["gradient"]["0"]) == 6


def test_only_supervised_trainings_are_probed(tiny, train):
    training = supervised(cross_entropy)
    lab = tiny(train=Training(training.phases, training.evaluate))
    assert [e.values for e in train(lab, (0,)).of(Probed)] == [{}, {}]


def test_a_persons_own_buffer_called_mask_belongs_to_the_network(tiny, train):
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 3)
            self.register_buffer("mask", (torch.rand(4) > 0.5).float())

        def forward(self, x):
            return self.layer(x * self.mask)

    trained = train(tiny(model=lambda s: Masked()), (0, 1), compare=("plain",))
    for member in trained.plan.members:
        own = build(tiny(model=lambda s: Masked()), member)
        assert torch.equal(trained.network(member.index)["mask"], own.mask.double())


@pytest.mark.parametrize("part", ["train", "test"])
def test_evaluations_find_what_the_training_rows_say(tiny, train, part):
    def centre(model, batch, settings, state):
        return {"centre": model(batch.inputs).mean(0)}

    def away(model, batch, settings, state):
        return {"away": (model(batch.inputs) - batch.reference.centre).square().sum(1)}

    def fit(model, batch, settings, state):
        return cross_entropy(model(batch.inputs), batch.targets), {}, state

    training = Training(
        [Phase(fit)], away, ("test",), reference=centre, reference_part=part, snapshot=away
    )
    lab = tiny(train=training)
    trained = train(lab, (0, 1), {"epochs": 1}, compare=("plain",))
    inputs, targets = lab.data.load()
    for member in trained.plan.members:
        model = mlp(4, [5], 3).double()
        model.load_state_dict(trained.network(member.index))
        rows = holdout(targets, None, generator(member.seed, "split"))
        middle = model(inputs[rows[part]].double()).mean(0)
        expected = (model(inputs[rows["test"]].double()) - middle).square().sum(1).mean().item()
        assert trained.final("test_away", member.index) == pytest.approx(expected, abs=1e-12)
    first = trained.of(Snapshot)[0].values["away"][0]
    assert sum(first) / len(first) == pytest.approx(trained.curve("test_away", 0)[0], rel=1e-3)

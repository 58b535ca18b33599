"""What is kept to be looked at: of whom, when, and in which form; and that it changes nothing."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from pilotlight.core.drawing import Scene
from pilotlight.core.event import Measured, Snapshot, Stopped
from pilotlight.core.settings import whole
from pilotlight.data.generators import generator
from pilotlight.data.split import holdout, holdout_with_validation
from pilotlight.engine.plan import build
from pilotlight.engine.steps import Phase, Training, supervised
from pilotlight.engine.work import MOST_LOOKS
from pilotlight.nets.dense import mlp


def filmed(model, batch, settings, state):
    """What a lab may keep: outputs of rows, and one number."""
    return {"outputs": model(batch.inputs), "rate": settings.rate}


def training_that_films(seeds):
    plain = supervised(cross_entropy)
    return Training(plain.phases, plain.evaluate, snapshot=filmed, snapshot_seeds=seeds)


def test_snapshots_are_of_the_first_seeds_at_every_evaluation(tiny, train):
    trained = train(tiny(train=training_that_films(2)), (9, 7, 8))
    members = [m.index for m in trained.plan.members if m.seed in (7, 8)]
    for step in {e.step for e in trained.of(Measured)}:
        at = [e for e in trained.of(Snapshot) if e.step == step]
        assert sorted(i for e in at for i in e.members) == members


def test_a_snapshot_is_what_the_plain_network_gives(tiny, train):
    lab = tiny(train=training_that_films(1))
    trained = train(lab, (3, 4))
    first = trained.of(Snapshot)[0]
    inputs, targets = lab.data.load()
    rows = holdout(targets, None, generator(3, "split"))["test"]
    for place, index in enumerate(first.members):
        member = trained.plan.members[index]
        expected = build(lab, member).double().eval()(inputs[rows].double())
        outputs = torch.tensor(first.values["outputs"][place], dtype=torch.float64)
        torch.testing.assert_close(outputs, expected.detach(), rtol=1e-3, atol=1e-12)
        assert first.values["rate"][place] == member.settings.rate


def test_snapshots_change_nobodys_training(tiny, train):
    plain = Training(*(getattr(supervised(cross_entropy), n) for n in ("phases", "evaluate")))
    without = train(tiny(train=plain), (0, 1))
    for training in (training_that_films(3), supervised(cross_entropy)):
        with_them = train(tiny(train=training), (0, 1))
        assert all(torch.equal(w, without.weights[n]) for n, w in with_them.weights.items())
        assert with_them.of(Measured) == without.of(Measured)
        assert with_them.of(Snapshot) != []
    assert without.of(Snapshot) == []


def test_a_network_that_diverged_is_filmed_no_more(tiny, train):
    def infinite(model, batch, settings, state):
        loss = cross_entropy(model(batch.inputs), batch.targets)
        return loss + torch.where(settings.rate > 1, torch.inf, 0.0), {}, state

    training = Training([Phase(infinite)], supervised(cross_entropy).evaluate, snapshot=filmed)
    trained = train(tiny(train=training, compare={"plain": {}, "gone": {"rate": 2.0}}), (0,))
    assert [e.members for e in trained.of(Snapshot)] == [(0, 1), (0,), (0,), (0,)]


@pytest.mark.parametrize("epochs", [0, 1, 5, 40])
def test_the_engine_looks_at_few_evaluations_the_first_and_the_last_among_them(tiny, train, epochs):
    trained = train(tiny(), (0,), {"epochs": epochs, "batch": 48}, compare=("plain",))
    steps = [e.step for e in trained.of(Measured) if not e.final]
    looked = [e.step for e in trained.of(Snapshot)]
    assert looked == sorted(set(looked))
    assert set(looked) <= set(steps)
    assert len(looked) == min(len(steps), MOST_LOOKS)
    assert (looked[0], looked[-1]) == (0, steps[-1])


def test_where_training_stops_early_the_last_look_is_at_the_weights_it_goes_back_to(tiny, train):
    lab = tiny(
        settings={"patience": whole(0, 99, 2)},
        split=holdout_with_validation,
        train=supervised(cross_entropy, parts=("validation", "test")),
        model=lambda s: mlp(4, [64], 3),
    )
    trained = train(lab, (0,), {"epochs": 60, "rate": 3.0, "batch": 4}, compare=("plain",))
    assert trained.of(Stopped) != []
    *_, last = trained.of(Snapshot)
    assert last.final
    (confusion,) = last.values["confusion"]
    right = sum(confusion["counts"][k][k] for k in range(3))
    count = sum(map(sum, confusion["counts"]))
    assert right / count == pytest.approx(trained.final("test_accuracy", 0))


def test_a_lab_may_say_how_what_it_keeps_is_drawn(tiny, train):
    scene = Scene("nowhere", ("height",), ("up", "down"))

    def kept(model, batch, settings, state):
        heights = batch.inputs[:3, :1]
        path = {"seen": heights, "actions": heights[:, 0] > 0, "steps": batch.targets[:3]}
        return {"bare": heights, "pairs": heights.expand(-1, 2), "way": path}

    training = Training(
        [Phase(supervised(cross_entropy).phases[0].loss)],
        supervised(cross_entropy).evaluate,
        snapshot=kept,
        kinds={"pairs": "points", "way": scene},
    )
    values = train(tiny(train=training), (0,), compare=("plain",)).of(Snapshot)[0].values
    (bare,), (pairs,), (way,) = values["bare"], values["pairs"], values["way"]
    assert pairs == {"kind": "points", "points": [[v, v] for [v] in bare]}
    assert (way["kind"], way["scene"]["does"]) == ("path", ("up", "down"))
    assert way["seen"] == bare
    assert way["actions"] == [v > 0 for [v] in bare]

"""The self-supervision lab: its exhibits pass, known mistakes make them fail, its parts hold."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from matplotlib.figure import Figure
from torch.nn.functional import cross_entropy, normalize

from pilotlight.core.event import Measured, Snapshot
from pilotlight.engine.plan import make, make_members
from pilotlight.engine.run import run
from pilotlight.labs.representation import self_supervision as module

lab = module.lab
TRUE_LOSS, TRUE_EVALUATE = module.nt_xent, module.evaluate


def test_exhibits_pass(failing):
    assert failing() == set()


def angles(one, two, temperature):
    looks = normalize(torch.cat([one, two]), dim=1)
    return looks @ looks.T / temperature


def diagonal_kept(one, two, temperature, negatives):
    positive = torch.arange(2 * len(one)).roll(len(one))
    return cross_entropy(angles(one, two, temperature), positive)


def positive_twice(one, two, temperature, negatives):
    alike, itself = angles(one, two, temperature), torch.eye(2 * len(one), dtype=torch.bool)
    positive = alike.gather(1, torch.arange(len(alike)).roll(len(one))[:, None])
    among = torch.cat([alike.masked_fill(itself, -torch.inf), positive], 1)
    return (among.logsumexp(1) - positive[:, 0]).mean()


def not_normalised(one, two, temperature, negatives):
    alike = torch.cat([one, two]) @ torch.cat([one, two]).T / temperature
    alike = alike.masked_fill(torch.eye(len(alike), dtype=torch.bool), -torch.inf)
    return cross_entropy(alike, torch.arange(len(alike)).roll(len(one)))


def no_temperature(one, two, temperature, negatives):
    return TRUE_LOSS(one, two, 1.0, negatives)


def times_temperature(one, two, temperature, negatives):
    return TRUE_LOSS(one, two, 1 / temperature, negatives)


def one_side_only(one, two, temperature, negatives):
    return cross_entropy(normalize(one) @ normalize(two).T / temperature, torch.arange(len(one)))


def fitted_on_test_rows(model, batch, settings, state):
    known = SimpleNamespace(**module.reference(model, batch, settings, state))
    told = SimpleNamespace(inputs=batch.inputs, targets=batch.targets, reference=known)
    return TRUE_EVALUATE(model, told, settings, state)


MISTAKES = {
    "the diagonal is kept": ("nt_xent", diagonal_kept, "nt_xent_in_closed_form"),
    "the positive counts twice": ("nt_xent", positive_twice, "nt_xent_in_closed_form"),
    "codes are not normalised": ("nt_xent", not_normalised, "nt_xent_in_closed_form"),
    "the temperature is left out": ("nt_xent", no_temperature, "nt_xent_in_closed_form"),
    "the temperature multiplies": ("nt_xent", times_temperature, "nt_xent_in_closed_form"),
    "half of the looks": ("nt_xent", one_side_only, "nt_xent_in_closed_form"),
    "test rows fit the read-out": ("evaluate", fitted_on_test_rows, "readouts_are_scikit_learns"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_exhibit_sees(monkeypatch, mistake, failing):
    name, wrong, exhibit = MISTAKES[mistake]
    monkeypatch.setattr(module, name, wrong)
    assert exhibit in failing()


@pytest.mark.parametrize("negatives", [1, 2, 4])
def test_each_look_is_told_from_so_many_pictures(negatives):
    draw = torch.Generator().manual_seed(0)
    one, two = torch.randn(2, 5, 3, generator=draw, dtype=torch.float64)
    looks = normalize(torch.cat([one, two]), dim=1)
    by_hand = []
    for i in range(10):
        others = [(i + k) % 5 for k in range(1, negatives + 1)]
        against = [looks[(i + 5) % 10], *looks[others], *looks[[k + 5 for k in others]]]
        alike = torch.stack(against) @ looks[i] / 0.3
        by_hand.append(alike.logsumexp(0) - alike[0])
    torch.testing.assert_close(
        module.nt_xent(one, two, 0.3, negatives), torch.stack(by_hand).mean()
    )


def events(compare, seeds=(0,), **changes):
    bare = replace(lab, exhibits=(), compare={c: lab.compare[c] for c in compare})
    plan, material = make(bare, make_members(bare, seeds, changes), "cpu")
    return list(run(bare, plan, material))


SHORT = {"images": 128, "epochs": 2}


def test_only_the_untrained_encoder_stays_as_it_was():
    found = [e for e in events(("untrained", "contrast"), **SHORT) if isinstance(e, Measured)]
    curves = {
        member: [
            e.values["test_within"][e.members.index(member)] for e in found if member in e.members
        ]
        for member in (0, 1)
    }
    assert len(set(curves[0])) == 1
    assert len(set(curves[1])) > 1


def batch_of(count):
    inputs, targets = module.drawn_shapes.load(
        SimpleNamespace(images=count), torch.Generator().manual_seed(0)
    )
    noise = {
        n: torch.rand(count, 5, generator=torch.Generator().manual_seed(1)) for n in ("one", "two")
    }
    return SimpleNamespace(
        inputs=inputs[:count], targets=targets[:count], noise=SimpleNamespace(**noise)
    )


@pytest.mark.parametrize(
    ("method", "reads"), [("contrast", False), ("instances", False), ("supervised", True)]
)
def test_who_reads_the_shapes_in_pre_training(method, reads):
    settings = SimpleNamespace(
        method=method, exemplars=32, negatives=31, temperature=0.2,
        shift=2.0, turn=1.0, zoom=0.2, brightness=0.2,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, batch = module.build(settings), batch_of(32)
    before = module.pretrain(model, batch, settings, {})[0]
    batch.targets[:, :5] = 0
    assert (module.pretrain(model, batch, settings, {})[0] != before) == reads


def test_pictures_that_test_are_in_no_pre_training():
    rows = lab.split(batch_of(800).targets, SimpleNamespace(images=400, exemplars=400), None)
    assert not torch.isin(rows["test"], torch.cat([rows["pretrain"], rows["train"]])).any()
    assert [s.part for s in lab.train.stages(SimpleNamespace(epochs=1))] == ["pretrain"]


def test_the_main_directions_are_those_of_the_largest_variance():
    batch = batch_of(200)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = module.Learner(16)
    outputs = model.head(model.encoder(batch.inputs)).detach()
    seen = module.planes(model, batch, None, {})["seen"]
    principal = torch.pca_lowrank(outputs, 2, niter=20)[2]
    theirs = (outputs - outputs.mean(0)) @ principal
    theirs = theirs / theirs.abs().amax()
    torch.testing.assert_close(seen.abs(), theirs.abs(), atol=1e-2, rtol=0)
    for column, number in ((0, 2), (1, 0)):
        assert seen[batch.targets[:, 0] == number, column].sum() >= 0


def test_the_pictures_are_drawn_of_a_report_that_lacks_comparisons():
    found = events(("contrast",), **SHORT)
    snapshots = [
        {"step": e.step, "epoch": e.epoch, **{n: v[0] for n, v in e.values.items()}}
        for e in found
        if isinstance(e, Snapshot)
    ]
    final = (
        {n: v[0] for n, v in found[-4].values.items()} if isinstance(found[-4], Measured) else {}
    )
    member = SimpleNamespace(comparison="contrast", snapshots=snapshots, final=final)
    report = SimpleNamespace(members=[member])
    figure, frame = Figure(), Figure()
    module.picture(report, figure)
    module.movie(report, frame, 1)
    assert [len(a.collections) for a in figure.axes[:4]] == [0, 3, 0, 0]
    assert "epoch 1" in [t.get_text() for t in frame.texts]

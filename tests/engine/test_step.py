"""One step: which rows, which noise, which masks, which phases."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from pilotlight.core.errors import LabError
from pilotlight.core.settings import linear, unit, whole
from pilotlight.data.generators import generator
from pilotlight.data.table import Data
from pilotlight.engine.optim import sgd
from pilotlight.engine.plan import make, make_members
from pilotlight.engine.step import take_step
from pilotlight.engine.steps import Phase, Stage, Training, normal, supervised, uniform
from pilotlight.engine.work import work_for
from pilotlight.nets.dropout import Dropout


def started(lab, seeds=(0, 1), changes=None, compare=("plain",)):
    plan, material = make(lab, make_members(lab, seeds, changes or {}, compare), "cpu", "float64")
    work = work_for(lab, plan, plan.cohorts[0], material)
    return work, work.start()


def numbered_rows():
    """48 rows that tell their own number; one in five tests."""
    return torch.arange(60.0)[:, None], torch.zeros(60, 1)


def seen_lab(tiny, **fields):
    """A lab whose training remembers the rows and the noise that its last step saw."""

    def look(model, batch, settings, state):
        return model.weight.sum(), {}, {"rows": batch.inputs[:, 0]}

    given = {
        "data": Data("numbers", numbered_rows),
        "split": lambda y, s, g: {"train": torch.arange(50), "test": torch.arange(50, 60)},
        "model": lambda s: nn.Linear(1, 1),
        "train": Training(
            [Phase(look)],
            lambda m, b, s, state: {"loss": b.inputs[:, 0]},
            start=lambda m, s: {"rows": 0 * m.weight.sum()},
        ),
        "optimizer": sgd,
    }
    return tiny(**{**given, **fields})


def steps(work, state, count):
    """What was remembered after each of so many steps."""
    seen = []
    for _ in range(count):
        take_step(work, state, work.stretch(state.step))
        seen.append({n: v.clone() for n, v in state.memory.items()})
    return seen


def test_each_epoch_takes_full_batches_in_each_members_own_new_order(tiny):
    work, state = started(seen_lab(tiny), changes={"batch": 8, "epochs": 3})
    seen = torch.stack([s["rows"] for s in steps(work, state, 18)], 1)  # [N, steps, B]
    assert seen.shape == (2, 18, 8)
    for i, seed in enumerate((0, 1)):
        order = generator(seed, "order")
        for epoch in range(3):
            # of 50 rows the last two of each epoch's order are dropped
            expected = torch.randperm(50, generator=order)[:48].double()
            assert torch.equal(seen[i, 6 * epoch : 6 * epoch + 6].flatten(), expected)


def test_a_training_may_order_the_rows_itself(tiny):
    def halves(rows, settings, generator):
        """The second half of the rows, then as many of the first; each half shuffled."""
        half = rows // 2
        return torch.cat([torch.randperm(half, generator=generator) + at for at in (half, 0)])

    lab = seen_lab(tiny)
    lab = replace(lab, train=replace(lab.train, order=halves))
    work, state = started(lab, changes={"batch": 5, "epochs": 2})
    seen = torch.stack([s["rows"] for s in steps(work, state, 20)], 1)
    for i, seed in enumerate((0, 1)):
        own = generator(seed, "order")
        expected = torch.cat([halves(50, work.settings, own) for _ in range(2)])
        assert torch.equal(seen[i].flatten(), expected.double())


def test_rows_of_a_stage_come_from_its_part_only(tiny):
    lab = seen_lab(tiny)
    staged = replace(
        lab.train, stages=lambda s: [Stage("test", 1), Stage("train", 1), Stage("test", 1)]
    )
    work, state = started(replace(lab, train=staged), changes={"batch": 10})
    rows = [set(s["rows"][0].int().tolist()) for s in steps(work, state, 7)]
    test = set(range(50, 60))
    assert [r <= test for r in rows] == [True, False, False, False, False, False, True]
    assert set().union(*rows[1:6]) == set(range(50))


def test_row_lists_of_unequal_length_train_together(tiny):
    def uneven(targets, settings, generator):
        """50 or 51 rows to train, by a coin."""
        cut = 50 + int(torch.randint(2, (1,), generator=generator))
        return {"train": torch.arange(cut), "test": torch.arange(cut, 60)}

    lab = seen_lab(tiny, split=uneven)
    work, state = started(lab, range(4), {"batch": 8, "epochs": 2})
    lengths = [len(s["train"]) for s in work.rows.splits]
    assert set(lengths) == {50, 51}
    seen = torch.stack([s["rows"] for s in steps(work, state, 12)], 1)
    for i, length in enumerate(lengths):
        order = generator(i, "order")
        expected = [torch.randperm(length, generator=order)[:48] for _ in range(2)]
        assert torch.equal(seen[i].flatten(), torch.cat(expected).double())


def test_noise_and_order_come_from_generators_of_their_own(tiny):
    def look(model, batch, settings, state):
        return model.weight.sum(), {}, {"z": batch.noise.z, "u": batch.noise.u}

    noisy = Training(
        [Phase(look)],
        lambda m, b, s, state: {"loss": b.inputs[:, 0]},
        noise=lambda s: {"z": normal(s.batch, 2), "u": uniform(3)},
        start=lambda m, s: {"z": m.weight.sum(), "u": m.weight.sum()},
    )
    work, state = started(seen_lab(tiny, train=noisy), changes={"batch": 4})
    seen = steps(work, state, 3)
    for i, seed in enumerate((0, 1)):
        noise = generator(seed, "noise")
        for step in seen:
            z = torch.randn(4, 2, generator=noise, dtype=torch.float64)
            assert torch.equal(step["z"][i], z)
            assert torch.equal(step["u"][i], torch.rand(3, generator=noise, dtype=torch.float64))


# --- dropout ---


def dropping_lab(tiny, **fields):
    return tiny(
        settings={"dropout": unit(0.5), "second": unit(0.5)},
        model=lambda s: nn.Sequential(Dropout(s.dropout), nn.Linear(4, 3), Dropout(s.second)),
        compare={"plain": {}, "much": {"dropout": 0.9}},
        **fields,
    )


def test_masks_come_from_each_members_noise_and_rate(tiny):
    work, state = started(dropping_lab(tiny), compare=())
    for _ in range(2):
        take_step(work, state, work.stretches[0])
    for i, member in enumerate(work.members):
        noise = generator(member.seed, "noise")
        rates = (member.settings.dropout, member.settings.second)
        for _ in range(2):
            drawn = [torch.rand(8, width, generator=noise, dtype=torch.float64) for width in (4, 3)]
        for name, draw, rate in zip(("0.mask", "2.mask"), drawn, rates, strict=True):
            expected = (draw >= rate) / torch.tensor(1 - rate, dtype=torch.float64)
            torch.testing.assert_close(state.buffers[name][i], expected, rtol=1e-12, atol=0)


class Backwards(nn.Module):
    """Two layers of Dropout, called against the order in which they are written."""

    def __init__(self):
        super().__init__()
        self.last, self.first = Dropout(0.5), Dropout(0.5)
        self.layer = nn.Linear(4, 3)

    def forward(self, x):
        return self.last(self.layer(self.first(x)))


def test_masks_are_drawn_in_the_order_of_the_calls(tiny):
    work, state = started(tiny(model=lambda s: Backwards()), (7,))
    take_step(work, state, work.stretches[0])
    noise = generator(7, "noise")
    for name, width in (("first.mask", 4), ("last.mask", 3)):
        kept = torch.rand(8, width, generator=noise, dtype=torch.float64) >= 0.5
        assert torch.equal(state.buffers[name][0], 2.0 * kept)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_dropping_nothing_or_everything_is_what_torch_does(tiny, train, rate):
    lab = dropping_lab(tiny)
    trained = train(lab, (0, 1), {"second": 0.0}, compare=("plain",))
    extreme = train(lab, (0, 1), {"second": 0.0, "dropout": rate}, compare=("plain",))
    assert extreme.final("train_loss", 0) is not None
    same = torch.equal(extreme.network(0)["1.weight"], trained.network(0)["1.weight"])
    assert not same
    if rate == 1.0:  # only the bias can learn
        first = train(lab, (0, 1), {"epochs": 0}, compare=("plain",)).network(0)["1.weight"]
        assert torch.equal(extreme.network(0)["1.weight"], first)


def test_dropout_where_a_training_makes_its_own_batches_is_refused(tiny, train):
    def act(model, batch, settings, state):
        return {"seen": model(batch.noise.x)}, {}

    def learn(model, batch, settings, state):
        return (model(batch.seen) ** 2).mean(), {}, {}

    lab = tiny(
        data=None,
        settings={"steps": whole(1, 100, 4), "measure_every": whole(1, 100, 2)},
        model=lambda s: nn.Sequential(Dropout(0.5), nn.Linear(4, 4)),
        train=Training(
            [Phase(learn)],
            lambda m, b, s, state: {"size": (m[1].weight ** 2).sum()},
            collect=act,
            noise=lambda s: {"x": normal(s.batch, 4)},
        ),
    )
    with pytest.raises(LabError, match="Dropout does not go with `collect`"):
        train(lab, (0,))


# --- phases ---


def test_a_phase_runs_when_it_says_and_counts_its_own_updates(tiny):
    def loss(model, batch, settings, state):
        return model(batch.inputs).sum(), {}, state

    phases = [Phase(loss, "0"), Phase(loss, "2", when=lambda step, s: step % s.turns == 1)]
    lab = tiny(
        train=Training(phases, supervised(cross_entropy).evaluate),
        settings={"turns": whole(2, 10, 3)},
    )
    work, state = started(lab)
    moved = []
    for _ in range(6):
        before = state.parameters["2.bias"].clone()
        take_step(work, state, work.stretches[0])
        moved.append(not torch.equal(before, state.parameters["2.bias"]))
    assert moved == [False, True, False, False, True, False]
    assert state.counts == [6, 2]


def test_a_phase_moves_only_what_it_says(tiny):
    def loss(model, batch, settings, state):
        return model(batch.inputs).sum(), {}, state

    lab = tiny(train=Training([Phase(loss, "2.weight")], supervised(cross_entropy).evaluate))
    work, state = started(lab)
    before = {n: p.clone() for n, p in state.parameters.items()}
    take_step(work, state, work.stretches[0])
    changed = [n for n, p in state.parameters.items() if not torch.equal(p, before[n])]
    assert changed == ["2.weight"]


def test_a_loss_that_is_no_scalar_is_told(tiny):
    def rows(model, batch, settings, state):
        return model(batch.inputs).sum(1), {}, state

    lab = tiny(train=Training([Phase(rows)], supervised(cross_entropy).evaluate))
    work, state = started(lab)
    with pytest.raises(LabError, match=r"returns one loss, a scalar; this one has shape .*8"):
        take_step(work, state, work.stretches[0])


@pytest.mark.parametrize("seeds", [(0,), (0, 1)], ids=["alone", "stacked"])
def test_a_random_draw_in_a_phase_is_told_stacked_or_not(tiny, seeds):
    def noisy(model, batch, settings, state):
        return model(batch.inputs + torch.randn(8, 4)).sum(), {}, state

    lab = tiny(train=Training([Phase(noisy)], supervised(cross_entropy).evaluate))
    work, state = started(lab, seeds)
    with torch.random.fork_rng(devices=[]), pytest.raises(LabError, match="declare `noise`"):
        take_step(work, state, work.stretches[0])


def test_what_a_phase_remembers_is_kept_apart_from_the_weights(tiny):
    def anchored(model, batch, settings, state):
        return (
            model(batch.inputs).sum(),
            {},
            {"anchor": model[0].weight, "nested": {"one": state["nested"]["one"] + 1}},
        )

    lab = tiny(
        train=Training(
            [Phase(anchored)],
            supervised(cross_entropy).evaluate,
            start=lambda m, s: {"anchor": m[0].weight, "nested": {"one": torch.zeros(())}},
        )
    )
    work, state = started(lab)
    first = state.parameters["0.weight"].detach().clone()
    assert torch.equal(state.memory["anchor"], first)
    take_step(work, state, work.stretches[0])
    assert torch.equal(state.memory["anchor"], first)  # before the update
    assert not torch.equal(state.parameters["0.weight"], first)
    assert not state.memory["anchor"].requires_grad
    assert state.memory["nested"]["one"].tolist() == [1, 1]


def test_clipping_bounds_the_step(tiny):
    lab = tiny(settings={"clip": linear(0.0, 10.0, 0.01)})
    work, state = started(lab, changes={"rate": 1.0, "momentum": 0.0})
    before = {n: p.detach().clone() for n, p in state.parameters.items()}
    take_step(work, state, work.stretches[0])
    moved = sum((state.parameters[n] - before[n]).flatten(1).pow(2).sum(1) for n in before).sqrt()
    torch.testing.assert_close(
        moved, torch.full((2,), 0.01, dtype=torch.float64), rtol=1e-3, atol=0
    )

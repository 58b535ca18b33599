"""The gating lab: its exhibits pass, known mistakes make them fail, its picture shows each task."""

from types import SimpleNamespace

import pytest
import torch
from matplotlib.figure import Figure

from pilotlight.core.report import MemberRow
from pilotlight.data import sequences
from pilotlight.labs.sequences import gating as module
from pilotlight.measure.verdicts import judge
from pilotlight.nets.recurrent import GRU, LSTM

lab = module.lab


BY_ID = {e.id: e for e in lab.exhibits}


def passes(name):
    """Whether an exhibit passes; a NaN does not."""
    return bool(BY_ID[name].function()[0] <= BY_ID[name].tolerance)


@pytest.mark.parametrize("name", BY_ID)
def test_an_exhibit_passes_and_leaves_torchs_generator_alone(name):
    before = torch.random.get_rng_state()
    assert passes(name)
    assert torch.equal(torch.random.get_rng_state(), before)


class ResetBefore(GRU):
    def step(self, entering, state):
        (h,) = state
        hidden = h.shape[1]
        reset_x, update_x, new_x = entering.chunk(3, 1)
        reset_h, update_h, _ = self.from_hidden(h).chunk(3, 1)
        reset = torch.sigmoid(reset_x + reset_h)
        new_h = (reset * h) @ self.from_hidden.weight[2 * hidden :].T
        new = torch.tanh(new_x + new_h + self.from_hidden.bias[2 * hidden :])
        return (new + torch.sigmoid(update_x + update_h) * (h - new),)


class GatesSwapped(LSTM):
    def step(self, entering, state):
        i, f, g, o = entering.chunk(4, 1)
        return super().step(torch.cat([f, i, g, o], 1), state)


class ForgetsAlways(LSTM):
    def __init__(self, inputs, hidden, forget_bias=1.0):
        super().__init__(inputs, hidden, 0.0)


class OneBias(LSTM):
    def step(self, entering, state):
        return super().step(entering - self.from_hidden.bias, state)


def marks_one_step_late(values, places):
    inputs, _ = sequences.adding(values, places)
    marks = inputs[..., 1].roll(1, -1)
    return torch.stack([values, marks], -1), (values * inputs[..., 1]).sum(-1)


def adds_all(values, places):
    return sequences.adding(values, places)[0], values.sum(-1)


def out_of_order(values, places, count):
    return sequences.recalling(values, places.topk(count, -1).indices.flip(-1))


def blanks_count(model, inputs, targets, settings):
    """Every step counts: the answers drown in blanks that anybody gets right."""
    outputs = model(inputs)
    padded = torch.nn.functional.pad(targets, (outputs.shape[1] - targets.shape[1], 0))
    return torch.nn.functional.cross_entropy(outputs.flatten(0, 1), padded.flatten())


MISTAKES = {
    "reset before the product": ("LAYERS", {**module.LAYERS, "gru": ResetBefore}, "same_as_torch"),
    "gate order": ("LAYERS", {**module.LAYERS, "lstm": GatesSwapped}, "same_as_torch"),
    "a bias is left out": ("LAYERS", {**module.LAYERS, "lstm": OneBias}, "same_as_torch"),
    "forget bias 0 whatever is said": ("LSTM", ForgetsAlways, "what_a_step_keeps"),
    "marks one step late": ("adding", marks_one_step_late, "what_remembering_nothing_costs"),
    "unmarked numbers are added": ("adding", adds_all, "what_remembering_nothing_costs"),
    "blanks count": ("loss_of", blanks_count, "what_remembering_nothing_costs"),
    "ln 10, as if blanks were answers": ("RECALL_BASELINE", 2.3, "what_remembering_nothing_costs"),
    "twice the cost of adding": ("ADDING_BASELINE", 1 / 3, "what_remembering_nothing_costs"),
    "order of time is lost": ("selective_copying", out_of_order, "delay_line_copies"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_exhibit_sees(monkeypatch, mistake):
    name, wrong, exhibit = MISTAKES[mistake]
    monkeypatch.setattr(module, name, wrong)
    assert not passes(exhibit)


def members(left, right):
    """Shares of guessing for adding_gru and adding_rnn, seed by seed."""
    pairs = [*(("adding_gru", v) for v in left), *(("adding_rnn", v) for v in right)]
    half = len(left)
    return [
        MemberRow(i, name, i % half, {}, final={"share_of_guessing": value})
        for i, (name, value) in enumerate(pairs)
    ]


def test_what_counts_is_who_solves_not_the_mean():
    """All a little better than guessing is not what half of them solving it is."""
    claims = {"adds": lab.claims["gru_adds"]}
    each_a_little = members([0.55] * 20, [1.0] * 20)
    half_of_them = members([0.01] * 10 + [1.09] * 10, [1.0] * 20)
    effects = [
        judge(claims, rows, lab.metrics, "", evidence=True)[0].effect
        for rows in (each_a_little, half_of_them)
    ]
    assert effects == [0.0, 0.5]


@pytest.mark.parametrize("task", ["adding", "copy", "selective copy"])
def test_a_network_that_remembers_nothing_has_a_share_of_one(task):
    told = SimpleNamespace(task=task, cell="gru", hidden=2, length=8, symbols=2, forget_bias=1.0)
    model = module.network(told)
    torch.nn.init.zeros_(model.readout.weight)
    torch.nn.init.constant_(model.readout.bias, 1.0)
    draw = torch.Generator().manual_seed(0)
    noise = SimpleNamespace(
        values=torch.rand(20_000, 8, generator=draw), places=torch.rand(20_000, 8, generator=draw)
    )
    found = module.judge(model, SimpleNamespace(noise=noise), told, {})
    assert found["share_of_guessing"].item() == pytest.approx(1.0, abs=0.04)


def test_the_first_gradient_is_that_of_the_curve_drawn():
    told = SimpleNamespace(task="copy", cell="lstm", hidden=3, length=6, symbols=2, forget_bias=0.0)
    model = module.network(told)
    draw = torch.Generator().manual_seed(0)
    noise = SimpleNamespace(values=torch.rand(40, 6, generator=draw), places=None)
    batch = SimpleNamespace(noise=noise)
    line = module.profile(model, batch, told, {})["gradient"]
    assert line.shape == (6,)
    assert line[-1] == 0
    assert module.judge(model, batch, told, {})["gradient"] == line[0]


def test_the_gradient_at_the_start_is_the_first_of_its_curve():
    assert lab.metrics["gradient_at_start"].of({"gradient": [-5.0, 0.1]}) == -5.0


def test_the_picture_shows_every_network_and_the_filmed_gradients():
    film = tuple({"step": s, "epoch": s, "gradient": [-3.0 + s, 0.0]} for s in (0, 2))
    rows = [
        MemberRow(0, "adding_rnn", 0, {}, final={"share_of_guessing": 1.0}, snapshots=film),
        MemberRow(1, "adding_gru", 0, {}, final={"share_of_guessing": 0.01}),
        MemberRow(2, "copy_lstm_forgets", 0, {}, final={"share_of_guessing": 0.9}),
        MemberRow(3, "short_gru", 0, {}, final={"share_of_guessing": None}, diverged_at=3),
    ]
    figure = Figure(figsize=(8, 5))
    module.draw(SimpleNamespace(members=rows), figure)
    short, adding, copy, _, before, after = figure.axes
    dots = [[v for line in p.lines[:-1] for v in line.get_ydata()] for p in (short, adding, copy)]
    assert dots == [[], [1.0, 0.01], [0.9]]
    assert [p.lines[0].get_ydata().tolist() for p in (before, after)] == [[-3.0, 0.0], [-1.0, 0.0]]


def test_the_picture_of_a_run_that_has_hardly_begun():
    module.draw(SimpleNamespace(members=[]), Figure(figsize=(8, 5)))

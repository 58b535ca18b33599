"""The weight-sharing lab: exhibits pass, known mistakes make them fail, networks are as told."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import nn
from torch.nn.functional import conv2d, pad

from pilotlight.core.event import Measured, Snapshot
from pilotlight.engine.plan import build, make, make_members
from pilotlight.engine.run import run
from pilotlight.labs.catalogue import load
from pilotlight.labs.vision import weight_sharing as module
from pilotlight.labs.vision.weight_sharing import Untied, random, slide

lab = load("weight-sharing")
NINE, COUNTS, SHIFTS, TEACHES = (e.id for e in lab.exhibits)


# --- exhibits, and mistakes that they must see ---


def test_exhibits_pass(failing):
    assert failing() == set()


def flipped(pictures, kernel, around=False):
    return slide(pictures, kernel.flip(0, 1), around)


def blank_beyond_the_edge(pictures, kernel, around=False):
    more = len(kernel) - 1 if around else 0
    return conv2d(pad(pictures, (0, more, 0, more))[:, None], kernel[None, None])[:, 0]


def own_weights_at_each_place(pictures, kernel, around=False):
    more = len(kernel) - 1 if around else 0
    joined = pad(pictures[:, None], (0, more, 0, more), mode="circular")
    layer = nn.Conv2d(1, 1, len(kernel)).double()
    layer.weight.data, layer.bias.data = kernel[None, None], torch.zeros(1).double()
    untied = Untied(layer, joined.shape[-1])
    untied.weight.data += 0.1 * random(*untied.weight.shape, seed=2)
    return untied(joined)[:, 0].detach()


class RowsForColumns(Untied):
    def forward(self, x):
        return super().forward(x).transpose(2, 3)


class LastPlaceForgotten(Untied):
    def forward(self, x):
        return super().forward(x) * (torch.arange(16) < 15).reshape(4, 4)


class Averaged(Untied):
    """Its places share the work: gradients are means over places, as some libraries have it."""

    def forward(self, x):
        return super().forward(x) / self.side**2


MISTAKES = {
    "flipped kernel": ("slide", flipped, {NINE, SHIFTS}),
    "zero padding is called circular": ("slide", blank_beyond_the_edge, {SHIFTS}),
    "weights are not shared": ("slide", own_weights_at_each_place, {NINE, SHIFTS}),
    "rows and columns are swapped": ("Untied", RowsForColumns, {TEACHES}),
    "a place is left out": ("Untied", LastPlaceForgotten, {TEACHES}),
    "gradients are averaged": ("Untied", Averaged, {TEACHES}),
    "another network": (
        "build",
        lambda s: nn.Sequential(nn.Flatten(), nn.Linear(400, 10)),
        {COUNTS},
    ),
    "the MLP is larger": (
        "lab",
        replace(
            lab, settings={**lab.settings, "width": replace(lab.declared["width"], default=64)}
        ),
        {COUNTS},
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_exhibit_sees(monkeypatch, mistake, failing):
    name, wrong, seen_by = MISTAKES[mistake]
    monkeypatch.setattr(module, name, wrong)
    assert failing() == seen_by


# --- its networks ---


def member_of(comparison, seed=0):
    return make_members(lab, [seed], {}, (comparison,))[0]


def test_the_untied_network_starts_as_the_convnet():
    tied, untied = (build(lab, member_of(name)) for name in ("convnet", "untied"))
    inputs = random(5, 1, 20, 20).float()
    torch.testing.assert_close(untied(inputs), tied(inputs), rtol=1e-4, atol=1e-5)


def test_an_untied_place_sees_its_own_patch_alone():
    layer = Untied(nn.Conv2d(2, 3, 3), 5).double()
    inputs = random(1, 2, 5, 5)
    before = layer(inputs)
    layer.weight.data[4] += 1  # the middle of 3 x 3 places
    changed = (layer(inputs) != before)[0]
    assert changed[:, 1, 1].all()
    assert changed.sum() == 3


def test_both_networks_see_the_same_pictures():
    names = ("convnet", "mlp", "mlp_wide", "untied")
    _, material = make(lab, make_members(lab, [0, 1], {"images": 100}, names), "cpu")
    tables = [material.table_of[i] for i in range(8)]
    assert tables == tables[:2] * 4
    assert tables[0] != tables[1]


def test_only_what_the_names_say_differs_between_comparisons():
    usual = member_of("convnet").settings
    for name in lab.compare:
        own = {k: v for k, v in member_of(name).settings.items() if v != usual[k]}
        expected = set()
        expected |= {"network"} if name.startswith(("mlp", "untied")) else set()
        expected |= {"width"} if "wide" in name else set()
        expected |= {"where"} if name.endswith(("centre", "still")) else set()
        expected |= {"scraps"} if name.endswith("still") else set()
        expected |= {"images", "epochs"} if name.endswith("many") else set()
        expected |= {"rate"} if name == "mlp_wide_many" else set()
        assert own.keys() == expected
    many = member_of("mlp_wide_many").settings
    assert (many.images, many.epochs, many.width) == (16_000, 4, 256)


@pytest.fixture(scope="module")
def events():
    """Of a short run: the two networks that are drawn."""
    members = make_members(lab, [0], {"epochs": 6, "images": 500}, ("convnet", "mlp"))
    plan, material = make(lab, members, "cpu")
    return list(run(replace(lab, exhibits=()), plan, material))


def test_the_convnet_is_ahead_after_six_short_epochs(events):
    ends = [e.values["test_accuracy"][0] for e in events if isinstance(e, Measured) and e.final]
    assert ends[0] > ends[1] + 0.05


def rows(events):
    found = []
    for index, name in enumerate(("convnet", "mlp")):
        told = [e for e in events if isinstance(e, Measured) and index in e.members and not e.final]
        kept = [e for e in events if isinstance(e, Snapshot) and index in e.members]
        curves = {"epoch": [e.epoch for e in told]}
        curves["test_accuracy"] = [e.values["test_accuracy"][0] for e in told]
        shots = [{n: v[0] for n, v in e.values.items()} for e in kept]
        final = {"test_accuracy": curves["test_accuracy"][-1]}
        row = SimpleNamespace(comparison=name, curves=curves, snapshots=shots, final=final)
        found.append(row)
    return found


def test_what_is_drawn_of_a_network(events):
    convnet, mlp = rows(events)
    last = convnet.snapshots[-1]
    shot = {name: torch.tensor(last[name]) for name in ("picture", "maps", "weights")}
    assert shot["picture"].shape == (20, 20)
    assert len(mlp.snapshots[-1]["weights"]) == 4
    first = shot["maps"] - conv2d(shot["picture"][None, None], shot["weights"][:, None])[0]
    bias = first.flatten(1)  # where a filter answers at all, it answers by its sum and a constant
    for values, answers in zip(bias, shot["maps"].flatten(1), strict=True):
        heard = values[answers > 0]
        assert len(heard) == 0 or float(heard.max() - heard.min()) < 0.01


def drawn(draw, members, *more):
    figure = Figure(figsize=(8, 5))
    canvas = FigureCanvasAgg(figure)
    draw(SimpleNamespace(members=members), figure, *more)
    canvas.draw()
    return figure


def test_picture_and_movie(events):
    figure = drawn(lab.picture, rows(events))
    images = [axes for axes in figure.axes if axes.images]
    assert len(images) == 1 + 8 + 8 + 4
    plot = next(axes for axes in figure.axes if not axes.images)
    assert [len(line.get_xdata()) for line in plot.lines[1:]] == [1, 1] + [0] * 8
    film = drawn(lab.movie, rows(events), 3)
    assert [len(line.get_xdata()) for axes in film.axes for line in axes.lines] == [7, 4, 7, 4]


def test_picture_of_a_run_that_was_stopped_at_once():
    blank = SimpleNamespace(comparison="convnet", curves={}, snapshots=(), final={})
    assert len(drawn(lab.picture, [blank]).axes) == 1
    assert len(drawn(lab.movie, [blank], 0).axes) == 1
    assert len(drawn(lab.picture, []).axes) == 1


def test_words_of_the_picture_count_the_weights():
    for name, (words, _) in module.ROWS.items():
        size = sum(p.numel() for p in build(lab, member_of(name)).parameters())
        told = [w for w in words.replace(",", "").split() if w.isdigit() and w != "16000"]
        assert told in ([], [str(size)])
    assert set(module.ROWS) == set(lab.compare)

"""The search lab: exhibits pass, mistakes make them fail, a trial is what it says it is."""

import importlib.util
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pilotlight.core.settings import resolve
from pilotlight.data.bundled import read_digits
from pilotlight.engine.plan import build, make_members
from pilotlight.labs.catalogue import load
from pilotlight.labs.foundations import search

lab = load("search")


def draw(seed=1):
    return torch.Generator().manual_seed(seed)


# --- exhibits, and mistakes that they must see ---


@pytest.fixture
def _no_tpe(monkeypatch):
    """TPE takes seconds, and no known mistake concerns it."""
    monkeypatch.setattr(search, "by_tpe", lambda trials, seed: -4.0)


def test_exhibits_pass(failing):
    assert failing() == set()


def mean_score(trials, rows, accuracy):
    return accuracy


def without_momentum(place, right=search.left_after):
    return right(place * np.array([1.0, 0.0, 0.0]))


MISTAKES = {
    "the winner's score taken as it is": ("best_of", mean_score, "luck_of_the_winner"),
    "the most likely score of the best": (
        "best_of",
        lambda trials, rows, p: p + 2.25 * math.sqrt(p * (1 - p) / rows),
        "luck_of_the_winner",
    ),
    "not a number": ("best_of", lambda *given: math.nan, "luck_of_the_winner"),
    "distances of pairs forgotten": (
        "unevenness",
        lambda cube: float(3.0 ** -cube.shape[1]),
        "what_27_trials_see",
    ),
    "momentum forgotten": ("left_after", without_momentum, "settings_that_interact"),
}


@pytest.mark.usefixtures("_no_tpe")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_fails_the_exhibit_that_can_see_it(mistake, monkeypatch, failing):
    name, wrong, seen_by = MISTAKES[mistake]
    monkeypatch.setattr(search, name, wrong)
    assert failing() == {seen_by}


def test_without_optuna_it_says_what_is_left_out(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    error, shown = search.settings_that_interact.function()
    assert error <= search.settings_that_interact.tolerance
    assert "pip install 'pilotlight[search]'" in shown["TPE"]
    assert not any("chance that TPE" in name for name in shown)


def test_tpe_is_as_good_as_random_and_repeats():
    pytest.importorskip("optuna")
    assert search.by_tpe(30, 1) == search.by_tpe(30, 1) < 0


def test_published_luck():
    _, shown = search.luck_of_the_winner.function()
    assert [round(value, 3) for value in shown.values()] == [0.961, 0.945, 0.934, 0.921]


def test_best_of_one_or_of_one_row_by_hand():
    assert search.best_of(1, 50, 0.7) == pytest.approx(0.7)
    assert search.best_of(3, 1, 0.5) == pytest.approx(1 - 1 / 8)


# --- where trials lie ---


@pytest.mark.parametrize("way", ["random", "grid", "quasi_random", "linear"])
def test_every_way_has_its_budget_inside_the_cube(way):
    cube = search.places(way, 27, draw())
    assert cube.shape == (27, 3)
    assert cube.min() >= 0
    assert cube.max() <= 1
    values = 3 if way == "grid" else 27
    assert len(cube[:, 0].unique()) == values
    assert not torch.equal(cube, search.places(way, 27, draw(2)))


def test_rates_are_spread_over_decades_or_on_a_linear_scale():
    cube = torch.linspace(0, 1, 7)[:, None].expand(-1, 3)
    rate, gain, decay = search.values_at(cube, "random", 6).unbind(1)
    assert rate.log10().tolist() == pytest.approx([-4, -3, -2, -1, 0, 1, 2], abs=1e-5)
    assert gain.log10().tolist() == pytest.approx(np.linspace(-2, 1, 7), abs=1e-5)
    assert decay.log10().tolist() == pytest.approx(np.linspace(-7, -2, 7), abs=1e-5)
    straight = search.values_at(cube, "linear", 6)[:, 0]
    assert straight.diff().tolist() == pytest.approx([straight.diff()[0].item()] * 6, rel=1e-4)


def test_equal_trials_differ_only_in_their_first_weights():
    model = build(lab, make_members(lab, [3], {}, ("equal",))[0])
    assert (model.tried == model.tried[0]).all()
    assert model.tried[0, 0].item() == pytest.approx(0.5, rel=0.01)
    assert not torch.equal(model.first[0], model.first[1])


# --- training and choosing ---


def test_a_trial_takes_the_step_of_sgd_at_its_own_rate_and_decay():
    settings = resolve(lab.declared, {"trials": 8}, {}, "random")
    model = build(lab, make_members(lab, [3], {"trials": 8}, ("random",))[0])
    x, digit = (t[:30] for t in read_digits())
    search.fit(model, SimpleNamespace(inputs=x, targets=digit), settings, {})[0].backward()
    rate, _, decay = (float(v) for v in model.tried[5])
    first = model.first[5].detach().clone().requires_grad_()
    others = [p[5].detach() for p in (model.shift, model.second, model.last)]
    scores = torch.tanh(x @ first + others[0]) @ others[1] + others[2]
    optimizer = torch.optim.SGD([first], lr=rate, weight_decay=decay)
    torch.nn.functional.cross_entropy(scores, digit).backward()
    optimizer.step()
    assert (model.first[5] - model.first.grad[5]).detach().numpy() == pytest.approx(
        first.detach().numpy(), abs=1e-5
    )


def test_parts_do_not_overlap():
    _, digit = read_digits()
    for rows in (100, 400):
        found = search.parts(digit, SimpleNamespace(validation=rows), draw())
        assert [len(found[p]) for p in ("train", "validation", "test")] == [600, rows, 500]
        assert len(torch.cat(list(found.values())).unique()) == 1100 + rows
    fewer = search.parts(digit, SimpleNamespace(validation=100), draw())
    assert torch.equal(fewer["test"], found["test"])


class Fixed(torch.nn.Module):
    """Three trials that give these answers to every batch: [3, B]."""

    def __init__(self, answers):
        super().__init__()
        self.answers = torch.tensor(answers)

    def forward(self, x):
        return torch.nn.functional.one_hot(self.answers, 3).float()


def test_winner_is_chosen_by_validation_rows_and_asked_the_others():
    rows = SimpleNamespace(inputs=torch.zeros(4, 1), targets=torch.tensor([0, 0, 1, 2]))
    validated = Fixed([[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]])
    chosen = search.choose(validated, rows, None, {})
    assert chosen["winners"].tolist() == [0, 1, 1, 1]  # of two equals the first
    tested = Fixed([[0, 0, 1, 2], [1, 0, 0, 0], [0, 0, 1, 2]])
    rows.reference = SimpleNamespace(**chosen)
    found = search.evaluate(tested, rows, None, {})
    means = {name: value.mean().item() for name, value in found.items()}
    assert means == {"winner_of_1": 1, "winner_of_3": 0.25, "winner_of_9": 0.25, "winner": 0.25}


def test_optimism_is_judged_at_the_end():
    curves = {"validation_winner": [0.1, 0.9], "test_winner": [0.1, 0.6]}
    assert search.optimism(curves) == pytest.approx(0.3)


# --- the picture ---


def test_picture_of_a_finished_run_and_of_none():
    generator = np.random.default_rng(1)
    members = [
        SimpleNamespace(
            comparison=name,
            final={
                f"{part}_{w}": generator.random() for part in search.PARTS for w in search.WINNERS
            },
        )
        for name in lab.compare
        for _ in range(2)
    ]
    for given in (members, [], [SimpleNamespace(comparison="equal", final={})]):
        figure = Figure(figsize=(8, 5))
        canvas = FigureCanvasAgg(figure)
        lab.picture(SimpleNamespace(members=given), figure)
        canvas.draw()

"""The early-stopping lab: its exhibits pass, known mistakes are caught, its split is as told."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pilotlight.data.generators import generator
from pilotlight.data.mislabelled import TESTED
from pilotlight.engine import train as training
from pilotlight.engine.plan import make_members
from pilotlight.labs.catalogue import load
from pilotlight.labs.foundations import early_stopping as module
from pilotlight.testing import rules

lab = load("early-stopping")


def test_exhibits_pass(failing):
    assert failing() == set()


# --- mistakes that the exhibits and the rules must see ---


def rate_doubled(x, y, rate, steps):
    return right_descend(x, y, 2 * rate, steps)


def from_one(x, y, rate, steps):
    ones = torch.ones(x.shape[1], *y.shape[1:], dtype=x.dtype)
    return right_descend(x, y - x @ ones, rate, steps) + ones


def one_step_late(x, y, rate, steps):
    path = right_descend(x, y, rate, steps)
    return torch.cat([torch.zeros_like(path[:1]), path[:-1]])


right_descend = module.descend


@pytest.mark.parametrize("mistake", [rate_doubled, from_one, one_step_late])
def test_a_mistake_in_the_descent_makes_exhibits_fail(monkeypatch, mistake, failing):
    monkeypatch.setattr(module, "descend", mistake)
    assert {"stopping_filters", "best_moment"} <= failing()


def test_without_going_back_the_exhibit_fails(monkeypatch, failing):
    monkeypatch.setattr(training, "_restore_best", lambda state: None)
    assert failing() == {"lowest_point_handed_back"}


def test_comparing_with_the_epoch_before_makes_the_exhibit_fail(monkeypatch, failing):
    watch = training._watch

    def forgetful(work, state, losses):
        before = state.flags.pop("before", state.flags["best_value"])
        state.flags["best_value"] = before
        watch(work, state, losses)
        state.flags["best_value"] = torch.tensor(losses, dtype=torch.float64)

    monkeypatch.setattr(training, "_watch", forgetful)
    assert failing() == {"lowest_point_handed_back"}


def short_trial(split):
    changed = replace(lab, split=split, source="")
    return rules.Trial(changed, {"epochs": 2}, [], {})


def stopping_on_test(targets, settings, draw):
    parts = module.set_aside(targets, settings, draw)
    return {**parts, "validation": parts["test"][:75]}


def spent_by_all(targets, settings, draw):
    return module.set_aside(targets, SimpleNamespace(rows=settings.rows, set_aside=True), draw)


def test_stopping_on_test_rows_is_found():
    found = rules.no_test_row_is_learned_from(short_trial(stopping_on_test))
    assert "rows of 'validation' are in 'test' too" in found[0]
    assert rules.no_test_row_is_learned_from(short_trial(module.set_aside)) == []


def test_a_rival_that_is_not_given_the_rows_set_aside_is_found():
    only_this = {"set_aside": True}
    trial = short_trial(spent_by_all)
    trial = replace(trial, lab=replace(trial.lab, settings=dict(lab.settings), effects=only_this))
    found = rules.every_setting_matters(trial)
    assert any("set_aside=True changes nothing" in problem for problem in found)


# --- closed forms ---


def test_noise_decides_when_to_stop():
    _, shown = next(e for e in lab.exhibits if e.id == "best_moment").function()
    steps = list(shown.values())
    assert steps[0] == 500
    assert all(later > earlier for later, earlier in pairwise(steps))


def test_one_direction_by_hand():
    x, y = torch.tensor([[2.0]]).double(), torch.tensor([3.0]).double()
    path = module.descend(x, y, 0.1, 3)[:, 0]  # each step leaves 1 - 0.1 * 4 = 0.6 of 1.5
    assert path.tolist() == pytest.approx([1.5 * (1 - 0.6**t) for t in (1, 2, 3)])


def test_going_back_by_hand():
    curves = {"validation_loss": [3.0, 1.0, 2.0], "test_accuracy": [0.1, 0.8, 0.5]}
    assert module.going_back(curves) == pytest.approx(0.3)


# --- its rows ---


def test_only_those_who_watch_set_rows_aside():
    targets = torch.zeros(300 + TESTED)
    for member in make_members(lab, [0], {}):
        parts = module.set_aside(targets, member.settings, generator(0, "split"))
        trained = set(parts["train"].tolist())
        watched = set(parts["validation"].tolist())
        assert len(watched) == 75
        assert trained | watched == set(range(300))
        assert (not trained & watched) == member.settings.set_aside
        assert member.settings.set_aside or not member.settings.patience
        assert set(parts["test"].tolist()) == set(range(300, 300 + TESTED))


# --- its picture ---


def drawn(members):
    figure = Figure(figsize=(8, 5))
    FigureCanvasAgg(figure)
    lab.picture(SimpleNamespace(members=members), figure)
    figure.canvas.draw()
    return figure


def row(comparison, accuracies, best_step=None):
    steps = [4.0 * i for i in range(len(accuracies))]
    curves = {"epoch": [s / 4 for s in steps], "step": steps}
    curves |= {f"{part}_accuracy": accuracies for part in ("train", "test")}
    return SimpleNamespace(
        comparison=comparison,
        curves=curves if accuracies else {},
        final={"test_accuracy": 0.9},
        diverged_at=None,
        best_step=best_step,
    )


def test_picture_shows_means_and_where_each_network_stopped():
    members = [row("to_the_end", [0.1, 0.8]), row("to_the_end", [0.1, 0.6])]
    members += [row("stopped", [0.1, 0.7, 0.6], best_step=4.0)]
    left, right = drawn(members).axes
    thick = [line for line in left.lines if line.get_linewidth() == 2.5]
    assert [list(line.get_ydata()) for line in thick] == [pytest.approx([0.1, 0.7])] * 2
    (dot,) = [line for line in left.lines if line.get_marker() == "o"]
    assert (list(dot.get_xdata()), list(dot.get_ydata())) == ([1.0], [0.9])
    assert not right.lines


def test_picture_of_a_run_that_was_stopped_at_once():
    assert len(drawn([]).axes) == 2
    assert len(drawn([row("to_the_end", []), row("stopped", [])]).axes) == 2

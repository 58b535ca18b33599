"""The universal-approximation lab: exhibits pass, mistakes make them fail, networks are right."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pilotlight.engine.plan import build, make_members
from pilotlight.labs.catalogue import load
from pilotlight.labs.foundations import universal_approximation as lab_file

lab = load("universal-approximation")


# --- exhibits, and mistakes that they must see ---


def test_exhibits_pass(failing):
    assert failing() == set()


def slopes_for_changes(x, kinks, heights):
    slopes = np.diff(heights) / np.diff(kinks)
    return np.maximum(x[:, None] - kinks[:-1], 0) @ slopes + heights[0]


def no_constant(x, kinks, heights, right=lab_file.hinges):
    return right(x, kinks, heights) - heights[0]


def crowded(x, kinks, heights, right=lab_file.hinges):
    """Equal to an interpolation, but of points that lie in the wrong places."""
    near = np.sign(kinks) * kinks**2
    return right(x, near, np.sin(2 * math.pi * near))


def not_solved(hidden, targets):
    return np.ones(hidden.shape[1] + 1) / hidden.shape[1]


def few_steps_of_descent(hidden, targets):
    columns = np.hstack([hidden, np.ones((len(hidden), 1))])
    weights, rate = np.zeros(columns.shape[1]), 1 / np.linalg.norm(columns, 2) ** 2
    for _ in range(100):
        weights -= rate * columns.T @ (columns @ weights - targets)
    return weights


def cubed(self, x):
    return x**3


MISTAKES = {
    "slopes where changes of slope belong": (
        lab_file, "hinges", slopes_for_changes, "hinges_join_the_dots"
    ),
    "the first height forgotten": (
        lab_file,
        "hinges",
        lambda x, kinks, heights: no_constant(x, kinks, heights + 1) - 1,
        "hinges_join_the_dots",
    ),
    "points that are not evenly spread": (lab_file, "hinges", crowded, "hinges_join_the_dots"),
    "weights that are not solved for": (
        lab_file, "solve", not_solved, "squares_reach_a_floor"
    ),
    "descent taken for the best that can be": (
        lab_file, "solve", few_steps_of_descent, "squares_reach_a_floor"
    ),
    "cubes for squares": (lab_file.Square, "forward", cubed, "squares_reach_a_floor"),
    "not a number": (
        lab_file, "hinges", lambda x, *given: x * math.nan, "hinges_join_the_dots"
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_fails_the_exhibit_that_can_see_it(mistake, monkeypatch, failing):
    place, name, wrong, seen_by = MISTAKES[mistake]
    monkeypatch.setattr(place, name, wrong)
    assert failing() == {seen_by}


def test_error_falls_with_the_square_of_the_width():
    _, shown = lab_file.hinges_join_the_dots.function()
    assert shown["power of the width that it falls with"] == pytest.approx(-2, abs=0.01)


def test_tanh_beats_every_such_power():
    assert lab_file.best_fit("tanh", 64) < 1e-6 < 1e-3 < lab_file.best_fit("relu", 64)


def test_best_parabola_by_hand():
    """On -1 to 1 the best line for sin(2 pi x) has the slope -3/(2 pi); there is no bend."""
    left = math.sqrt(0.5 - (3 / (2 * math.pi)) ** 2 / 3)
    _, shown = lab_file.squares_reach_a_floor.function()
    assert shown["best parabola"] == pytest.approx(left * math.sqrt(2), abs=1e-3)


# --- data, networks, measures ---


def test_the_wave_and_its_parts():
    x, y = lab_file.wave()
    found = lab_file.parts(y, None, torch.Generator())
    inside, beyond = x[found["train"], 0], x[found["beyond"], 0]
    assert (inside.min(), inside.max()) == (-1, 1)
    assert (beyond.min(), beyond.max()) == (1 + 1 / 1024, 1.5)
    assert y[found["train"]].square().mean().item() == pytest.approx(0.5, abs=1e-3)


def network_of(comparison):
    return build(lab, make_members(lab, [3], {}, (comparison,))[0])


def inner_error(model):
    x, y = lab_file.wave()
    batch = SimpleNamespace(inputs=x[:2049], targets=y[:2049])
    squares = lab_file.evaluate(model, batch, None, {})["squares"]
    return lab_file.share(squares.mean().item())


def test_the_solution_is_in_the_network_before_training():
    assert inner_error(network_of("solved")) < -2.7
    assert inner_error(network_of("relu")) > -0.3


def test_wider_first_weights_are_the_same_ones_scaled():
    near, far = network_of("tanh"), network_of("tanh_spread")
    assert torch.equal(near[0].weight * 8, far[0].weight)
    assert torch.equal(near[0].bias * 8, far[0].bias)
    assert torch.equal(near[2].weight, far[2].weight)


def test_share_of_the_wave():
    assert lab_file.share(0.5) == pytest.approx(0)
    assert lab_file.share(0.005) == pytest.approx(-1)


# --- the picture ---


def test_picture_of_a_finished_run_and_of_none():
    members = [
        SimpleNamespace(
            comparison=name,
            settings={"width": 64},
            curves={"train_squares": [0.1]},
            snapshots=[{"says": [0.0] * 151}] if seed == 0 else [],
        )
        for name in lab.compare
        for seed in range(2)
    ]
    bare = [SimpleNamespace(comparison="relu", settings={"width": 64}, curves={}, snapshots=[])]
    for given in (members, bare, []):
        figure = Figure(figsize=(8, 5))
        canvas = FigureCanvasAgg(figure)
        lab.picture(SimpleNamespace(members=given), figure)
        canvas.draw()

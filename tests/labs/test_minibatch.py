"""The minibatch lab: its exhibits pass, mistakes make them fail, training meets closed forms."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.linear_model import LinearRegression

from pilotlight.core.event import Measured
from pilotlight.engine.plan import build, make, make_members
from pilotlight.engine.run import run
from pilotlight.labs.catalogue import load
from pilotlight.labs.foundations import minibatch

lab = load("minibatch")


def curves(comparison, seeds, changes=None, dtype="float64"):
    """The excess of each seed at each epoch: [seeds, epochs + 1]."""
    plan, material = make(lab, make_members(lab, seeds, changes or {}, (comparison,)), "cpu", dtype)
    events = run(replace(lab, exhibits=()), plan, material)
    found = [e for e in events if isinstance(e, Measured) and not e.final]
    return np.array([e.values["train_excess"] for e in found]).T


# --- exhibits, and mistakes that they must see ---


def test_exhibits_pass(failing):
    assert failing() == set()


def unweighted_mean_of_pass(gradients, batch):
    parts = [gradients[i : i + batch].mean(0) for i in range(0, len(gradients), batch)]
    return np.mean(parts, 0)


def textbook_floor(rate, curvature, spread, rows, anew):
    return rate * spread / (curvature * (2 - rate * curvature))


def first_order_floor(rate, curvature, spread, rows, anew, right=minibatch.stationary):
    floor = right(rate, curvature, spread, rows, anew)
    return rate * spread / (2 * curvature) if anew else floor


MISTAKES = {
    "a short last batch counts as much as a whole one": (
        "mean_of_pass",
        unweighted_mean_of_pass,
        {"every_minibatch"},
    ),
    "no factor for a table that ends": (
        "noise_of",
        lambda batch, rows, anew: 1 / batch,
        {"every_minibatch"},
    ),
    "N instead of N - 1 in that factor": (
        "noise_of",
        lambda batch, rows, anew: 1 / batch if anew else (rows - batch) / rows / batch,
        {"every_minibatch"},
    ),
    "the textbook's floor for shuffled passes": ("stationary", textbook_floor, {"noise_floor"}),
    "not a number": ("noise_of", lambda batch, rows, anew: math.nan, {"every_minibatch"}),
    "a floor for tiny rates only": ("stationary", first_order_floor, {"noise_floor"}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_fails_the_exhibit_that_can_see_it(mistake, monkeypatch, failing):
    name, wrong, seen_by = MISTAKES[mistake]
    monkeypatch.setattr(minibatch, name, wrong)
    assert failing() == seen_by


def test_noise_by_hand():
    _, shown = minibatch.every_minibatch.function()
    assert shown["3 of 6 rows, none twice"] == pytest.approx(1 / 3 * 3 / 5)
    assert shown["6 of 6 rows, none twice"] == pytest.approx(0, abs=1e-15)
    assert shown["3 of 6 rows, drawn anew"] == pytest.approx(1 / 3)


def test_floors_by_hand_linear_and_cubed():
    _, shown = minibatch.noise_floor.function()
    assert shown["rate 0.5, drawn anew"] == pytest.approx(0.5 * 3.2 / (0.8 * 1.6))
    ratios = {
        kind: shown[f"rate 0.02, {kind}"] / shown[f"rate 0.01, {kind}"]
        for kind in ("drawn anew", "shuffled")
    }
    assert ratios["drawn anew"] == pytest.approx(2, rel=0.01)
    assert ratios["shuffled"] == pytest.approx(8, rel=0.02)


# --- the data and what is measured ---


def test_targets_are_the_plane_and_its_residuals():
    x, y = (t.double().numpy() for t in minibatch.patients())
    assert x.shape == (442, 7)
    fit = LinearRegression().fit(x, y.sum(1))
    assert y[:, 0] == pytest.approx(fit.predict(x), abs=1e-5)
    assert x.T @ y[:, 1] == pytest.approx(0, abs=1e-3)
    assert y.sum(1).std() == pytest.approx(1, abs=1e-6)


def test_excess_is_the_error_above_its_minimum():
    model = torch.nn.Linear(7, 1).double()
    x, y = (t.double() for t in minibatch.patients())
    batch = SimpleNamespace(inputs=x, targets=y)
    excess = minibatch.evaluate(model, batch, None, {})["excess"].mean().item()
    error = (model(x).squeeze(1) - y.sum(1)).square().mean().item()
    assert excess == pytest.approx(error - y[:, 1].square().mean().item(), abs=1e-6)


SMALL = {"epoch": [0, 1, 2, 3], "step": [0, 13, 26, 39], "train_excess": [1, 1e-1, 1e-2, 1e-3]}
WHOLE = {
    "epoch": [*range(15)],
    "step": [*range(15)],
    "train_excess": [10.0**-n for n in range(15)],
}


def test_rows_read_and_steps_made_are_not_confused():
    assert minibatch.when("epoch", 3)(SMALL) == pytest.approx(-3)
    assert minibatch.when("epoch", 3)(WHOLE) == pytest.approx(-3)
    assert minibatch.when("step", 13)(SMALL) == pytest.approx(-1)
    assert minibatch.when("step", 13)(WHOLE) == pytest.approx(-13)


def test_what_was_never_reached_is_none():
    assert minibatch.when("step", 12)(SMALL) is None


def test_floor_is_the_mean_of_the_last_third():
    excess = [1.0] * 20 + [0.01, 0.03] * 5
    assert minibatch.floor({"train_excess": excess}) == pytest.approx(math.log10(0.02))


# --- training against closed forms ---


def moments():
    """Curvature of the mean squared error, with a constant column: rows [442, 8], H [8, 8]."""
    x, y = (t.double().numpy() for t in minibatch.patients())
    rows = np.hstack([x, np.ones((442, 1))])
    return rows, y, 2 * rows.T @ rows / 442


def test_the_whole_table_follows_the_closed_form():
    rows, y, curvature = moments()
    member = make_members(lab, [3], {}, ("whole_table",))[0]
    start = build(lab, member).double()
    weights = torch.cat([start.weight[0], start.bias]).detach().numpy()
    values, vectors = np.linalg.eigh(curvature)
    best = np.linalg.lstsq(rows, y[:, 0], rcond=None)[0]
    ahead = vectors.T @ (weights - best)
    left = (1 - 0.31 * values) ** np.arange(61)[:, None] * ahead
    expected = (left**2 * values / 2).sum(1)
    found = curves("whole_table", [3])[0]
    assert found[:20] == pytest.approx(expected[:20], rel=1e-4)


def test_batches_drawn_anew_stay_at_the_exact_floor():
    rows, y, curvature = moments()
    rate, batch, eye = 0.05, 34, np.eye(8)
    each = 2 * np.einsum("ri,rj->rij", rows, rows)
    single = np.mean([np.kron(eye - rate * h, eye - rate * h) for h in each], 0)
    mean = np.kron(eye - rate * curvature, eye - rate * curvature)
    noise = 2 * rows * y[:, 1:]
    drive = rate**2 / batch * noise.T @ noise / len(rows)
    step = single / batch + mean * (1 - 1 / batch)
    spread = np.linalg.solve(np.eye(64) - step, drive.ravel()).reshape(8, 8)
    floor = np.trace(curvature @ spread) / 2
    found = curves("anew", range(20), dtype="float32")[:, -40:].mean()
    assert found == pytest.approx(floor, rel=0.1)


def test_where_a_plane_fits_every_row_the_noise_ends():
    assert (curves("exact", range(2))[:, -1] < 1e-9).all()


def test_too_long_steps_run_away():
    grown = curves("minibatch", range(3), {"rate": 0.4, "epochs": 3})
    assert (grown[:, -1] > 100).all()


# --- the picture ---


def drawn(members):
    figure = Figure(figsize=(8, 5))
    canvas = FigureCanvasAgg(figure)
    lab.picture(SimpleNamespace(members=members), figure)
    canvas.draw()
    return figure


def test_picture_of_a_finished_run_and_of_none():
    members = [
        SimpleNamespace(
            comparison=name,
            settings={"batch": 34, "rate": 0.0125 * 2**i},
            curves={"epoch": [0, 1, 2, 3], "train_excess": [1, 0.1, 0.01, 0.001]},
        )
        for i, name in enumerate(("quarter_rate", "half_rate", "minibatch"))
    ]
    way, floors = drawn(members).axes
    assert [t.get_text() for t in way.texts] == ["batch 34"]
    assert [t.get_text() for t in floors.get_xticklabels()] == ["0.0125", "0.025", "0.05"]
    assert len(drawn([]).axes[0].lines) == 0


def test_picture_goes_on_where_a_network_diverged():
    members = [
        SimpleNamespace(
            comparison="minibatch",
            settings={"batch": 34, "rate": 0.4},
            curves={"epoch": [*range(n)], "train_excess": [0.1] * n},
        )
        for n in (6, 4)
    ]
    assert len(drawn(members).axes[0].lines) == 3

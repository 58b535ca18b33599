"""What reports promise, over many data sets with a known truth. Slow."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from small_fits import fit, question_of

from pilotlight.data.files import from_arrays
from pilotlight.data.neurons import best_accuracy, neurons
from pilotlight.engine.run import train_cohort
from pilotlight.fitting import study as studies
from pilotlight.fitting.baselines import baselines
from pilotlight.fitting.candidates import draw as draw_candidates
from pilotlight.fitting.choose import Choice
from pilotlight.fitting.folds import make_folds
from pilotlight.fitting.heldout import trained
from pilotlight.fitting.layout import refit, search
from pilotlight.fitting.networks import usual
from pilotlight.fitting.score import estimate, losses, reference

DATA_SETS = 200
FRESH = 20_000


def draw(rng, rows, animals=0):
    """Features, a linear target with noise, and with animals an own shift of each."""
    x = rng.normal(size=(rows, 4))
    y = x @ [1.0, -0.5, 0.2, 0.0] + rng.normal(size=rows)
    if animals:
        group = rng.integers(0, animals, rows)
        y += rng.normal(size=animals)[group]
        return x, y, group
    return x, y, None


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["numbers", "classes", "animals"])
def test_95_percent_intervals_hold_the_true_score_of_the_folds_models(kind):
    """Plain models stand for networks here, as thousands are needed; the intervals are the same.

    The truth is what the interval claims: the mean true score of the models that the folds
    trained, on fresh rows (with animals, on fresh animals).
    """
    held = 0
    for number in range(DATA_SETS):
        rng = np.random.default_rng(number)
        x, y, group = draw(rng, 150 if kind != "animals" else 300, 15 * (kind == "animals"))
        new_x, new_y, _ = draw(rng, FRESH, 5000 * (kind == "animals"))
        if kind == "classes":
            y, new_y = np.where(y > 0, "a", "b"), np.where(new_y > 0, "a", "b")
        data = {"X": x, "y": y} | ({"animal": group} if group is not None else {})
        question = question_of(data, group="animal" if group is not None else None)
        folds = make_folds(question, 5, 2)
        base = reference(question, folds.outer)
        classes = question.task == "classification"
        loss = np.empty(len(y))
        lost = known = 0.0
        for fold in folds.outer:
            model = LogisticRegression() if classes else Ridge()
            model.fit(x[fold.train], question.y[fold.train])
            say = model.predict_proba if classes else model.predict
            loss[fold.test] = losses(question.task, question.y[fold.test], say(x[fold.test]))
            truth = (new_y == "b").astype(float) if classes else new_y
            weight = len(fold.test) / FRESH
            lost += weight * losses(question.task, truth, say(new_x)).sum()
            mean = question.y[fold.train].mean()
            known += weight * (FRESH if classes else ((new_y - mean) ** 2).sum())
        low, high = estimate(question.task, loss, base, folds.units).interval
        held += low <= 1 - lost / known <= high
    assert held / DATA_SETS >= 0.93


def networks_of(question, folds):
    """The five folds' networks, in the settings that come first, trained together."""
    chosen = studies.Study(
        question, folds, usual(trials=False), draw_candidates(usual(False), 1), 1
    )
    choices = [Choice(place.index, "mlp", 0, 10, 1.0) for place in chosen.places]
    layout = refit(chosen, choices, search(chosen))
    weights = {}
    for cohort in layout.cohorts:
        for event in train_cohort(
            layout.lab(), layout.plan(cohort), cohort.index, layout.material(cohort)
        ):
            weights |= getattr(event, "weights", {})
    found = trained(layout, weights).values()
    return {int(m.settings.place): n for m, n in found if not m.settings.share}


def holds(kind, number):
    """Whether the interval of one simulated data set holds the networks' true score."""
    rng = np.random.default_rng(number)
    animals = kind == "animals"
    x, y, group = draw(rng, 300 if animals else 150, 15 * animals)
    new_x, new_y, _ = draw(rng, FRESH, 5000 * animals)
    if kind == "classes":
        y, new_y = np.where(y > 0, "a", "b"), np.where(new_y > 0, "a", "b")
    data = {"X": x, "y": y} | ({"animal": group} if animals else {})
    question = question_of(data, group="animal" if animals else None)
    classes = question.task == "classification"
    folds = make_folds(question, 5, 2)
    networks = networks_of(question, folds)
    truth = (new_y == "b").astype(float) if classes else new_y
    loss = np.empty(len(y))
    lost = known = 0.0
    for place, fold in enumerate(folds.outer):
        say = networks[place].predict
        loss[fold.test] = losses(question.task, question.y[fold.test], say(x[fold.test]))
        weight = len(fold.test) / FRESH
        lost += weight * losses(question.task, truth, say(new_x)).sum()
        mean = question.y[fold.train].mean()
        known += weight * (FRESH if classes else ((new_y - mean) ** 2).sum())
    low, high = estimate(
        question.task, loss, reference(question, folds.outer), folds.units
    ).interval
    return low <= 1 - lost / known <= high


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["numbers", "classes", "animals"])
def test_95_percent_intervals_hold_the_true_score_of_the_folds_networks(kind, monkeypatch):
    """The same with networks: one configuration, ten epochs, so that 200 times five can train."""
    monkeypatch.setattr(studies, "SHARES", ())
    held = sum(holds(kind, number) for number in range(DATA_SETS))
    assert held / DATA_SETS >= 0.93


@pytest.mark.slow
def test_permuted_labels_give_chance_on_average(tmp_path, monkeypatch):
    """The network's accuracy over twelve permutations: chance, within its error."""
    monkeypatch.setattr(studies, "STEPS", 150)
    monkeypatch.setattr(studies, "baselines", lambda task, neural: baselines(task, neural)[:2])
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 5))
    scores = []
    for number in range(12):
        y = rng.permutation(np.repeat(["a", "b", "c"], 40))
        found = fit(tmp_path / str(number), {"X": x, "y": y}).result
        scores.append(found["score"])
    error = np.sqrt(2 / 9 / 120 / 12)
    assert abs(np.mean(scores) - 1 / 3) < 3 * error


@pytest.mark.slow
def test_the_neural_data_set_is_read_no_better_than_its_truth_allows(tmp_path):
    drawn = neurons()
    arrays = drawn.arrays()
    examples = from_arrays("neurons", {n: arrays[n] for n in ("X", "direction", "animal")})
    found = fit(tmp_path / "run", examples, target="direction", group="animal", folds=4).result
    assert found["interval"][0] < best_accuracy(drawn)
    assert found["interval"][0] > 0.25  # chance
    assert found["units"] == 8


@pytest.mark.slow
def test_the_speed_of_the_neural_data_set_fools_shuffled_folds_only(tmp_path):
    arrays = neurons().arrays()
    examples = from_arrays("neurons", {n: arrays[n] for n in ("X", "speed")})
    shuffled = fit(tmp_path / "a", examples, target="speed").result
    in_time = fit(tmp_path / "b", examples, target="speed", in_time=True).result
    assert shuffled["score"] > 0.3
    assert "slow-drift" in {n["code"] for n in shuffled["warnings"]}
    assert in_time["score"] <= 0

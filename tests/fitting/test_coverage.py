"""Intervals hold the truth as often as the report says, over many data sets. Slow.

The truth is what an interval claims: the mean true score of the models that the folds trained, on
fresh rows (with animals, on fresh animals).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from small_fits import question_of

from pilotlight.engine.run import train_cohort
from pilotlight.fitting import study as studies
from pilotlight.fitting.candidates import draw as draw_candidates
from pilotlight.fitting.choose import Choice
from pilotlight.fitting.folds import make_folds
from pilotlight.fitting.heldout import trained
from pilotlight.fitting.layout import refit, search
from pilotlight.fitting.networks import usual
from pilotlight.fitting.score import Estimate, covers, estimate, losses, reference

DATA_SETS = 200
FRESH = 20_000


@dataclass(frozen=True)
class Kind:
    """Rows of a table, in animals or not, with a target of one kind."""

    task: str
    rows: int = 150
    animals: int = 0


PROMISED = {"regression": Kind("regression"), "classification": Kind("classification")}
NOT_PROMISED = {
    "counts": (Kind("counts"), 0.88),
    "regression, 30 animals": (Kind("regression", 300, 30), 0.88),
    "classification, 30 animals": (Kind("classification", 300, 30), 0.88),
    "regression, 8 animals": (Kind("regression", 300, 8), 0.85),
    "classification, 8 animals": (Kind("classification", 300, 8), 0.85),
}
"""Where the report says so, and the share below which what it says of that would be wrong."""


def draw(rng, kind, rows, animals):
    """Features, a target that depends on them, and with animals an own shift of each."""
    x = rng.normal(size=(rows, 4))
    signal = x @ [1.0, -0.5, 0.2, 0.0]
    group = rng.integers(0, animals, rows) if animals else np.arange(rows)
    if animals:
        signal += rng.normal(size=animals)[group]
    if kind.task == "counts":
        return x, rng.poisson(np.exp(0.5 * signal)).astype(float), group
    y = signal + rng.normal(size=rows)
    return x, (y > 0).astype(float) if kind.task == "classification" else y, group


def question_about(kind, x, y, group):
    data = {"X": x, "y": np.array(["no", "yes"])[y.astype(int)] if _classes(kind) else y}
    if not kind.animals:
        return question_of(data, task=kind.task)
    return question_of(data | {"animal": group}, task=kind.task, group="animal")


def _classes(kind):
    return kind.task == "classification"


PLAIN = {
    "regression": Ridge,
    "classification": LogisticRegression,
    "counts": lambda: PoissonRegressor(alpha=0.01),
}


def plain_models(question, folds):
    """A model of scikit-learn for each fold."""
    found = []
    for fold in folds.outer:
        model = PLAIN[question.task]().fit(question.x[fold.train], question.y[fold.train])
        found.append(model.predict_proba if question.task == "classification" else model.predict)
    return found


def networks(question, folds):
    """The folds' networks in the settings that come first: ten epochs, the mean of three seeds."""
    kinds = usual(trials=False)
    study = studies.Study(question, folds, kinds, draw_candidates(kinds, 1))
    study.__dict__.update(shares=(), places=study.places[:-1])  # neither curve nor last fit
    choices = [Choice(place.index, "mlp", 0, 10, 1.0) for place in study.places]
    layout = refit(study, choices, search(study))
    weights = {}
    for cohort in layout.cohorts:
        plan, material = layout.plan(cohort), layout.material(cohort)
        for event in train_cohort(layout.lab(), plan, cohort.index, material):
            weights |= getattr(event, "weights", {})
    found = trained(layout, weights).values()
    return [
        lambda x, own=[n for m, n in found if m.settings.place == place]: np.mean(
            [network.predict(x) for network in own], axis=0
        )
        for place in range(len(folds.outer))
    ]


class DataSet:
    """One data set, its folds, and as many fresh rows as tell what is true."""

    def __init__(self, kind, number):
        rng = np.random.default_rng(number)
        self.kind = kind
        self.x, self.y, group = draw(rng, kind, kind.rows, kind.animals)
        self.new_x, self.new_y, _ = draw(rng, kind, FRESH, 5000 * bool(kind.animals))
        self.question = question_about(kind, self.x, self.y, group)
        self.folds = make_folds(self.question, 5, 2)
        self.base = reference(self.question, self.folds.outer)

    def losses(self, predicts):
        """Of held-out rows, and what their sum would be if it were the true one."""
        loss, true = np.empty(len(self.y)), 0.0
        for fold, predict in zip(self.folds.outer, predicts, strict=True):
            loss[fold.test] = losses(self.kind.task, self.y[fold.test], predict(self.x[fold.test]))
            fresh = losses(self.kind.task, self.new_y, predict(self.new_x))
            true += len(fold.test) * fresh.mean()
        return loss, true

    def true_base(self):
        if _classes(self.kind):
            return float(len(self.y))
        means = [self.y[fold.train].mean() for fold in self.folds.outer]
        return self.losses([lambda x, m=m: np.full(len(x), m) for m in means])[1]


def inside(kind, number, models):
    """Whether the interval of a score holds what is true."""
    data = DataSet(kind, number)
    own, true = data.losses(models(data.question, data.folds))
    low, high = estimate(kind.task, own, data.base, data.folds.units).interval
    return low <= 1 - true / data.true_base() <= high


def held(kind, models):
    """The share of data sets whose interval holds what is true."""
    return np.mean([inside(kind, number, models) for number in range(DATA_SETS)])


LEARNERS = pytest.mark.parametrize("models", [plain_models, networks])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@LEARNERS
@pytest.mark.parametrize("kind", PROMISED)
def test_95_percent_intervals_hold_the_true_score(kind, models):
    assert held(PROMISED[kind], models) >= 0.93


@pytest.mark.slow
@pytest.mark.timeout(1800)
@LEARNERS
@pytest.mark.parametrize("kind", NOT_PROMISED)
def test_where_that_is_not_promised_they_hold_it_as_often_as_the_report_says(kind, models):
    kind, said = NOT_PROMISED[kind]
    assert held(kind, models) >= said


@pytest.mark.parametrize("kind", [*PROMISED, *NOT_PROMISED])
def test_the_report_says_where_no_method_can_promise_it(kind):
    kind, _ = NOT_PROMISED.get(kind, (PROMISED.get(kind), None))
    rng = np.random.default_rng(0)
    question = question_about(kind, *draw(rng, kind, kind.rows, kind.animals))
    said = covers(question, "animal" if kind.animals else "rows", Estimate(0.5, (0.4, 0.6), 9))
    assert ("no method can promise 95 %" in said) == (kind not in PROMISED.values())

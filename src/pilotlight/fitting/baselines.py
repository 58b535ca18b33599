"""Simple baselines, on the same folds as the network: what it must beat to be worth it.

Each chooses its one or two settings on the inner folds, as the network does.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from pilotlight.data.columns import Array
from pilotlight.fitting.prepare import flat_preparation, plain_preparation, preparation
from pilotlight.fitting.question import Question, Rows, Task
from pilotlight.fitting.score import LEAST_RATE, deviance
from pilotlight.fitting.split import Fold

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Baseline:
    """A model of scikit-learn: what prepares its features, how it is made, what it may choose."""

    name: str
    prepare: Callable[[Question], Pipeline]
    make: Callable[[Settings], Any]
    grid: Sequence[Settings] = ({},)
    about: str = ""
    one_target: bool = False  # of several targets, each gets a model of its own


def baselines(task: Task, neural: bool = False) -> tuple[Baseline, ...]:
    """The simple models of a task. For trials, ridge on all steps is the Wiener filter."""
    trees = [{"max_leaf_nodes": 31}, {"max_leaf_nodes": 6}]
    near = [{"n_neighbors": k} for k in (1, 5, 15)]
    weak = [{"alpha": a} for a in (0.1, 1.0, 10.0, 100.0, 1000.0)]
    if task == "classification":
        return (
            Baseline("majority", preparation, lambda s: DummyClassifier(strategy="prior")),
            Baseline(
                "logistic",
                preparation,
                lambda s: LogisticRegression(max_iter=300, tol=1e-3, **s),
                [{"C": c} for c in (0.01, 0.1, 1.0, 10.0)],
                "logistic regression with an L2 penalty",
            ),
            Baseline("nearest", flat_preparation, lambda s: KNeighborsClassifier(**s), near),
            Baseline("boosting", plain_preparation, _boosted_classes, trees),
        )
    if task == "counts":
        return (
            Baseline("mean", preparation, lambda s: DummyRegressor()),
            Baseline(
                "poisson",
                preparation,
                lambda s: PoissonRegressor(max_iter=300, **s),
                [{"alpha": a} for a in (1e-4, 1e-2, 1.0)],
                "Poisson regression (GLM, log link) with an L2 penalty",
                one_target=True,
            ),
            Baseline("nearest", flat_preparation, lambda s: KNeighborsRegressor(**s), near),
            Baseline("boosting", plain_preparation, _boosted_counts, trees, one_target=True),
        )
    linear = "ridge regression on all steps: the Wiener filter" if neural else "ridge regression"
    return (
        Baseline("mean", preparation, lambda s: DummyRegressor()),
        Baseline("ridge", preparation, lambda s: Ridge(**s), weak, linear),
        Baseline("nearest", flat_preparation, lambda s: KNeighborsRegressor(**s), near),
        Baseline("boosting", plain_preparation, _boosted_numbers, trees, one_target=True),
    )


def _boosted_classes(settings: Settings) -> Any:
    return HistGradientBoostingClassifier(early_stopping=False, random_state=0, **settings)


def _boosted_numbers(settings: Settings) -> Any:
    return HistGradientBoostingRegressor(early_stopping=False, random_state=0, **settings)


def _boosted_counts(settings: Settings) -> Any:
    return HistGradientBoostingRegressor(
        loss="poisson", early_stopping=False, random_state=0, **settings
    )


def fit_predict(
    question: Question, baseline: Baseline, fold: Fold, inner: Sequence[Fold]
) -> tuple[Array, Settings]:
    """Choose on the inner folds, fit on the training rows, predict the test rows.

    Returns [test rows, classes], or numbers or rates for each test row; and what was chosen. Each
    of several class targets has a model of its own, which chooses for itself.
    """
    if len(question.heads) > 1:
        each = {
            name: fit_predict(question.alone(k), baseline, fold, inner)
            for k, name in enumerate(question.targets)
        }
        found = np.concatenate([predicted for predicted, _ in each.values()], axis=1)
        return found, {name: chosen for name, (_, chosen) in each.items()}
    with threadpool_limits(1), warnings.catch_warnings():
        # Whether a penalized regression is quite at its end does not matter here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        chosen = _chosen(question, baseline, inner)
        return _predict(question, baseline, chosen, fold.train, fold.test), chosen


def _chosen(question: Question, baseline: Baseline, inner: Sequence[Fold]) -> Settings:
    if len(baseline.grid) == 1:
        return baseline.grid[0]
    totals = [0.0] * len(baseline.grid)
    for fold in inner:
        prepared = _Prepared(question, baseline, fold.train, fold.test)
        for i, settings in enumerate(baseline.grid):
            found = prepared.predict(settings)
            totals[i] += float(validation(question.task, question.y[fold.test], found).sum())
    return baseline.grid[int(np.argmin(totals))]


def _predict(
    question: Question, baseline: Baseline, settings: Settings, train: Rows, test: Rows
) -> Array:
    return _Prepared(question, baseline, train, test).predict(settings)


class _Prepared:
    """The features of one fold, prepared once for all settings; fitted on its training rows."""

    def __init__(self, question: Question, baseline: Baseline, train: Rows, test: Rows) -> None:
        self._question = question
        self._baseline = baseline
        self._y = question.y[train]
        pipeline = baseline.prepare(question)
        self._train = pipeline.fit_transform(question.x[train], self._y)
        self._test = pipeline.transform(question.x[test])

    def predict(self, settings: Settings) -> Array:
        """Probabilities of all classes, or numbers, or rates."""
        if "n_neighbors" in settings:
            settings = {"n_neighbors": min(settings["n_neighbors"], len(self._y))}
        question = self._question
        one_class = question.task == "classification" and len(np.unique(self._y)) == 1
        model = DummyClassifier() if one_class else self._baseline.make(settings)
        if question.task == "counts" and not self._y.sum(0).all():
            model = DummyRegressor()  # nothing was counted there, and a logarithm has no end
        elif self._y.ndim == 2 and self._baseline.one_target:
            model = MultiOutputRegressor(model)
        model.fit(self._train, self._y)
        if question.task != "classification":
            return np.asarray(model.predict(self._test), np.float64)
        found = np.zeros((len(self._test), question.outputs))
        found[:, model.classes_.astype(int)] = model.predict_proba(self._test)
        return found


def validation(task: Task, y: Array, predicted: Array) -> Array:
    """What settings are chosen by, for each row: cross-entropy, squared error, Poisson deviance.

    Of several targets the mean, each held against its own spread.
    """
    if predicted.ndim == 2 and task != "classification":
        columns = zip(y.T, predicted.T, strict=True)
        spread = y.var(0) if task == "regression" else y.mean(0)
        each = np.stack([validation(task, a, p) for a, p in columns], axis=1)
        return np.asarray((each / np.where(spread > 0, spread, 1.0)).mean(1))
    if task == "classification":
        own = predicted[np.arange(len(y)), y.astype(int)]
        return np.asarray(-np.log(np.maximum(own, 1e-6)))
    if task == "regression":
        return np.asarray((y - predicted) ** 2)
    return deviance(y, np.maximum(predicted, LEAST_RATE))

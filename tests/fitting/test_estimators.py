"""The estimators pass scikit-learn's own checks and sit where its own do."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from pilotlight.fitting.estimators import PilotlightClassifier, PilotlightRegressor

SHORT = {"epochs": 30, "width": 16}
CHECKS = [
    pytest.param(estimator, check, id=f"{type(estimator).__name__}-{check.func.__name__}")
    for made in (PilotlightClassifier(), PilotlightRegressor())
    for estimator, check in estimator_checks_generator(made)
]


@pytest.mark.slow
@pytest.mark.parametrize(("estimator", "check"), CHECKS)
@pytest.mark.filterwarnings("default")
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_they_are_as_accurate_as_a_linear_model_at_least():
    x, y = load_breast_cancer(return_X_y=True)
    assert cross_val_score(PilotlightClassifier(random_state=0, **SHORT), x, y, cv=3).mean() > 0.95
    x, y = load_diabetes(return_X_y=True)
    assert cross_val_score(PilotlightRegressor(random_state=0, epochs=10), x, y, cv=3).mean() > 0.4


def test_in_a_pipeline_and_a_grid_search():
    x, y = load_breast_cancer(return_X_y=True)
    names = np.array(["bad", "good"])[y]
    model = make_pipeline(StandardScaler(), PilotlightClassifier(random_state=0, epochs=5))
    grid = {"pilotlightclassifier__rate": [1e-5, 1e-2]}
    search = GridSearchCV(model, grid, cv=2).fit(x, names)
    assert search.best_params_ == {"pilotlightclassifier__rate": 1e-2}
    assert set(search.predict(x[:9])) <= {"bad", "good"}


def test_the_same_state_gives_the_same_network():
    x, y = load_diabetes(return_X_y=True)
    model = PilotlightRegressor(random_state=3, **SHORT)
    np.testing.assert_array_equal(model.fit(x, y).predict(x), clone(model).fit(x, y).predict(x))

"""A recipe gives what scikit-learn's fitted pipeline gives."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pilotlight.data.columns import column_of
from pilotlight.data.files import Examples, read
from pilotlight.fitting.ask import ask
from pilotlight.fitting.prepare import preparation
from pilotlight.fitting.question import Asked
from pilotlight.fitting.recipe import apply, recipe_of


def many_categories() -> Examples:
    rng = np.random.default_rng(0)
    names = np.array([f"site {i}" for i in range(60)])[rng.integers(0, 60, 300)]
    weight = rng.normal(size=300)
    weight[::7] = np.nan
    columns = [column_of("site", names), column_of("weight", weight)]
    columns.append(column_of("y", rng.normal(size=300)))
    return Examples("sites", tuple(columns))


@pytest.mark.parametrize(
    ("examples", "target"),
    [(read("penguins"), "species"), (read("mpg"), "mpg"), (many_categories(), "y")],
)
def test_a_recipe_survives_json_and_does_what_the_pipeline_does(examples, target):
    question = ask(examples, Asked(target))
    train = np.arange(0, len(question.y), 2)
    fitted = preparation(question).fit(question.x[train], question.y[train])
    recipe = json.loads(json.dumps(recipe_of(fitted, question), allow_nan=False))
    expected = fitted.transform(question.x)  # half of the rows are new, with unseen categories
    np.testing.assert_allclose(apply(recipe, question.x), expected, atol=1e-12)


@pytest.mark.parametrize("rows", [20, 60, 200])
@pytest.mark.parametrize("embedded", [(), (7,), (6, 7)])
def test_where_all_or_some_categories_are_rare(rows, embedded):
    """Few training rows of mpg: each name occurs once or twice there."""
    question = ask(read("mpg"), Asked("mpg"))
    fitted = preparation(question, embedded).fit(question.x[:rows], question.y[:rows])
    recipe = json.loads(json.dumps(recipe_of(fitted, question), allow_nan=False))
    np.testing.assert_allclose(apply(recipe, question.x), fitted.transform(question.x), atol=1e-12)


@pytest.mark.parametrize("padded", [False, True])
def test_a_recipe_of_trials(padded):
    rng = np.random.default_rng(0)
    trials = rng.normal(3, 2, (20, 6, 4))
    trials[3, 2, 1] = np.nan
    if padded:
        trials[5, 4:] = np.nan
    y = column_of("y", rng.normal(size=20))
    question = ask(Examples("trials", (y,), trials), Asked("y"))
    assert question.padded is padded
    fitted = preparation(question).fit(question.x[:10])
    found = apply(json.loads(json.dumps(recipe_of(fitted, question))), question.x)
    np.testing.assert_allclose(found, fitted.transform(question.x), atol=1e-12)
    assert found.shape == (20, 6 * (4 + padded))

"""Categories as embeddings: indices learnt in the fold, and a network that reads them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from small_fits import fit, study_of

from pilotlight.app.predicting import predict_examples
from pilotlight.core.settings import Settings
from pilotlight.data.columns import column_of
from pilotlight.data.files import Examples
from pilotlight.fitting import study as studies
from pilotlight.fitting.ask import ask
from pilotlight.fitting.networks import Coded, inputs_from, own_networks, plain_inputs, usual
from pilotlight.fitting.prepare import coded, preparation
from pilotlight.fitting.question import Asked
from pilotlight.fitting.recipe import apply, recipe_of
from pilotlight.fitting.tables import seen_of, table

RNG = np.random.default_rng(0)
SITES = 12
EFFECT = RNG.normal(0, 2, SITES)


def examples(rows=300, missing=False):
    """A number, and a site of twelve whose effect on y is its own."""
    site = RNG.integers(0, SITES, rows)
    x = RNG.normal(size=rows)
    names = np.array([f"site {i:02d}" for i in site], dtype=object)
    if missing:
        names[::9] = None
    y = EFFECT[site] + 0.3 * x + 0.1 * RNG.normal(size=rows)
    columns = [column_of("x", x), column_of("site", names), column_of("y", y)]
    return Examples("sites", tuple(columns))


def test_codes_are_places_among_the_known_and_0_for_all_others():
    known = np.array([2.0, 5.0, np.nan])
    found = coded(np.array([5.0, 2.0, 3.0, np.nan, 9.0, 0.0]), known)
    assert found.tolist() == [2, 1, 0, 3, 0, 0]
    assert coded(np.array([1.0, np.nan]), np.array([])).tolist() == [0, 0]
    assert coded(np.array([np.nan, 7.0]), np.array([2.0])).tolist() == [0, 0]


@pytest.mark.parametrize("missing", [False, True])
def test_a_recipe_with_codes_survives_json_and_does_what_the_pipeline_does(missing):
    question = ask(examples(missing=missing), Asked("y"))
    train = np.arange(0, len(question.y), 2)
    fitted = preparation(question, (1,)).fit(question.x[train], question.y[train])
    recipe = json.loads(json.dumps(recipe_of(fitted, question), allow_nan=False))
    np.testing.assert_allclose(apply(recipe, question.x), fitted.transform(question.x))
    codes = apply(recipe, question.x)[:, -1]
    assert codes.max() == SITES + missing
    assert (codes >= 1).all()


def test_what_the_training_rows_do_not_hold_is_0():
    question = ask(examples(), Asked("y"))
    site = question.x[:, 1]
    train = np.flatnonzero(site != 4)
    made = table(question, train, np.flatnonzero(site == 4), (1,))
    assert not made.inputs[made.trained :, -1].any()
    assert (made.inputs[: made.trained, -1] > 0).all()
    assert seen_of(question, (1,)) == Coded(1, (SITES + 1,))


def test_a_rare_category_shares_the_place_of_those_not_seen():
    data = examples()
    values = data.columns[1].values.copy()
    rare = np.flatnonzero(values == 3)[2:]
    values[rare] = 5.0  # two rows of category 3 are left
    column = data.columns[1].__class__("site", "category", values, data.columns[1].categories)
    question = ask(Examples("sites", (data.columns[0], column, data.columns[2])), Asked("y"))
    made = table(question, np.arange(len(question.y)), None, (1,))
    assert not made.inputs[question.x[:, 1] == 3, -1].any()


def test_the_network_looks_up_each_row_and_starts_the_unknown_at_nothing():
    (network,) = usual(trials=False)
    model = network.make(Coded(2, (5, 3)), 4, Settings({"width": 8, "depth": 2}))
    rows = torch.tensor([[0.1, 0.2, 4.0, 1.0], [0.1, 0.2, 0.0, 0.0]])
    assert model(rows).shape == (2, 4)
    looked_up = torch.cat(
        [rows[:1, :2], model.tables[0].weight[4:], model.tables[1].weight[1:2]], 1
    )
    torch.testing.assert_close(model(rows)[:1], model.layers(looked_up))
    assert not model.tables[0].weight[0].any()


@pytest.mark.parametrize("inputs", [7, (12, 3), Coded(2, (5, 3))])
def test_what_a_network_sees_survives_json(inputs):
    assert inputs_from(json.loads(json.dumps(plain_inputs(inputs)))) == inputs


def test_only_columns_of_many_categories_and_only_for_our_networks():
    question = ask(examples(), Asked("y"))
    ours = study_of(question)
    assert ours.embedded == (1,)
    kinds = own_networks({"own": lambda i, o: torch.nn.Linear(i, o)})
    theirs = studies.Study(question, ours.folds, kinds, ours.candidates)
    assert theirs.embedded == ()
    assert theirs.seen == 1 + SITES


def test_a_fit_with_embeddings_learns_what_sites_do_and_predicts(tmp_path):
    fitting = fit(tmp_path / "run", examples())
    assert fitting.result["predictor"]["seen"] == {"features": 1, "kinds": [SITES + 1]}
    assert fitting.result["score"] > 0.9
    new = Examples(
        "new",
        (
            column_of("x", np.zeros(3)),
            column_of("site", np.array(["site 02", "site 07", "nowhere"])),
        ),
    )
    found = predict_examples(fitting.folder, new)
    assert found.values[:2] == pytest.approx(EFFECT[[2, 7]], abs=0.8)
    assert abs(found.values[2]) < np.abs(EFFECT).max()
    assert "'nowhere' did not occur in training" in " ".join(found.notes)

"""The search on own data beside scikit-learn's: the same work, and a table of it."""

import numpy as np
import pytest
from benchmarks.own_data import _command, _examples, ours, scikit_learn, tables
from sklearn.datasets import load_wine

from pilotlight.app.fit_preparing import prepare_fit
from pilotlight.fitting import study


@pytest.fixture
def prepared(monkeypatch):
    monkeypatch.setattr(study, "STEPS", 100)
    examples = _examples(load_wine())
    return prepare_fit(_command(examples, folds=3, inner_folds=2, candidates=4))


def test_both_search_and_refit_in_the_same_folds(prepared, monkeypatch):
    monkeypatch.setattr("benchmarks.own_data.JOBS", 1)
    found = {"scikit-learn": scikit_learn(prepared), "Pilotlight": ours(prepared, 1)}
    assert min(found.values()) > 0.9
    assert abs(found["scikit-learn"] - found["Pilotlight"]) < 0.06


def test_more_rows_are_the_same_rows_with_a_little_noise():
    once, thrice = _examples(load_wine()), _examples(load_wine(), 3)
    assert thrice.rows == 3 * once.rows
    first, more = (e.column("X00").values for e in (once, thrice))
    np.testing.assert_array_equal(more[: len(first)], first)
    assert 0 < np.abs(more[len(first) : 2 * len(first)] - first).max() < 3 * first.std()


def test_tables_name_what_grew():
    one = {"seconds": 20.0, "accuracy": 0.97, "times": 1.0}
    ours_ = {"seconds": 5.0, "accuracy": 0.968, "times": 4.0}
    found = {
        "data": {"wine": {"rows": 178, "epochs": 3, "scikit-learn": one, "Pilotlight": ours_}},
        "growth": {"rows": [{"count": 569, "seconds": 2.0}, {"count": 2276, "seconds": 7.5}]},
    }
    said = tables(found)
    assert "wine, 178 rows" in said
    assert "|  5.0 |            4.0 |    0.968 |" in said
    assert "rows: 2,276" in said

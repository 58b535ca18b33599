"""The bare search of the benchmarks does what a fit does, and samplers are told apart fairly."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.searching import searched
from sklearn.datasets import load_wine

from benchmarks import own_data, sampler
from pilotlight.app.fit_preparing import prepare_fit
from pilotlight.app.fitting import start_fit
from pilotlight.core.command import FitCommand
from pilotlight.data.files import from_arrays
from pilotlight.fitting import study
from pilotlight.fitting.outcome import NETWORK


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(study, "STEPS", 100)


@pytest.mark.parametrize("wanted", sampler.SAMPLERS)
def test_a_bare_search_ends_where_a_fit_ends(wanted, tmp_path):
    if wanted == "optuna":
        pytest.importorskip("optuna")
    x, y = load_wine(return_X_y=True)
    examples = from_arrays("wine", {"X": x, "y": np.array(["a", "b", "c"])[y]})
    command = FitCommand(
        examples,
        "y",
        folds=3,
        inner_folds=2,
        seeds=1,
        candidates=8,
        sampler=wanted,
        jobs=1,
        device="cpu",
        out=str(tmp_path / "run"),
    )
    fitting = start_fit(command)
    for _ in fitting:
        pass
    whole = fitting._folder.history()["predicted-network"]
    bare = searched(prepare_fit(command), jobs=1).models[NETWORK]
    np.testing.assert_allclose(bare, whole, atol=1e-3)


@pytest.mark.slow
def test_both_samplers_get_the_same_rows_and_folds(monkeypatch):
    pytest.importorskip("optuna")
    monkeypatch.setattr(sampler, "CANDIDATES", 4)
    seen = []
    real = sampler.searched

    def noted(prepared, jobs):
        seen.append((prepared.study.sampler, prepared.study.folds.hash, prepared.study.question.y))
        return real(prepared, jobs)

    monkeypatch.setattr(sampler, "searched", noted)
    found = sampler.compare(["diabetes"], shuffles=2)
    (_, one, y), (_, other, z), (_, _, shuffled), _ = seen
    assert [s for s, _, _ in seen] == ["halton", "optuna"] * 2
    assert one == other
    np.testing.assert_array_equal(y, z)
    assert not np.array_equal(y, shuffled)
    less = found["data"]["diabetes"]["optuna less halton"]["score"]
    scores = [found["data"]["diabetes"][s]["score"] for s in sampler.SAMPLERS]
    assert less["mean"] == pytest.approx(np.mean(scores[1]) - np.mean(scores[0]))
    assert "| diabetes |" in sampler.tables(found)


@pytest.mark.slow
def test_cost_is_measured_for_rows_settings_and_folds(monkeypatch):
    monkeypatch.setattr(own_data, "load_breast_cancer", load_wine)
    monkeypatch.setattr(
        own_data, "GROWTH", {"rows": (1, 2), "settings": (2, 4), "outer folds": (2,)}
    )
    found = own_data.growth()
    assert {what: [p["count"] for p in points] for what, points in found.items()} == {
        "rows": [178, 356],
        "settings": [2, 4],
        "outer folds": [2],
    }
    assert all(p["seconds"] > 0 for points in found.values() for p in points)

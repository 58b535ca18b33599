"""What reports promise, on whole fits of data with a known truth. Slow."""

from __future__ import annotations

import numpy as np
import pytest
from small_fits import fit

from pilotlight.data.files import from_arrays
from pilotlight.data.neurons import best_accuracy, neurons
from pilotlight.fitting import study as studies
from pilotlight.fitting.baselines import baselines


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
@pytest.mark.timeout(1800)
def test_the_neural_data_set_is_read_no_better_than_its_truth_allows(tmp_path):
    drawn = neurons()
    arrays = drawn.arrays()
    examples = from_arrays("neurons", {n: arrays[n] for n in ("X", "direction", "animal")})
    found = fit(tmp_path / "run", examples, target="direction", group="animal", folds=4).result
    assert found["interval"][0] < best_accuracy(drawn)
    assert found["interval"][0] > 0.25  # chance
    assert found["units"] == 8


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_speed_of_the_neural_data_set_fools_shuffled_folds_only(tmp_path):
    arrays = neurons().arrays()
    examples = from_arrays("neurons", {n: arrays[n] for n in ("X", "speed")})
    shuffled = fit(tmp_path / "a", examples, target="speed").result
    in_time = fit(tmp_path / "b", examples, target="speed", in_time=True).result
    assert shuffled["score"] > 0.3
    assert "slow-drift" in {n["code"] for n in shuffled["warnings"]}
    assert in_time["score"] <= 0

"""The neural data set is what it says: tuned, drifting, and its speed is nobody's."""

from __future__ import annotations

import numpy as np

from pilotlight.data.files import read
from pilotlight.data.neurons import best_accuracy, neurons


def test_shapes_and_names():
    found = read("neurons")
    assert found.trials.shape == (480, 12, 10)
    assert {c.name: len(c.categories) for c in found.columns} == {
        "direction": 4,
        "speed": 0,
        "animal": 8,
        "session": 16,
    }
    sessions = found.column("session").values
    assert np.all(np.diff(sessions) >= 0)
    np.testing.assert_array_equal(found.trials, read("neurons").trials)


def test_counts_are_poisson_around_their_rates():
    drawn = neurons(seed=3, trials=200)
    spread = (drawn.counts - drawn.rates) / np.sqrt(drawn.rates)
    assert abs(spread.mean()) < 0.01
    assert abs(spread.var() - 1) < 0.02


def test_who_knows_the_rates_tells_directions_and_nobody_is_perfect():
    """A quarter would be chance. Ten data sets, as one has 480 trials only."""
    found = [best_accuracy(neurons(seed)) for seed in range(10)]
    assert 0.65 < np.mean(found) < 0.9


def test_rates_do_not_know_the_speed():
    """Over many data sets the correlation of speed with a site's rate goes either way."""
    found = [
        np.corrcoef(drawn.speed, drawn.rates[:, 0, 0])[0, 1]
        for drawn in (neurons(seed, trials=10) for seed in range(200))
    ]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(200)
    assert np.std(found) > 0.3  # slow walks look related: that is the trap

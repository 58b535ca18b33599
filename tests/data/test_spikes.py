"""Spike times to counts: every spike in its own bin, against numpy's histogram."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from pilotlight.core.errors import UsageError
from pilotlight.data.files import from_arrays, read

RNG = np.random.default_rng(0)
TIMES = RNG.uniform(0, 100, 2000)
UNITS = RNG.integers(3, 7, 2000)
STARTS = np.arange(20) * 5.0


def arrays(**more):
    usual = {
        "spike_times": TIMES,
        "spike_units": UNITS,
        "trial_starts": STARTS,
        "window": [0.0, 2.0],
        "bin": 0.1,
        "y": np.arange(20),
    }
    return {n: v for n, v in (usual | more).items() if v is not None}


def test_counts_are_those_of_a_histogram(tmp_path):
    np.savez(tmp_path / "spikes.npz", **arrays())
    found = read(tmp_path / "spikes.npz")
    assert found.trials.shape == (20, 20, 4)
    for trial, start in enumerate(STARTS):
        for k, unit in enumerate((3, 4, 5, 6)):
            own = TIMES[unit == UNITS] - start
            expected, _ = np.histogram(own, 20, (0, 2))
            np.testing.assert_array_equal(found.trials[trial, :, k], expected)
    assert found.column("y").values.tolist() == list(range(20))
    assert "spikes of 4 units (3, 4, 5, 6) counted in bins of 0.1 s" in found.notes[0]


def test_a_spike_on_an_edge_is_of_the_bin_that_begins_there():
    found = from_arrays(
        "toy",
        {
            "spike_times": [0.0, 0.1, 0.2, 0.3],
            "spike_units": [1, 1, 1, 1],
            "trial_starts": [0.0],
            "trial_stops": [0.3],
            "bin": 0.1,
        },
    )
    assert found.trials[0, :, 0].tolist() == [1, 1, 1]


def test_trials_of_unequal_length_are_padded():
    stops = STARTS + np.where(np.arange(20) < 5, 1.0, 2.05)
    found = from_arrays("toy", arrays(window=None, trial_stops=stops))
    assert found.trials.shape == (20, 20, 4)
    assert found.lengths.tolist() == [10] * 5 + [20] * 15
    assert np.isnan(found.trials[0, 10:]).all()
    assert not np.isnan(found.trials[0, :10]).any()
    assert not np.isnan(found.trials[5:]).any()


def test_a_cell_array_holds_the_times_of_each_unit(tmp_path):
    cells = np.empty(4, object)
    for k, unit in enumerate((3, 4, 5, 6)):
        cells[k] = TIMES[unit == UNITS]
    held = arrays(spike_units=None, spike_times=cells)
    savemat(tmp_path / "spikes.mat", held)
    one, other = read(tmp_path / "spikes.mat"), from_arrays("toy", arrays())
    np.testing.assert_array_equal(one.trials, other.trials)


def test_the_width_of_a_bin_can_be_said(tmp_path):
    np.savez(tmp_path / "spikes.npz", **arrays())
    assert read(tmp_path / "spikes.npz", width=0.5).trials.shape == (20, 4, 4)
    assert from_arrays("toy", arrays(bin=None)).trials.shape == (20, 40, 4)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"spike_units": None}, "spike_units must say, for each spike, whose it is"),
        ({"spike_units": UNITS[:5]}, r"whose it is, and has shape \(5,\)"),
        ({"trial_starts": None, "window": None}, "trial_starts is missing.*\n?.*give trial_stops"),
        ({"trial_stops": STARTS + 1}, "give trial_stops, one for each trial, or window"),
        ({"window": None, "trial_stops": STARTS[:3] + 1}, "20 trial_starts, but 3 trial_stops"),
        ({"window": None, "trial_stops": STARTS}, "trial 1 goes from 0 to 0 s"),
        ({"window": [0, 0.05]}, "trial 1 lasts 0.05 s, less than one bin of 0.1 s"),
        ({"bin": -1.0}, "bins of -1 s cannot be"),
        ({"bin": 1e-9}, "do not fit into memory. Take wider bins"),
        ({"spike_times": np.r_[np.nan, TIMES[1:]]}, "spike 1 has no time"),
    ],
)
def test_what_does_not_fit_is_said(more, said):
    with pytest.raises(UsageError, match=said):
        from_arrays("toy", arrays(**more))

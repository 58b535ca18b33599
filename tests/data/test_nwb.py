"""A recording in an NWB file; skipped where pynwb is not installed."""

from __future__ import annotations

import datetime
import sys

import numpy as np
import pytest

from pilotlight.core.errors import UsageError
from pilotlight.data.files import from_arrays, read

STARTS = np.arange(6) * 2.0
TIMES = [np.sort(np.random.default_rng(u).uniform(0, 12, 80)) for u in range(3)]


def test_without_pynwb_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynwb", None)
    (tmp_path / "day.nwb").write_bytes(b"")
    with pytest.raises(UsageError, match=r"pip install 'pilotlight\[nwb\]'"):
        read(tmp_path / "day.nwb")


@pytest.fixture
def pynwb():
    return pytest.importorskip("pynwb")


def write(pynwb, path, units=True, trials=True):
    start = datetime.datetime(2030, 1, 2, tzinfo=datetime.UTC)
    held = pynwb.NWBFile("a day", "day-1", start)
    if trials:
        held.add_trial_column("side", "where the light was")
        for i, begin in enumerate(STARTS):
            held.add_trial(start_time=begin, stop_time=begin + 1.5, side="lr"[i % 2])
    for times in TIMES if units else ():
        held.add_unit(spike_times=times)
    with pynwb.NWBHDF5IO(str(path), "w") as file:
        file.write(held)


@pytest.mark.filterwarnings("ignore")
def test_units_and_trials(pynwb, tmp_path):
    write(pynwb, tmp_path / "day.nwb")
    found = read(tmp_path / "day.nwb", width=0.25)
    expected = from_arrays(
        "same",
        {
            "spike_times": np.concatenate(TIMES),
            "spike_units": np.repeat([0, 1, 2], 80),
            "trial_starts": STARTS,
            "window": [0.0, 1.5],
        },
        width=0.25,
    )
    np.testing.assert_array_equal(found.trials, expected.trials)
    assert found.trials.shape == (6, 6, 3)
    assert found.column("side").categories == ("l", "r")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("lacking", ["units", "trials"])
def test_a_recording_without_units_or_trials_is_refused(pynwb, lacking, tmp_path):
    write(pynwb, tmp_path / "day.nwb", **{lacking: False})
    with pytest.raises(UsageError, match=f"has no table of {lacking}"):
        read(tmp_path / "day.nwb")


@pytest.mark.filterwarnings("ignore")
def test_what_is_no_nwb_is_said(pynwb, tmp_path):
    (tmp_path / "day.nwb").write_text("nothing of the kind")
    with pytest.raises(UsageError, match="cannot be read as NWB"):
        read(tmp_path / "day.nwb")

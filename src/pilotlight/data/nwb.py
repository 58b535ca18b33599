"""Recordings in NWB files: spike times of units, and trials with what was noted of each.

Format: Neurodata Without Borders 2, https://nwb-schema.readthedocs.io
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from pilotlight.core.errors import UsageError
from pilotlight.data.spikes import STARTS, STOPS, TIMES, UNITS

BEGIN, END = "start_time", "stop_time"


def arrays_of(path: Path) -> dict[str, Any]:
    """Spike times, units, trials, and each column of the table of trials that holds one value.

    Raises:
        UsageError: pynwb is not there, or the file has no trials or no units.
    """
    try:
        from pynwb import NWBHDF5IO
    except ModuleNotFoundError:
        raise UsageError(
            f"{path}: NWB files need the package pynwb: pip install 'pilotlight[nwb]'. Or save "
            "spike times and trials as .npz; docs/own-data.md says how."
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # older files, extensions that are not here
            with NWBHDF5IO(str(path), "r") as file:
                return _arrays(path, file.read())
    except (KeyError, TypeError, ValueError, OSError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{path} cannot be read as NWB: {error}.") from error


def _arrays(path: Path, held: Any) -> dict[str, Any]:
    lacking = [name for name in ("trials", "units") if getattr(held, name) is None]
    if lacking:
        raise UsageError(
            f"{path} has no table of {' and no table of '.join(lacking)}. Own data need trials, "
            "and spike times of units."
        )
    units, trials = held.units, held.trials
    trains = [np.asarray(units["spike_times"][i], np.float64) for i in range(len(units))]
    names = np.repeat([f"unit {i}" for i in units.id[:]], [len(t) for t in trains])
    found: dict[str, Any] = {
        TIMES: np.concatenate([*trains, np.zeros(0)]),
        UNITS: names,
        STARTS: np.asarray(trials[BEGIN][:], np.float64),
        STOPS: np.asarray(trials[END][:], np.float64),
    }
    for name in trials.colnames:
        values = np.asarray(trials[name][:])
        if name not in (BEGIN, END) and values.ndim == 1 and values.dtype.kind in "iufbUSO":
            found[name] = values.astype(str) if values.dtype == object else values
    return found

"""Spike times to counts: how many spikes each unit has in each bin of each trial.

S spikes, U units, R trials, T bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotlight.core.errors import UsageError, raise_all

TIMES, UNITS = "spike_times", "spike_units"
STARTS, STOPS, WINDOW, BIN = "trial_starts", "trial_stops", "window", "bin"
USUAL_BIN = 0.05
"""Seconds."""
MOST_COUNTS = 500_000_000


def is_spikes(arrays: Mapping[str, Any]) -> bool:
    """Whether arrays by name hold spike times and not inputs that are ready."""
    return TIMES in arrays and "X" not in arrays


def counts_of(
    name: str, arrays: Mapping[str, Any], width: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64], dict[str, Any], tuple[str, ...]]:
    """Counts [R, T, U] (NaN past a trial's end), lengths [R], the other arrays, notes.

    `spike_times` [S] in seconds with `spike_units` [S] (whose spike each is), or a list of times
    for each unit, as a MATLAB cell array holds them. A trial goes from `trial_starts` [R] to
    `trial_stops` [R], or over `window` (from, to) around its start. `bin` is the width of a bin;
    `width` overrides it. Bins are whole: what is left at a trial's end is not counted.

    Raises:
        UsageError: arrays that are missing or do not fit one another; all at once.
    """
    held = dict(arrays)
    times, units, names = _spikes(name, held.pop(TIMES), held.pop(UNITS, None))
    starts, stops = _trials(name, held)
    given = held.pop(BIN, None)
    width = width or (USUAL_BIN if given is None else float(np.asarray(given).ravel()[0]))
    if not 0 < width < np.inf:
        raise UsageError(f"{name}: bins of {width:g} s cannot be. Give seconds, as in 0.05.")
    lengths = np.floor((stops - starts) / width + 1e-6).astype(np.int64)
    short = np.flatnonzero(lengths < 1)
    if len(short):
        row = short[0]
        raise UsageError(
            f"{name}: trial {row + 1} lasts {stops[row] - starts[row]:g} s, less than one bin of "
            f"{width:g} s."
        )
    if len(starts) * lengths.max() * len(names) > MOST_COUNTS:
        raise UsageError(
            f"{name}: {len(starts)} trials x {lengths.max()} bins x {len(names)} units do not fit "
            f"into memory. Take wider bins than {width:g} s."
        )
    found = _counted(times, units, len(names), starts, lengths, width)
    shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
    note = (
        f"{name}: spikes of {len(names)} units ({shown}) counted in bins of {width:g} s"
        f"{' (the usual width)' if given is None else ''}, up to {lengths.max()} a trial."
    )
    return found, lengths, held, (note,)


def _spikes(
    name: str, times: Any, units: Any
) -> tuple[NDArray[np.float64], NDArray[np.int64], list[str]]:
    """All spike times, whose each is, and the units' names."""
    is_list = isinstance(times, list | tuple) and any(np.ndim(train) for train in times)
    each = np.empty(len(times), object) if is_list else np.asarray(times)
    if is_list:
        each[:] = times
    if each.dtype == object:
        trains = [np.asarray(train, np.float64).ravel() for train in each.ravel()]
        names = [str(n) for n in (range(1, len(trains) + 1) if units is None else units)]
        flat = np.concatenate([*trains, np.zeros(0)])
        place = np.repeat(np.arange(len(trains)), [len(t) for t in trains])
    elif units is None or np.shape(units) != each.shape or each.ndim != 1:
        raise UsageError(
            f"{name}: {TIMES} has shape {each.shape}; {UNITS} must say, for each spike, whose it "
            f"is{'' if units is None else f', and has shape {np.shape(units)}'}."
        )
    else:
        found, place = np.unique(np.asarray(units), return_inverse=True)
        flat, names = each.astype(np.float64), [str(n) for n in found]
    if not np.isfinite(flat).all():
        raise UsageError(f"{name}: spike {int(np.argmin(np.isfinite(flat))) + 1} has no time.")
    return flat, place.astype(np.int64), names


def _trials(name: str, held: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When each trial begins and ends; takes its arrays out of those that are left."""
    starts, stops, window = (held.pop(key, None) for key in (STARTS, STOPS, WINDOW))
    problems = []
    if starts is None:
        problems.append(f"{name}: {STARTS} is missing: when each trial begins, in seconds.")
    if (stops is None) == (window is None):
        problems.append(
            f"{name}: give {STOPS}, one for each trial, or {WINDOW}: from and to around the start."
        )
    raise_all(problems)
    begin = np.asarray(starts, np.float64).ravel()
    if window is not None:
        low, high = np.asarray(window, np.float64).ravel()
        begin, end = begin + low, begin + high
    else:
        end = np.asarray(stops, np.float64).ravel()
    if begin.shape != end.shape:
        raise UsageError(f"{name}: {len(begin)} {STARTS}, but {len(end)} {STOPS}.")
    wrong = np.flatnonzero(~(end > begin))
    if len(wrong):
        row = wrong[0]
        raise UsageError(f"{name}: trial {row + 1} goes from {begin[row]:g} to {end[row]:g} s.")
    return begin, end


def _counted(
    times: NDArray[np.float64],
    units: NDArray[np.int64],
    count: int,
    starts: NDArray[np.float64],
    lengths: NDArray[np.int64],
    width: float,
) -> NDArray[np.float64]:
    """Spikes between the edges of bins; a spike on an edge is of the bin that begins there."""
    steps = int(lengths.max())
    edges = starts[:, None] + width * np.arange(steps + 1)
    found = np.empty((len(starts), steps, count))
    for unit in range(count):
        own = np.sort(times[units == unit])
        found[:, :, unit] = np.diff(np.searchsorted(own, edges - 1e-9 * width), axis=1)
    found[np.arange(steps) >= lengths[:, None]] = np.nan
    return found

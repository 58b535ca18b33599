"""A person's own data: tables (CSV, TSV, Parquet) and arrays (.npz, .mat, .nwb), by named columns.

R rows (or trials), T steps of time, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np
from numpy.typing import NDArray

from pilotlight.core.errors import UsageError, did_you_mean, raise_all, unknown
from pilotlight.data.columns import KINDS, Column, Kind, column_of
from pilotlight.data.delimited import read_delimited
from pilotlight.data.neurons import neurons
from pilotlight.data.spikes import counts_of, is_spikes

Types = Mapping[str, Kind]
TABLES = Path(__file__).parent / "tables"
DRAWN = "neurons"
INPUTS = "X"
LENGTHS = "lengths"


@dataclass(frozen=True)
class Examples:
    """Named columns of R rows, and with them trials [R, T, C] where the file has such.

    `lengths` [R] says how many steps of each trial count; None where all do. `notes` say how the
    file was read.
    """

    name: str
    columns: tuple[Column, ...]
    trials: NDArray[np.float64] | None = None
    lengths: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()
    counted: bool = False  # trials were counted from spike times

    @property
    def rows(self) -> int:
        """How many rows or trials."""
        return len(self.trials) if self.trials is not None else len(self.columns[0].values)

    def column(self, name: str) -> Column:
        """The column of this name.

        Raises:
            UsageError: there is none; names the nearest.
        """
        found = {c.name: c for c in self.columns}
        if name not in found:
            raise UsageError(unknown("column", name, found))
        return found[name]


def read(
    path: str | Path,
    types: Mapping[str, Kind] | None = None,
    all_there: bool = True,
    width: float | None = None,
) -> Examples:
    """Read a file by its ending. `types` overrides what a column would be taken for.

    With `all_there` false, `types` may speak of columns that the file lacks. `width` is that of
    bins, in seconds, where there are spike times to count.

    A name without a file of it may be that of data that come along: penguins, mpg, and neurons,
    which is drawn.

    Raises:
        UsageError: no such file, an ending that is not known, or something in it cannot be read;
            names the row and the column where there are such.
    """
    types = types or {}
    if str(path) == DRAWN and not Path(path).exists():
        return from_arrays(DRAWN, neurons().arrays(), types)
    where = _find(Path(path))
    raise_all([unknown("type", k, KINDS) for k in types.values() if k not in KINDS])
    reader = READERS.get(where.suffix.lower())
    if reader is None:
        raise UsageError(f"{where}: {unknown('ending', where.suffix, READERS)}")
    try:
        found = reader(where, types, width)
    except OSError as error:
        raise UsageError(f"{where} cannot be read: {error.strerror or error}.") from error
    names = [c.name for c in found.columns]
    if not all_there:
        return found
    raise_all([f"--types: {unknown('column', n, names)}" for n in types if n not in names])
    return found


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    ours = {p.stem: p for p in TABLES.glob("*.csv")}
    if str(path) in ours:
        return ours[str(path)]
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Name a file: {', '.join(READERS)}.")
    near = {str(p) for p in path.parent.glob("*") if p.suffix.lower() in READERS}
    at_hand = did_you_mean(str(path), near | set(ours) | {DRAWN})
    raise UsageError(f"There is no file {path}. {at_hand}")


def _read_text(path: Path, types: Types, width: float | None) -> Examples:
    columns, notes = read_delimited(path, types)
    return Examples(path.name, columns, notes=notes)


def _read_parquet(path: Path, types: Types, width: float | None) -> Examples:
    try:
        from pyarrow import ArrowException, parquet
    except ModuleNotFoundError:
        raise UsageError(
            f"{path}: Parquet files need the package pyarrow: pip install pyarrow. Or save the "
            "table as CSV."
        ) from None
    try:
        table = parquet.read_table(path)
    except ArrowException as error:
        raise UsageError(f"{path} cannot be read as Parquet: {error}.") from error
    if not table.num_rows:
        raise UsageError(f"{path} has columns, but no row.")
    columns = tuple(column_of(n, table[n].to_numpy(), types.get(n)) for n in table.column_names)
    return Examples(path.name, columns)


def _read_npz(path: Path, types: Types, width: float | None) -> Examples:
    arrays: dict[str, Any] = {}
    if not is_zipfile(path):
        raise UsageError(
            f"{path} is no .npz file. numpy.savez('{path.name}', X=..., y=...) makes one."
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            for name in archive.files:
                arrays[name] = archive[name]
    except ValueError as error:
        raise UsageError(
            f"{path} cannot be read without running code from it ({error}). Save plain arrays: "
            "numbers, or texts of one length (array.astype(str))."
        ) from error
    return from_arrays(path.name, arrays, types, width)


def _read_mat(path: Path, types: Types, width: float | None) -> Examples:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        held = loadmat(path, squeeze_me=True, chars_as_strings=True)
    except NotImplementedError as error:
        raise UsageError(
            f"{path} is a MATLAB 7.3 file, which is HDF5 inside. In MATLAB: "
            f"save('{path.stem}.mat', 'X', 'target', '-v7'). In Python: read it with h5py and "
            "numpy.savez it."
        ) from error
    except (ValueError, TypeError, EOFError, MatReadError) as error:
        raise UsageError(f"{path} cannot be read as a MATLAB file: {error}.") from error
    arrays = {n: _plain_cells(v) for n, v in held.items() if not n.startswith("__")}
    return from_arrays(path.name, arrays, types, width)


def _plain_cells(value: Any) -> Any:
    """A cell array of texts as texts."""
    array = np.asarray(value)
    if array.dtype == object and all(isinstance(v, str) for v in array.flat):
        return array.astype(str)
    return array


def from_arrays(
    name: str,
    arrays: Mapping[str, Any],
    types: Mapping[str, Kind] | None = None,
    width: float | None = None,
) -> Examples:
    """Examples of named arrays: `X` [R, features] or [R, T, C], and columns [R] beside it.

    Without `X` there may be spike times, which are counted in bins of `width` seconds: see
    `data/spikes.py`.

    `lengths` [R] beside trials says how many of their T steps count; the rest is padding. Without
    `X` all arrays of one dimension are columns.

    Raises:
        UsageError: arrays that do not go together; names them with their shapes.
    """
    if is_spikes(arrays):
        return _from_spikes(name, arrays, types, width)
    held = {n: np.asarray(a) for n, a in arrays.items()}
    inputs = held.pop(INPUTS, None)
    shapes = ", ".join(f"{n} {np.asarray(a).shape}" for n, a in arrays.items()) or "nothing"
    if inputs is None and not any(a.ndim == 1 for a in held.values()):
        raise UsageError(f"{name} has no array {INPUTS!r}, rows x features. It has: {shapes}.")
    if inputs is not None and (inputs.ndim not in (2, 3) or inputs.dtype.kind not in "iufb"):
        raise UsageError(
            f"{name}: {INPUTS!r} has shape {inputs.shape} of {inputs.dtype}. It is numbers: rows x "
            "features, or trials x time x channels."
        )
    rows = len(inputs) if inputs is not None else max(len(a) for a in held.values() if a.ndim == 1)
    beside = {n: a for n, a in held.items() if a.ndim == 1 and len(a) == rows}
    left = [f"{n} {a.shape}" for n, a in held.items() if n not in beside]
    notes = (f"Not read, as they have no value for each of {rows} rows: {', '.join(left)}.",)
    lengths = beside.pop(LENGTHS, None) if inputs is not None and inputs.ndim == 3 else None
    columns = [column_of(n, a, (types or {}).get(n)) for n, a in beside.items()]
    trials = None
    if inputs is not None and inputs.ndim == 3:
        trials = _trials(name, inputs, lengths)
    elif inputs is not None:
        digits = len(str(inputs.shape[1] - 1))
        columns += [
            Column(f"{INPUTS}{i:0{digits}d}", "number", inputs[:, i].astype(np.float64))
            for i in range(inputs.shape[1])
        ]
    kept = None if lengths is None else lengths.astype(np.int64)
    return Examples(name, tuple(columns), trials, kept, notes if left else ())


def _from_spikes(
    name: str, arrays: Mapping[str, Any], types: Mapping[str, Kind] | None, width: float | None
) -> Examples:
    counts, lengths, beside, notes = counts_of(name, arrays, width)
    read = from_arrays(name, {INPUTS: counts, LENGTHS: lengths, **beside}, types)
    return replace(read, notes=(*notes, *read.notes), counted=True)


def _trials(name: str, inputs: Any, lengths: Any) -> NDArray[np.float64]:
    """Trials as float64, padding as NaN."""
    trials = inputs.astype(np.float64)
    infinite = np.argwhere(np.isinf(trials))
    if len(infinite):
        trial, step, channel = infinite[0]
        raise UsageError(
            f"{name}: trial {trial + 1}, step {step + 1}, channel {channel + 1} is infinite."
        )
    if lengths is None:
        return np.asarray(trials)
    wrong = np.flatnonzero((lengths < 1) | (lengths > trials.shape[1]))
    if len(wrong):
        raise UsageError(
            f"{name}: trial {wrong[0] + 1} has length {lengths[wrong[0]]}; "
            f"lengths are from 1 to {trials.shape[1]}."
        )
    past = np.arange(trials.shape[1]) >= lengths[:, None]
    trials[past] = np.nan
    return np.asarray(trials)


def _read_nwb(path: Path, types: Types, width: float | None) -> Examples:
    from pilotlight.data.nwb import arrays_of

    return from_arrays(path.name, arrays_of(path), types, width)


READERS: dict[str, Callable[[Path, Types, float | None], Examples]] = {
    ".csv": _read_text,
    ".tsv": _read_text,
    ".txt": _read_text,
    ".parquet": _read_parquet,
    ".npz": _read_npz,
    ".mat": _read_mat,
    ".nwb": _read_nwb,
}

"""Columns of a person's own table: from texts to numbers, categories and dates.

R rows. Rows are counted from 1, below the header, as a person counts them.
"""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pilotlight.core.errors import UsageError

Array = NDArray[np.float64]
Kind = Literal["number", "category", "date"]
KINDS: tuple[Kind, ...] = ("number", "category", "date")

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "nil"})
"""Texts that mean: not there. Case and spaces around do not matter."""
MISSING_NUMBERS = MISSING | {"?", ".", "-", "--", "none", "missing"}
"""The same in a column whose other texts are numbers; "none" may be a category elsewhere."""
MOSTLY = 0.9
"""A column is one of numbers if so many of its texts are; the others must then be mended."""


@dataclass(frozen=True)
class Column:
    """One column: values [R], NaN where missing.

    A category is the index of its text in `categories`; a date is days since 1970-01-01.
    """

    name: str
    kind: Kind
    values: Array
    categories: tuple[str, ...] = ()

    def text(self, row: int) -> str:
        """A value as text; `row` counts from 0."""
        value = self.values[row]
        if math.isnan(value):
            return ""
        if self.kind == "category":
            return self.categories[int(value)]
        if self.kind == "date":
            return (datetime.datetime(1970, 1, 1) + datetime.timedelta(days=value)).isoformat(" ")
        return f"{value:.15g}"

    def take(self, rows: NDArray[np.int64]) -> Column:
        """Some of its rows; categories keep their indices."""
        return Column(self.name, self.kind, self.values[rows], self.categories)


def read_column(
    name: str, texts: Sequence[str], kind: Kind | None = None, comma: bool = False
) -> Column:
    """A column from its texts. `kind` is guessed unless given; `comma` allows 1,5 for 1.5.

    Raises:
        UsageError: a text does not fit the others or the kind; names its row and the column.
    """
    if kind in (None, "number") and (numbers := _plain_numbers(texts)) is not None:
        return Column(name, "number", numbers)
    stripped = [t.strip() for t in texts]
    times = Counter(stripped)  # each text is looked at once, however often it stands there
    kind = kind or _guess(times, comma)
    if kind == "category":
        return _categories(name, stripped, times)
    read = _date if kind == "date" else (lambda text: _number(text, comma))
    absent = MISSING if kind == "date" else MISSING_NUMBERS
    known = {t: math.nan if t.lower() in absent else read(t) for t in times}
    misfits = {t for t, value in known.items() if value is None}
    if misfits:
        wrong = [(row, t) for row, t in enumerate(stripped, 1) if t in misfits]
        raise UsageError(_misfit(name, kind, wrong, len(texts)))
    values = np.fromiter((known[t] for t in stripped), np.float64, len(stripped))
    return Column(name, kind, values)


def _plain_numbers(texts: Sequence[str]) -> Array | None:
    """Numbers and empty texts, as most columns hold them; None where there is anything else."""
    try:
        values = np.fromiter((float(t) if t else math.nan for t in texts), np.float64, len(texts))
    except ValueError:
        return None
    absent = int(np.isnan(values).sum())
    plain = not np.isinf(values).any() and (not absent or absent == sum(not t for t in texts))
    # Python reads 1_000, people mean a name; and where all is missing, the guess decides
    if not plain or absent == len(texts) or any("_" in t for t in texts):
        return None
    return values


def column_of(name: str, values: Any, kind: Kind | None = None) -> Column:
    """A column from an array or a list: numbers, texts, truth values, dates, durations in seconds.

    Raises:
        UsageError: it has more than one dimension, or holds something else.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise UsageError(f"{name!r} has shape {array.shape}; a column has one value for each row.")
    if array.dtype.kind in "iuf" and kind in (None, "number"):
        return Column(name, "number", array.astype(np.float64))
    if array.dtype.kind == "M":
        days = array.astype("datetime64[us]").astype(np.float64) / 86_400e6
        return Column(name, "date", np.where(np.isnat(array), np.nan, days))
    if array.dtype.kind == "m":
        return Column(name, "number", array / np.timedelta64(1, "s"))
    held = array.tolist()
    nested = [i for i, v in enumerate(held, 1) if isinstance(v, list | tuple | dict | np.ndarray)]
    if nested:
        raise UsageError(
            f"{name!r} holds several values in row {nested[0]}; a column has one for each row."
        )
    texts = ["" if v is None or v != v else _text(v) for v in held]
    if array.dtype.kind in "US" or array.dtype == object:
        return read_column(name, texts, kind)
    if array.dtype.kind == "b" or array.dtype.kind in "iuf":
        return read_column(name, texts, kind or "category")
    raise UsageError(f"{name!r} is of type {array.dtype}; numbers, texts and dates can be read.")


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _guess(times: Mapping[str, int], comma: bool) -> Kind:
    """Numbers if nearly all are, else dates if nearly all are, else categories.

    `times` says how often each text stands there.
    """
    there = {t: n for t, n in times.items() if t.lower() not in MISSING}
    count = sum(there.values())
    if not there:
        return "number"
    numbers = sum(n for t, n in there.items() if _number(t, comma) is not None)
    marked = sum(n for t, n in there.items() if t.lower() in MISSING_NUMBERS)
    if numbers and numbers >= MOSTLY * (count - marked):
        return "number"
    if sum(n for t, n in there.items() if _date(t) is not None) >= MOSTLY * count:
        return "date"
    return "category"


def _number(text: str, comma: bool = False) -> float | None:
    if comma and "," in text:
        text = text.replace(".", "").replace(",", ".")
    if "_" in text:  # Python reads 1_000, people mean a name
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _date(text: str) -> float | None:
    if not text[:4].isdigit() or len(text) < 8:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return (moment - datetime.datetime(1970, 1, 1)).total_seconds() / 86_400


def _categories(name: str, texts: Sequence[str], times: Mapping[str, int]) -> Column:
    categories = tuple(sorted(t for t in times if t.lower() not in MISSING))
    index = {t: float(i) for i, t in enumerate(categories)}
    codes = np.fromiter((index.get(t, math.nan) for t in texts), np.float64, len(texts))
    return Column(name, "category", codes, categories)


def _misfit(name: str, kind: Kind, wrong: Sequence[tuple[int, str]], rows: int) -> str:
    """Which rows do not fit, and what a person can do."""
    shown = ", ".join(f"row {row}: {text!r}" for row, text in wrong[:3])
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    what = "a number" if kind == "number" else "a date such as 2030-01-31"
    return (
        f"column {name!r}: {shown}{more} is not {what}, as {rows - len(wrong)} other values are or "
        f"may be. Mend the file, leave the cell empty, or say --types {name}=category."
    )

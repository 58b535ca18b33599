"""Columns of a person's own table: from texts to numbers, categories and dates.

R rows. Rows are counted from 1, below the header, as a person counts them.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
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
    stripped = [t.strip() for t in texts]
    kind = kind or _guess(stripped, comma)
    if kind == "category":
        return _categories(name, stripped)
    read = _date if kind == "date" else (lambda text: _number(text, comma))
    absent = MISSING if kind == "date" else MISSING_NUMBERS
    values = np.empty(len(texts))
    wrong: list[tuple[int, str]] = []
    for row, text in enumerate(stripped):
        value = math.nan if text.lower() in absent else read(text)
        if value is None:
            wrong.append((row + 1, text))
        else:
            values[row] = value
    if wrong:
        raise UsageError(_misfit(name, kind, wrong, len(texts)))
    return Column(name, kind, values)


def column_of(name: str, values: Any, kind: Kind | None = None) -> Column:
    """A column from an array or a list: numbers, texts, truth values or dates.

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
    texts = ["" if v is None or v != v else str(v) for v in array.tolist()]
    if array.dtype.kind in "US" or array.dtype == object:
        return read_column(name, texts, kind)
    if array.dtype.kind == "b" or array.dtype.kind in "iuf":
        return read_column(name, texts, kind or "category")
    raise UsageError(f"{name!r} is of type {array.dtype}; numbers, texts and dates can be read.")


def _guess(texts: Sequence[str], comma: bool) -> Kind:
    """Numbers if nearly all are, else dates if nearly all are, else categories."""
    there = [t for t in texts if t.lower() not in MISSING]
    if not there:
        return "number"
    numbers = sum(_number(t, comma) is not None for t in there)
    marked = sum(t.lower() in MISSING_NUMBERS for t in there)
    if numbers and numbers >= MOSTLY * (len(there) - marked):
        return "number"
    if sum(_date(t) is not None for t in there) >= MOSTLY * len(there):
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


def _categories(name: str, texts: Sequence[str]) -> Column:
    known = {t for t in texts if t.lower() not in MISSING}
    categories = tuple(sorted(known))
    index = {t: float(i) for i, t in enumerate(categories)}
    return Column(name, "category", np.array([index.get(t, math.nan) for t in texts]), categories)


def _misfit(name: str, kind: Kind, wrong: Sequence[tuple[int, str]], rows: int) -> str:
    """Which rows do not fit, and what a person can do."""
    shown = ", ".join(f"row {row}: {text!r}" for row, text in wrong[:3])
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    what = "a number" if kind == "number" else "a date such as 2030-01-31"
    return (
        f"column {name!r}: {shown}{more} is not {what}, as {rows - len(wrong)} other values are or "
        f"may be. Mend the file, leave the cell empty, or say --types {name}=category."
    )

"""What is asked: which column is to be predicted, from which, and which rows belong together.

R rows, P features (for trials: T steps x C channels, laid out flat).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pilotlight.data.columns import Array, Column

Task = Literal["classification", "regression", "counts"]
TASKS: tuple[Task, ...] = ("classification", "regression", "counts")
Rows = NDArray[np.int64]
Scale = tuple[Any, Any]
"""Offset and factor of a target: numbers, or arrays [K] for K targets."""


@dataclass(frozen=True)
class Notice:
    """Something a person should know; `code` stays the same when the words change."""

    code: str
    text: str

    def to_json(self) -> dict[str, str]:
        """A plain mapping."""
        return {"code": self.code, "text": self.text}


@dataclass(frozen=True)
class Feature:
    """A column that predicts: its name, its kind, its categories."""

    name: str
    kind: str
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What a person says beside naming the data; what is None or empty is guessed or absent.

    `target` is one column, or several separated by commas.
    """

    target: str
    group: str | None = None
    in_time: bool = False
    task: Task | None = None
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """Features `x` [R, P] and target `y` [R], or [R, K] for K targets, with what belongs together.

    Categories and classes are indices as floats; NaN is missing. `shape` is (T, C) for trials.
    `groups` [R] holds an index into `group_names`. `rows` are the file's row numbers, from 1.
    """

    name: str
    task: Task
    target: str
    x: Array
    y: Array
    features: tuple[Feature, ...]
    classes: tuple[str, ...] = ()
    shape: tuple[int, int] | None = None
    groups: Rows | None = None
    group: str = ""
    group_names: tuple[str, ...] = ()
    in_time: bool = False
    rows: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    padded: bool = False
    notices: tuple[Notice, ...] = ()
    targets: tuple[str, ...] = ()
    undeclared: tuple[Column, ...] = ()  # all columns that are neither target nor group

    @property
    def outputs(self) -> int:
        """How many numbers a network puts out for a row."""
        return len(self.classes) if self.task == "classification" else max(1, len(self.targets))

    @property
    def each(self) -> Array:
        """The targets as columns [R, K], also where there is one."""
        return self.y.reshape(len(self.y), -1)

    @property
    def of_kind(self) -> dict[str, list[int]]:
        """Positions of the features that are numbers (dates too), and of categories."""
        found: dict[str, list[int]] = {"number": [], "category": []}
        for i, feature in enumerate(self.features):
            found["category" if feature.kind == "category" else "number"].append(i)
        return found


def row_words(rows: Iterable[int]) -> str:
    """`rows 4, 9, 12 and 3 more`."""
    listed = list(rows)
    shown = ", ".join(map(str, listed[:8]))
    more = f" and {len(listed) - 8} more" if len(listed) > 8 else ""
    return f"row{'s' if len(listed) > 1 else ''} {shown}{more}"

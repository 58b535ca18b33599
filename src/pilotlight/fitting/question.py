"""What is asked: which column is to be predicted, from which, and which rows belong together.

R rows, P features (for trials: T steps x C channels, laid out flat).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pilotlight.data.columns import Array, Column

Task = Literal["classification", "regression", "counts"]
TASKS: tuple[Task, ...] = ("classification", "regression", "counts")
Rows = NDArray[np.int64]
Scale = tuple[Any, Any]
"""Offset and factor of a target: numbers, or arrays [K] for K targets."""
Heads = tuple[int, ...]
"""How many classes each class target has; a network puts out a block of so many numbers for it."""
SELDOM = 10
"""Combinations of classes with fewer rows are cut by the first target's class alone."""


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

    Categories and classes are indices as floats; NaN is missing. `classes_of` names the classes of
    each class target. `shape` is (T, C) for trials.
    `groups` [R] holds an index into `group_names`. `rows` are the file's row numbers, from 1.
    """

    name: str
    task: Task
    target: str
    x: Array
    y: Array
    features: tuple[Feature, ...]
    classes_of: tuple[tuple[str, ...], ...] = ()
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
        return sum(self.heads) if self.task == "classification" else max(1, len(self.targets))

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of one target's classes; those of several are in `classes_of`."""
        return self.classes_of[0] if len(self.classes_of) == 1 else ()

    @property
    def heads(self) -> Heads:
        """How many classes each class target has; empty for numbers and counts."""
        return tuple(len(names) for names in self.classes_of)

    @property
    def each(self) -> Array:
        """The targets as columns [R, K], also where there is one."""
        return self.y.reshape(len(self.y), -1)

    def alone(self, target: int) -> Question:
        """The same question about one of its targets."""
        name = self.targets[target]
        own = self.classes_of[target : target + 1]
        return replace(self, target=name, targets=(name,), y=self.each[:, target], classes_of=own)

    @cached_property
    def strata(self) -> Rows:
        """What is spread evenly over folds, for classes: an index for each row [R].

        Of several class targets their combination; rows of a combination that is seldom are
        together with others of the same class of the first target.
        """
        first = self.each[:, 0].astype(np.int64)
        _, together, times = np.unique(self.each, axis=0, return_inverse=True, return_counts=True)
        together = np.where(times < SELDOM, -1, np.arange(len(times)))[together]
        pairs = np.stack([first, together.ravel()], axis=1)
        return np.unique(pairs, axis=0, return_inverse=True)[1].ravel()

    @property
    def of_kind(self) -> dict[str, list[int]]:
        """Positions of the features that are numbers (dates too), and of categories."""
        found: dict[str, list[int]] = {"number": [], "category": []}
        for i, feature in enumerate(self.features):
            found["category" if feature.kind == "category" else "number"].append(i)
        return found


def blocks(heads: Heads) -> tuple[slice, ...]:
    """Which outputs belong to each class target: one block after another, in their order."""
    ends = tuple(accumulate(heads))
    return tuple(slice(end - size, end) for end, size in zip(ends, heads, strict=True))


def class_columns(question: Question) -> Array:
    """A column for each class of each class target, 1 where a row is of it: [R, outputs]."""
    each = zip(question.heads, question.each.T, strict=True)
    return np.concatenate([np.eye(size)[y.astype(int)] for size, y in each], axis=1)


def plain_classes(classes_of: Sequence[Sequence[str]]) -> list[Any]:
    """As JSON has them: the names of one target's classes, of several a list for each."""
    found = [list(names) for names in classes_of]
    return found[0] if len(found) == 1 else found


def classes_from(plain: Sequence[Any]) -> tuple[tuple[str, ...], ...]:
    """What `plain_classes` was given."""
    if plain and isinstance(plain[0], str):
        return (tuple(plain),)
    return tuple(tuple(names) for names in plain)


def row_words(rows: Iterable[int]) -> str:
    """`rows 4, 9, 12 and 3 more`."""
    listed = list(rows)
    shown = ", ".join(map(str, listed[:8]))
    more = f" and {len(listed) - 8} more" if len(listed) > 8 else ""
    return f"row{'s' if len(listed) > 1 else ''} {shown}{more}"

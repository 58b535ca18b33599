"""What is asked: which column is to be predicted, from which, and which rows belong together.

R rows, P features (for trials: T steps x C channels, laid out flat).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pilotlight.core.errors import UsageError, raise_all, unknown
from pilotlight.data.columns import Array, Column
from pilotlight.data.files import Examples

Task = Literal["classification", "regression", "counts"]
TASKS: tuple[Task, ...] = ("classification", "regression", "counts")
Rows = NDArray[np.int64]

FEW_VALUES = 10
"""Whole numbers with so few different values are taken for classes unless told otherwise."""


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
    """What a person says beside naming the data; what is None or empty is guessed or absent."""

    target: str
    group: str | None = None
    in_time: bool = False
    task: Task | None = None
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """Features `x` [R, P] and target `y` [R], with what belongs together.

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
    undeclared: tuple[Column, ...] = ()  # all columns that are neither target nor group

    @property
    def outputs(self) -> int:
        """How many numbers a network puts out for a row."""
        return len(self.classes) if self.task == "classification" else 1

    @property
    def of_kind(self) -> dict[str, list[int]]:
        """Positions of the features that are numbers (dates too), and of categories."""
        found: dict[str, list[int]] = {"number": [], "category": []}
        for i, feature in enumerate(self.features):
            found["category" if feature.kind == "category" else "number"].append(i)
        return found


def ask(examples: Examples, asked: Asked) -> Question:
    """Put a question to data.

    Raises:
        UsageError: names that do not exist, a target that cannot be predicted; all at once.
    """
    _refuse_unknown(examples, asked)
    target = examples.column(asked.target)
    there = np.flatnonzero(~np.isnan(target.values))
    notices = [Notice("as-read", note) for note in examples.notes]
    notices += _missing_rows(examples, target, there)
    if asked.group:
        there, more = _grouped_rows(examples.column(asked.group), there)
        notices += more
    if len(there) < 2:
        raise UsageError(f"{asked.target!r} is missing in all rows but {len(there)}.")
    task, guessed = _task(target.take(there), asked.task)
    target = target.take(there)
    y, classes = _classes(target) if task == "classification" else (target.values, ())
    _refuse_target(asked.target, task, y, classes)
    groups, group_names = _groups(examples, asked.group, there)
    x, features, shape, padded, more = _inputs(examples, asked, there)
    return Question(
        name=examples.name,
        task=task,
        target=asked.target,
        x=x,
        y=y,
        features=features,
        classes=classes,
        shape=shape,
        groups=groups,
        group=asked.group or "",
        group_names=group_names,
        in_time=asked.in_time,
        rows=there + 1,
        padded=padded,
        notices=(*notices, *guessed, *more),
        undeclared=tuple(
            c.take(there) for c in examples.columns if c.name not in (asked.target, asked.group)
        ),
    )


def _refuse_unknown(examples: Examples, asked: Asked) -> None:
    names = [c.name for c in examples.columns]
    given = {"--target": [asked.target], "--leave-out": asked.leave_out}
    given["--group"] = [asked.group] if asked.group else []
    problems = [
        f"{option}: {unknown('column', name, names)}"
        for option, wanted in given.items()
        for name in wanted
        if name not in names
    ]
    if asked.task not in (None, *TASKS):
        problems.append(f"--task: {unknown('task', str(asked.task), TASKS)}")
    if asked.group == asked.target:
        problems.append(f"{asked.target!r} cannot be both the target and the group.")
    raise_all(problems)


def _missing_rows(examples: Examples, target: Column, there: Rows) -> list[Notice]:
    gone = np.setdiff1d(np.arange(examples.rows), there) + 1
    if not len(gone):
        return []
    text = (
        f"{len(gone)} of {examples.rows} rows have no {target.name!r} and are left out: "
        f"{row_words(gone)}."
    )
    return [Notice("missing-target", text)]


def _grouped_rows(group: Column, there: Rows) -> tuple[Rows, list[Notice]]:
    """Rows whose group is not known may belong to any: they cannot be used."""
    kept = there[~np.isnan(group.values[there])]
    gone = np.setdiff1d(there, kept) + 1
    text = f"{len(gone)} rows have no {group.name!r} and are left out: {row_words(gone)}."
    return kept, [Notice("missing-group", text)] if len(gone) else []


def row_words(rows: Iterable[int]) -> str:
    """`rows 4, 9, 12 and 3 more`."""
    listed = list(rows)
    shown = ", ".join(map(str, listed[:8]))
    more = f" and {len(listed) - 8} more" if len(listed) > 8 else ""
    return f"row{'s' if len(listed) > 1 else ''} {shown}{more}"


def _task(target: Column, wanted: Task | None) -> tuple[Task, list[Notice]]:
    """Classes, numbers or counts, and what was guessed."""
    if wanted == "counts" and not _are_counts(target):
        raise UsageError(
            f"--task counts: {target.name!r} must hold whole numbers from 0. Leave --task out."
        )
    if wanted == "regression" and target.kind == "category":
        raise UsageError(f"--task regression: {target.name!r} holds texts, not numbers.")
    if wanted:
        return wanted, []
    if target.kind == "category":
        return "classification", []
    whole = bool(np.all(target.values == np.round(target.values)))
    distinct = len(np.unique(target.values))
    if not whole or distinct > FEW_VALUES:
        return "regression", []
    text = (
        f"{target.name!r} holds {distinct} different whole numbers, so they are taken for classes. "
        "If they are amounts, say --task regression or --task counts."
    )
    return "classification", [Notice("task-guessed", text)]


def _are_counts(target: Column) -> bool:
    values = target.values
    whole = bool(np.all((values >= 0) & (values == np.round(values))))
    return target.kind == "number" and whole


def _classes(target: Column) -> tuple[Array, tuple[str, ...]]:
    """Only classes that occur, in the order of their names or numbers."""
    found, codes = np.unique(target.values, return_inverse=True)
    if target.kind == "category":
        names = tuple(target.categories[int(v)] for v in found)
    else:
        names = tuple(f"{v:.15g}" for v in found)
    return codes.astype(np.float64), names


def _refuse_target(name: str, task: Task, y: Array, classes: Sequence[str]) -> None:
    if len(np.unique(y)) < 2:
        raise UsageError(f"{name!r} is the same in all rows, so there is nothing to predict.")
    if task == "classification" and len(classes) > max(FEW_VALUES, len(y) // 3):
        raise UsageError(
            f"{name!r} has {len(classes)} classes in {len(y)} rows. Is it a name or a number? "
            "Say --task regression for a number, or name another target."
        )


def _groups(
    examples: Examples, name: str | None, there: Rows
) -> tuple[Rows | None, tuple[str, ...]]:
    if not name:
        return None, ()
    column = examples.column(name).take(there)
    _, first, codes = np.unique(column.values, return_index=True, return_inverse=True)
    return codes.astype(np.int64), tuple(column.text(int(i)) for i in first)


def _inputs(
    examples: Examples, asked: Asked, there: Rows
) -> tuple[Array, tuple[Feature, ...], tuple[int, int] | None, bool, list[Notice]]:
    """Features, their meaning, the shape of trials, whether they are padded, what was left out."""
    spoken = {asked.target, asked.group, *asked.leave_out}
    others = [c for c in examples.columns if c.name not in spoken]
    if examples.trials is not None:
        trials = examples.trials[there]
        shape = (trials.shape[1], trials.shape[2])
        gone = [Notice("not-used", _not_used(others))] if others else []
        channels = tuple(Feature(f"channel {i + 1}", "number") for i in range(shape[1]))
        padded = bool(np.isnan(trials).all(axis=2).any())
        return trials.reshape(len(trials), -1), channels, shape, padded, gone
    kept, notices = _useful(others, there)
    if not kept:
        raise UsageError(f"No column is left to predict {asked.target!r} from.")
    x = np.stack([c.values[there] for c in kept], axis=1)
    features = tuple(Feature(c.name, c.kind, c.categories) for c in kept)
    return x, features, None, False, notices


def _not_used(columns: Sequence[Column]) -> str:
    names = ", ".join(repr(c.name) for c in columns)
    return f"Networks see the trials alone. Beside them stands, and is not used: {names}."


def _useful(columns: Sequence[Column], there: Rows) -> tuple[list[Column], list[Notice]]:
    """Columns that can tell something: not the same everywhere, and no mere names of rows."""
    kept: list[Column] = []
    notices: list[Notice] = []
    for column in columns:
        values = column.values[there]
        known = values[~np.isnan(values)]
        if len(np.unique(known)) + (len(known) < len(values)) < 2:
            text = f"{column.name!r} is the same in all rows and is left out."
            notices.append(Notice("constant-column", text))
        elif _names_rows(column, known, len(values)):
            text = f"{column.name!r} has another value in each row, as a name has; it is left out."
            notices.append(Notice("identity-column", text))
        else:
            kept.append(column)
    return kept, notices


def _names_rows(column: Column, known: Array, rows: int) -> bool:
    """A text that never repeats, or whole numbers that count the rows up or down."""
    if len(known) < rows or rows < 3:
        return False
    if column.kind == "category":
        return len(np.unique(known)) == rows
    steps = np.diff(known)
    return column.kind == "number" and bool(np.all(steps == steps[0]) and abs(steps[0]) == 1)

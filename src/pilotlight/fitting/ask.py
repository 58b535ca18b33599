"""From data and what a person says of them to a question; refuses what cannot be predicted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pilotlight.core.errors import UsageError, raise_all, unknown
from pilotlight.data.columns import Array, Column
from pilotlight.data.files import Examples
from pilotlight.fitting.question import (
    TASKS,
    Asked,
    Feature,
    Notice,
    Question,
    Rows,
    Task,
    row_words,
)
from pilotlight.fitting.split import without

FEW_VALUES = 10
"""Whole numbers with so few different values are taken for classes unless told otherwise."""


def ask(examples: Examples, asked: Asked) -> Question:
    """Put a question to data.

    Raises:
        UsageError: names that do not exist, a target that cannot be predicted; all at once.
    """
    names = target_names(asked.target, [c.name for c in examples.columns])
    _refuse_unknown(examples, asked, names)
    targets = [examples.column(name) for name in names]
    there = np.flatnonzero(~np.any([np.isnan(t.values) for t in targets], axis=0))
    notices = [Notice("as-read", note) for note in examples.notes]
    notices += _missing_rows(examples, asked.target, there)
    if asked.group:
        there, more = _grouped_rows(examples.column(asked.group), there)
        notices += more
    if len(there) < 2:
        raise UsageError(f"{asked.target!r} is missing in all rows but {len(there)}.")
    targets = [target.take(there) for target in targets]
    task, y, classes_of, guessed = _target(targets, asked.task)
    for k, (name, column) in enumerate(zip(names, y.reshape(len(y), -1).T, strict=True)):
        _refuse_target(name, task, column, classes_of[k] if classes_of else ())
    groups, group_names = _groups(examples, asked.group, there)
    spoken = {*names, asked.group, *asked.leave_out}
    others = [c for c in examples.columns if c.name not in spoken]
    x, features, shape, padded, more = _inputs(examples, others, asked.target, there)
    return Question(
        name=examples.name,
        task=task,
        target=", ".join(names),
        targets=names,
        x=x,
        y=y,
        features=features,
        classes_of=classes_of,
        shape=shape,
        groups=groups,
        group=asked.group or "",
        group_names=group_names,
        in_time=asked.in_time,
        rows=there + 1,
        padded=padded,
        notices=(*notices, *guessed, *more),
        undeclared=tuple(
            c.take(there) for c in examples.columns if c.name not in (*names, asked.group)
        ),
    )


def target_names(target: str, columns: Sequence[str]) -> tuple[str, ...]:
    """One column, or several separated by commas; a name that itself holds a comma is one."""
    if target in columns:
        return (target,)
    return tuple(name for part in target.split(",") if (name := part.strip()))


def _refuse_unknown(examples: Examples, asked: Asked, targets: Sequence[str]) -> None:
    names = [c.name for c in examples.columns]
    given = {"--target": targets, "--leave-out": asked.leave_out}
    given["--group"] = [asked.group] if asked.group else []
    problems = [
        f"{option}: {unknown('column', name, names)}"
        for option, wanted in given.items()
        for name in wanted
        if name not in names
    ]
    if asked.task not in (None, *TASKS):
        problems.append(f"--task: {unknown('task', str(asked.task), TASKS)}")
    if asked.group in targets:
        problems.append(f"{asked.group!r} cannot be both the target and the group.")
    problems += [f"--target: {t!r} is named twice." for t in set(targets) if targets.count(t) > 1]
    if not targets:
        problems.append("--target names no column.")
    raise_all(problems)


def _missing_rows(examples: Examples, target: str, there: Rows) -> list[Notice]:
    gone = without(np.arange(examples.rows), there) + 1
    if not len(gone):
        return []
    text = (
        f"{len(gone)} of {examples.rows} rows have no {target!r} and are left out: "
        f"{row_words(gone)}."
    )
    return [Notice("missing-target", text)]


def _grouped_rows(group: Column, there: Rows) -> tuple[Rows, list[Notice]]:
    """Rows whose group is not known may belong to any: they cannot be used."""
    kept = there[~np.isnan(group.values[there])]
    gone = without(there, kept) + 1
    text = f"{len(gone)} rows have no {group.name!r} and are left out: {row_words(gone)}."
    return kept, [Notice("missing-group", text)] if len(gone) else []


def _target(
    targets: Sequence[Column], wanted: Task | None
) -> tuple[Task, Array, tuple[tuple[str, ...], ...], list[Notice]]:
    """The task, what is predicted [R] or [R, K], each target's classes, what was guessed."""
    task, guessed = _task_of(targets, wanted)
    if task == "classification":
        coded = [_classes(target) for target in targets]
    else:
        coded = [(target.values, ()) for target in targets]
    columns = [values for values, _ in coded]
    y = columns[0] if len(columns) == 1 else np.stack(columns, axis=1)
    return task, y, tuple(names for _, names in coded if names), guessed


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


def _task_of(targets: Sequence[Column], wanted: Task | None) -> tuple[Task, list[Notice]]:
    """What all targets are alike: classes, numbers or counts. Among numbers few values are numbers.

    Raises:
        UsageError: some are texts and others numbers, which share no score.
    """
    found = [_task(target, wanted) for target in targets]
    if len({task for task, _ in found}) == 1:
        return found[0][0], [notice for _, notices in found for notice in notices]
    texts = [repr(t.name) for t in targets if t.kind == "category"]
    numbers = [repr(t.name) for t in targets if t.kind != "category"]
    if texts:
        raise UsageError(
            f"--target: {', '.join(texts)} {_holds(texts)} texts, {', '.join(numbers)} "
            f"{_holds(numbers)} numbers. They share no score: fit classes and numbers in two "
            "runs. If the numbers stand for classes, say --task classification."
        )
    return "regression", []


def _holds(names: Sequence[str]) -> str:
    return "holds" if len(names) == 1 else "hold"


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
    examples: Examples, others: Sequence[Column], target: str, there: Rows
) -> tuple[Array, tuple[Feature, ...], tuple[int, int] | None, bool, list[Notice]]:
    """Features, their meaning, the shape of trials, whether they are padded, what was left out."""
    if examples.trials is not None:
        trials = examples.trials[there]
        shape = (trials.shape[1], trials.shape[2])
        gone = [Notice("not-used", _not_used(others))] if others else []
        channels = tuple(Feature(f"channel {i + 1}", "number") for i in range(shape[1]))
        padded = bool(np.isnan(trials).all(axis=2).any())
        return trials.reshape(len(trials), -1), channels, shape, padded, gone
    kept, notices = _useful(others, there)
    if not kept:
        raise UsageError(f"No column is left to predict {target!r} from.")
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

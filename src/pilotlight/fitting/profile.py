"""Look before training: what in the data would make a score mean something else than it says.

Nothing here changes the data or the folds; each notice says what to do. R rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from pilotlight.data.columns import Array, Column
from pilotlight.data.generators import named_seed
from pilotlight.fitting.drift import drift_notices, shift_notice
from pilotlight.fitting.folds import copies
from pilotlight.fitting.question import Notice, Question, row_words
from pilotlight.fitting.split import Folds
from pilotlight.fitting.study import MANY_ROWS

FEW_ROWS, FEW_GROUPS = 100, 10
LARGE_CLASS = 0.8
GIVEN_AWAY = 0.99
"""A column that alone predicts so much of what it has not seen is the answer, or made of it."""
MOST_LOOKED_AT = 5000
GROUP_NAME = re.compile(
    r"(^|[_\W])(id|animal|subject|patient|participant|person|individual|mouse|mice|rat|monkey|fly"
    r"|session|recording|cell|family|litter|site|centre|center|plate|batch|experiment)s?([_\W]|$)",
    re.IGNORECASE,
)
TIME_NAME = re.compile(r"(^|[_\W])(time|timestamp|date|day|hour|year|month|week)s?([_\W]|$)", re.I)


def look(question: Question, folds: Folds) -> list[Notice]:
    """All notices on a question's data, the gravest kinds first."""
    return [
        *_answers(question),
        *_undeclared(question),
        *drift_notices(question),
        *shift_notice(question, folds.outer),
        *_sizes(question, folds),
        *_many(question),
        *_classes(question, folds),
        *_copies(question),
        *_gaps(question),
    ]


def _sizes(question: Question, folds: Folds) -> Iterator[Notice]:
    rows = len(question.y)
    if rows < FEW_ROWS:
        text = f"{rows} rows are few: the score will be uncertain, and a network can hardly gain."
        yield Notice("few-rows", text)
    if question.groups is None:
        return
    groups = len(question.group_names)
    if groups < FEW_GROUPS:
        text = (
            f"{groups} values of {question.group!r} are few: how well this works for a new "
            f"{question.group} can hardly be known. The interval says how hardly."
        )
        yield Notice("few-groups", text)
    largest = int(np.bincount(question.groups).max())
    if largest > rows / 2 and groups > 1:
        name = question.group_names[int(np.bincount(question.groups).argmax())]
        text = f"{question.group} {name!r} holds {largest} of {rows} rows: it decides the score."
        yield Notice("large-group", text)


def _many(question: Question) -> Iterator[Notice]:
    if len(question.y) > MANY_ROWS:
        text = f"With more than {MANY_ROWS:,} rows, nearest neighbours are left out: too slow."
        yield Notice("nearest-left-out", text)


def _classes(question: Question, folds: Folds) -> Iterator[Notice]:
    needed = 2 * len(folds.outer)
    for k, classes in enumerate(question.classes_of):
        within = f" in {question.targets[k]!r}" if len(question.targets) > 1 else ""
        counts = np.bincount(question.each[:, k].astype(int))
        largest = counts.max() / counts.sum()
        if largest > LARGE_CLASS:
            name = classes[int(counts.argmax())]
            text = (
                f"{100 * largest:.0f} % of the rows are {name!r}{within}: always saying so is that "
                "accurate. Look at the baseline 'majority' and at the balanced accuracy."
            )
            yield Notice("imbalanced", text)
        rare = ", ".join(f"{c} ({n})" for c, n in zip(classes, counts, strict=True) if n < needed)
        if rare:
            text = f"Classes{within} with fewer than {needed} rows can hardly be learnt: {rare}."
            yield Notice("rare-class", text)


def _copies(question: Question) -> Iterator[Notice]:
    found, first, times = np.unique(copies(question), return_index=True, return_counts=True)
    repeated = int(len(question.y) - len(found))
    if not repeated:
        return
    where = row_words(question.rows[np.sort(first[times > 1])].tolist())
    kept = "They are kept on one side of every fold."
    if question.groups is not None or question.in_time:
        kept = "Where they lie in different folds, a network may know the answer by heart."
    text = f"{repeated} rows repeat another in every value ({where}). {kept}"
    yield Notice("duplicates", text)


def _gaps(question: Question) -> Iterator[Notice]:
    if question.shape is not None:
        return
    shares = np.isnan(question.x).mean(axis=0)
    missing = [
        f"{f.name} {100 * s:.0f} %" for f, s in zip(question.features, shares, strict=True) if s > 0
    ]
    if missing:
        more = f" and {len(missing) - 6} more" if len(missing) > 6 else ""
        text = (
            f"Values are missing in {', '.join(missing[:6])}{more}. Numbers are filled in with the "
            "median of a fold's training rows, and the network is told where."
        )
        yield Notice("missing-values", text)


def _answers(question: Question) -> Iterator[Notice]:
    """Columns that alone predict nearly everything, tried on rows that they have not seen."""
    if question.shape is not None or len(question.y) < 20:
        return
    rng = np.random.default_rng(named_seed(0, "look"))
    rows = rng.permutation(len(question.y))[:MOST_LOOKED_AT]
    classes = question.task == "classification"
    told = [
        (name, y)
        for name, y in zip(question.targets, question.each[rows].T, strict=True)
        if not (classes and np.bincount(y.astype(int)).max() > 0.95 * len(rows))
    ]
    for i, feature in enumerate(question.features):
        for name, y in told:
            if _told_by(question.x[rows, i], y, classes) > GIVEN_AWAY:
                text = (
                    f"{feature.name!r} alone gives {name!r} away. If it is made from it, or known "
                    f"only afterwards, the score is worthless: --leave-out {feature.name}."
                )
                yield Notice("answer-column", text)


def _told_by(x: Array, y: Array, classes: bool) -> float:
    """Accuracy or R2 of a small tree on one column, on the half that it has not seen."""
    if np.isnan(x).all():
        return 0.0  # it is missing in all rows that were looked at
    half = len(y) // 2
    kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
    tree = kind(max_leaf_nodes=64, min_samples_leaf=2, random_state=0)
    x = np.where(np.isnan(x), np.nanmin(x) - 1, x)[:, None]
    return float(tree.fit(x[:half], y[:half]).score(x[half:], y[half:]))


# What was not declared


def _undeclared(question: Question) -> Iterator[Notice]:
    for column in question.undeclared:
        values = column.values[~np.isnan(column.values)]
        distinct = len(np.unique(values))
        if _is_time(column, values, distinct):
            yield from _time_notice(question, column, values)
        elif _is_group(column, values, distinct) and not _is_within_groups(question, column):
            text = (
                f"{column.name!r} looks like what rows belong to: {distinct} values, each in about "
                f"{len(values) / distinct:.0f} rows. If its rows are alike, they stand on both "
                f"sides of a fold, and the score is too good: --group {column.name}."
            )
            yield Notice("looks-like-group", text)


def _is_time(column: Column, values: Array, distinct: int) -> bool:
    if distinct < 5 or column.kind == "category":
        return False
    if column.kind == "date" or TIME_NAME.search(column.name):
        return True
    rising = bool(np.all(np.diff(values) >= 0))
    return rising and distinct > len(values) / 2 and not GROUP_NAME.search(column.name)


def _time_notice(question: Question, column: Column, values: Array) -> Iterator[Notice]:
    rising = bool(np.all(np.diff(values) >= 0)) or bool(np.all(np.diff(values) <= 0))
    if not question.in_time:
        text = (
            f"{column.name!r} looks like time. If rows near in time are alike, shuffled folds make "
            "the score too good: sort the rows by it and say --in-time."
        )
        yield Notice("looks-like-time", text)
    elif not rising and question.groups is None:
        text = (
            f"{column.name!r} looks like time, but the rows are not in its order. --in-time takes "
            "the rows as they stand in the file: sort them first."
        )
        yield Notice("not-in-order", text)


def _is_within_groups(question: Question, column: Column) -> bool:
    """Whether all rows of one value belong to one declared group: sessions of an animal."""
    if question.groups is None:
        return False
    there = ~np.isnan(column.values)
    pairs = np.unique(np.stack([column.values[there], question.groups[there]]), axis=1)
    return bool(pairs.shape[1] == len(np.unique(column.values[there])))


def _is_group(column: Column, values: Array, distinct: int) -> bool:
    """By its name; or whole numbers or texts that come in runs, each value in one run."""
    if column.kind == "date" or not 3 <= distinct <= len(values) / 2:
        return False
    if column.kind == "number" and np.any(values != np.round(values)):
        return False
    if GROUP_NAME.search(column.name):
        return True
    runs = 1 + int(np.count_nonzero(np.diff(values)))
    return distinct >= 5 and runs <= 1.5 * distinct

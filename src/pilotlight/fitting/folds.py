"""Folds: which rows train and which test, so that what belongs together is never torn apart.

Outer folds give the score; their test rows are never seen while settings are chosen. Inner folds,
cut from the training rows of an outer fold, choose the settings. R rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pilotlight.core.errors import UsageError, raise_all
from pilotlight.data.columns import Array
from pilotlight.data.generators import named_seed
from pilotlight.fitting.given_folds import read_folds
from pilotlight.fitting.question import SELDOM, Notice, Question, Rows, class_columns
from pilotlight.fitting.split import Fold, Folds, without

BLOCKS_PER_FOLD = 4
"""An interval over time is over so many blocks of consecutive rows for each fold."""
REMEMBERED = 0.1
"""Rows whose targets correlate more than this are too near in time to stand on both sides."""
REPEATS = 0.5
"""If more rows than this share repeat another, repeating is the data's nature, not a copy."""


def make_folds(
    question: Question, count: int = 5, inner: int = 3, given: str | Path | None = None
) -> Folds:
    """Cut the rows by the question's own rule; `given` names a file of outer folds.

    Raises:
        UsageError: too few rows or groups, groups that lie among one another in time, or a file
            that does not fit.
    """
    problems = [
        f"{name}={n}: {name} is a whole number from 2 to 100."
        for name, n in (("folds", count), ("inner-folds", inner))
        if not 2 <= n <= 100
    ]
    raise_all(problems)
    cut = _Cut(question)
    everything = np.arange(len(question.y))
    if given is not None:
        outer, notices = read_folds(Path(given), question)
        rule = f"given by {Path(given).name}; inside them {cut.rule}"
    else:
        outer, notices = cut.into(everything, count, "outer"), []
        rule = cut.rule
    inside = tuple(cut.into(fold.train, inner, f"inner{k}") for k, fold in enumerate(outer))
    whole = cut.into(everything, inner, "whole")
    units, unit = _units(question, cut, outer)
    notices += _class_notices(question, outer)
    return Folds(rule, outer, inside, whole, units, unit, cut.gap, tuple(notices))


class _Cut:
    """The rule by which a question's rows are cut, outer and inner alike."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self.gap = memory(question) if question.in_time else 0
        self.copies = copies(question)
        self.rule = self._rule()

    def _rule(self) -> str:
        question = self._question
        if question.in_time and question.groups is not None:
            return f"whole groups ({question.group}), in order of time, gap {self.gap} rows"
        if question.in_time:
            return f"blocks of consecutive rows, gap {self.gap} rows"
        if question.groups is not None:
            return f"whole groups ({question.group})"
        if len(question.heads) > 1:
            return (
                "combinations of classes in equal shares, those of fewer than "
                f"{SELDOM} rows by {question.targets[0]}"
            )
        return "classes in equal shares" if question.task == "classification" else "rows at random"

    def into(self, rows: Rows, count: int, name: str) -> tuple[Fold, ...]:
        """Cut some rows into folds; `name` names the generator that shuffles them."""
        question = self._question
        rng = np.random.default_rng(named_seed(0, f"folds/{name}"))
        if question.groups is not None:
            parts = self._whole_groups(rows, count, rng)
        elif question.in_time:
            parts = _chunks(rows, count, question)
        else:
            parts = self._at_random(rows, count, rng)
        folds = []
        for test in parts:
            train = without(rows, test)
            if question.in_time:
                train = apart(train, test, self.gap)
            folds.append(Fold(train, np.sort(test)))
        raise_all(self._empty(folds, rows))
        return tuple(folds)

    def _empty(self, folds: Sequence[Fold], rows: Rows) -> list[str]:
        short = [f for f in folds if len(f.train) < max(2, len(rows) // 10)]
        if short and self._question.groups is not None and self._question.in_time:
            group = self._question.group
            return [
                f"--group {group} with --in-time: the rows of different {group} lie among one "
                "another in time, so nothing is left to train on. Leave one of the two out."
            ]
        if short:
            return [f"{len(rows)} rows are too few to be cut into {len(folds)} folds."]
        return []

    def _at_random(self, rows: Rows, count: int, rng: np.random.Generator) -> list[Rows]:
        """Dealt out one by one, class after class; a copy goes where its first one goes."""
        if len(rows) < 2 * count:
            raise UsageError(
                f"{len(rows)} rows are too few for {count} folds; each needs two to test on."
            )
        _, first, place = np.unique(self.copies[rows], return_index=True, return_inverse=True)
        order = rng.permutation(len(first))
        if self._question.task == "classification":
            strata = self._question.strata[rows[first[order]]]
            order = order[np.argsort(strata, kind="stable")]
        fold_of = np.empty(len(first), np.int64)
        fold_of[order] = np.arange(len(first)) % count
        return [rows[fold_of[place] == k] for k in range(count)]

    def _whole_groups(self, rows: Rows, count: int, rng: np.random.Generator) -> list[Rows]:
        question = self._question
        assert question.groups is not None
        codes, place = np.unique(question.groups[rows], return_inverse=True)
        if len(codes) < 2:
            raise UsageError(
                f"--group {question.group}: too few groups. Three are needed: one to test on, and "
                "among the others one to choose settings on. Add groups, or leave --group out."
            )
        count = min(count, len(codes))
        if question.in_time:
            middle = np.bincount(place, rows) / np.bincount(place)
            fold_of = _in_order(np.argsort(middle), np.bincount(place), count)
        else:
            fold_of = _balanced(place, _indicator(question, rows), count, rng)
        return [part for k in range(count) if len(part := rows[fold_of[place] == k])]


def _chunks(rows: Rows, count: int, question: Question) -> list[Rows]:
    if len(rows) < 4 * count:
        raise UsageError(f"{len(rows)} rows are too few for {count} blocks of time.")
    return list(np.array_split(np.sort(rows), count))


def _indicator(question: Question, rows: Rows) -> Any:
    """What is to be spread evenly: a column for each class of each target, or one for all rows."""
    if question.task != "classification":
        return np.ones((len(rows), 1))
    return class_columns(question)[rows]


def _balanced(place: Rows, shares: Any, count: int, rng: np.random.Generator) -> Rows:
    """A fold for each group: the large ones first, each to where it leaves folds most even."""
    held = np.zeros((place.max() + 1, shares.shape[1]))
    np.add.at(held, place, shares)
    weights = held / np.maximum(shares.sum(0), 1)
    order = rng.permutation(len(held))
    order = order[np.argsort(-weights[order].sum(1), kind="stable")]
    filled = np.zeros((count, shares.shape[1]))
    fold_of = np.empty(len(held), np.int64)
    for group in order:
        # adding w to f raises the sum of squares by 2 f w + w w: least where f w is least
        cost = filled @ weights[group]
        fold_of[group] = int(np.argmin(cost + 1e-9 * filled.sum(1)))
        filled[fold_of[group]] += weights[group]
    return fold_of


def _in_order(order: Rows, sizes: Rows, count: int) -> Rows:
    """Consecutive groups share a fold; about equally many rows in each."""
    ends = np.cumsum(sizes[order])
    middles = ends - sizes[order] / 2
    fold_of = np.empty(len(order), np.int64)
    fold_of[order] = np.minimum(middles * count // ends[-1], count - 1).astype(np.int64)
    return fold_of


def apart(train: Rows, test: Rows, gap: int) -> Rows:
    """Training rows further than `gap` places from every test row."""
    places = np.sort(test)
    after = np.searchsorted(places, train)
    left = train - places[np.maximum(after - 1, 0)]
    right = places[np.minimum(after, len(places) - 1)] - train
    near = np.minimum(np.where(left < 0, right, left), np.where(right < 0, left, right))
    return train[near > gap]


def memory(question: Question) -> int:
    """After how many rows the target has forgotten itself: its autocorrelation falls to 0.1.

    At least 1, at most a fortieth of the rows, so that gaps do not eat up the data.
    """
    most = max(1, len(question.y) // 40)
    return max(_remembers(column - column.mean(), most) for column in question.each.T)


def _remembers(y: Array, most: int) -> int:
    total = float(y @ y)
    for lag in range(1, most):
        if total == 0 or float(y[:-lag] @ y[lag:]) / total < REMEMBERED:
            return lag
    return most


def copies(question: Question) -> Rows:
    """A number for each row; rows that repeat another in every value share one.

    Where most rows repeat (a table of few categories), repeating tells nothing: all differ then.
    """
    every = np.column_stack([np.nan_to_num(question.x, nan=np.inf), question.each])
    width = every.dtype.itemsize * every.shape[1]
    packed = np.ascontiguousarray(every).view(np.dtype((np.void, width))).ravel()
    found, codes = np.unique(packed, return_inverse=True)
    if len(found) < (1 - REPEATS) * len(codes):
        return np.arange(len(codes))
    return codes.astype(np.int64)


def _units(question: Question, cut: _Cut, outer: Sequence[Fold]) -> tuple[Rows, str]:
    if question.groups is not None:
        return question.groups, question.group
    if not question.in_time:
        return cut.copies, "rows"
    units = np.zeros(len(question.y), np.int64)
    for k, fold in enumerate(outer):
        for b, block in enumerate(np.array_split(fold.test, BLOCKS_PER_FOLD)):
            units[block] = k * BLOCKS_PER_FOLD + b
    return units, "blocks of time"


def _class_notices(question: Question, outer: Sequence[Fold]) -> list[Notice]:
    if question.task != "classification":
        return []
    several = len(question.targets) > 1
    each = zip(question.targets, question.classes_of, strict=True)
    names = np.array([f"{c} ({t})" if several else c for t, classes in each for c in classes])
    columns = class_columns(question)
    lacking = {name for f in outer for name in names[~columns[f.train].any(0)].tolist()}
    text = (
        f"In some fold no training row is of class {', '.join(sorted(lacking))}: nothing can learn "
        "it there. More rows or groups of it are needed."
    )
    return [Notice("class-not-in-fold", text)] if lacking else []

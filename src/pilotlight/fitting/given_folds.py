"""Outer folds that a person gives as a file. R rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pilotlight.core.errors import UsageError, raise_all
from pilotlight.fitting.question import Notice, Question, Rows, row_words
from pilotlight.fitting.split import Fold, without


def read_folds(path: Path, question: Question) -> tuple[tuple[Fold, ...], list[Notice]]:
    """Outer folds from a JSON file: a list of lists of test rows, or of {"train": .., "test": ..}.

    Rows are indices into the file of data, from 0, as numpy and scikit-learn count. Rows that
    were left out for want of a target are passed over.

    Raises:
        UsageError: no such file, no such rows, a row that tests twice.
    """
    try:
        lists = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"--folds {path}: {error.strerror}. Name a number or a file.") from error
    except ValueError as error:
        raise UsageError(f"--folds {path} is not JSON ({error}).") from error
    if not isinstance(lists, list) or len(lists) < 2:
        raise UsageError(f"--folds {path} holds no list of two folds or more.")
    place = {int(row) - 1: i for i, row in enumerate(question.rows)}
    everything = np.arange(len(question.y))
    folds = []
    for entry in lists:
        both = entry if isinstance(entry, dict) else {"test": entry}
        test = _rows_of(both.get("test", []), place, path)
        train = _rows_of(both["train"], place, path) if "train" in both else None
        folds.append(Fold(without(everything, test) if train is None else train, test))
    _refuse_folds(folds, path)
    return tuple(folds), _group_notices(question, folds)


def _rows_of(listed: Any, place: dict[int, int], path: Path) -> Rows:
    most = max(place)
    if not isinstance(listed, list) or not all(type(r) is int and 0 <= r <= most for r in listed):
        raise UsageError(f"--folds {path}: rows are whole numbers from 0 to {most}.")
    return np.array(sorted(place[r] for r in listed if r in place), np.int64)


def _refuse_folds(folds: Sequence[Fold], path: Path) -> None:
    tested = np.concatenate([f.test for f in folds])
    rows, times = np.unique(tested, return_counts=True)
    problems = []
    if np.any(times > 1):
        problems.append(f"--folds {path}: {row_words(rows[times > 1])} (from 0) test twice.")
    for number, fold in enumerate(folds):
        if np.intersect1d(fold.train, fold.test).size:
            problems.append(f"--folds {path}: fold {number} trains on rows that it tests on.")
        if not len(fold.test) or len(fold.train) < 2:
            problems.append(f"--folds {path}: fold {number} has no row to train or to test on.")
    raise_all(problems)


def _group_notices(question: Question, folds: Sequence[Fold]) -> list[Notice]:
    if question.groups is None:
        return []
    groups = question.groups
    torn = sum(bool(np.intersect1d(groups[f.train], groups[f.test]).size) for f in folds)
    text = (
        f"{torn} of the given folds have rows of one {question.group} on both sides. The score "
        f"then says nothing about a new {question.group}."
    )
    return [Notice("folds-split-groups", text)] if torn else []

"""Slow drift in signal and target: what makes shuffled folds blind.

Two signals that only wander slowly predict one another on rows beside those trained on. Permuted
labels do not show it, for permuting ends the wandering; labels that are shifted in a circle do.
Source: Harris (2020), Nonsense correlations in neuroscience. R rows, P features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pilotlight.data.columns import Array
from pilotlight.data.generators import named_seed
from pilotlight.fitting.question import Notice, Question, Rows, class_columns
from pilotlight.fitting.split import Fold

DRIFT = "slow-drift"
SHIFTS = (0.23, 0.37, 0.5, 0.61, 0.79)
"""By which shares of all rows labels are shifted."""
FOOLED = 0.1
"""Shuffled folds that find so much R2 in shifted labels measure drift."""
FEWEST, MOST_ROWS, MOST_FEATURES = 40, 20_000, 20
FOLDS = 5
MOST_SHIFTS = 99
SURE = 0.05


def drift_notices(question: Question) -> list[Notice]:
    """Whether labels shifted in time are still predicted under shuffled folds."""
    if question.in_time or len(question.y) < FEWEST:
        return []
    if targets := _sorted_by(question):
        text = (
            f"The rows are sorted by {targets!r}, so nobody can see whether it drifts in "
            "time. If they were recorded in another order, bring that back."
        )
        return [Notice("sorted-by-target", text)]
    found = shifted_score(question)
    if found < FOOLED:
        return []
    text = (
        f"Signal and target drift: shifted in time against one another, where nothing true is "
        f"left, shuffled folds still find R2 {found:.2f}. A score from such folds would measure "
        "the drift. If rows are in order of time, say --in-time."
    )
    return [Notice(DRIFT, text)]


def shifted_score(question: Question) -> float:
    """Mean R2 of ridge regression under shuffled folds for labels shifted in a circle."""
    step = -(-len(question.y) // MOST_ROWS)
    x = _main_directions(question.x[::step])
    y = _labels(question)[::step]
    rng = np.random.default_rng(named_seed(0, "drift"))
    fold = rng.permutation(len(y)) % FOLDS
    shifts = [round(share * len(y)) for share in SHIFTS]
    return float(np.mean([_r2(x, np.roll(y, shift, axis=0), fold) for shift in shifts]))


def shift_test(question: Question, outer: Sequence[Fold]) -> tuple[float, float]:
    """For rows in time: the score of ridge regression, and p that shifted labels reach it.

    The same folds, the labels shifted in a circle in many ways; each shift keeps what the labels
    remember and ends what is true. p = (1 + shifts at least as good) / (1 + shifts).
    """
    x, y = _main_directions(question.x), _labels(question)
    rows = len(y)
    shifts = np.unique(np.linspace(0.1 * rows, 0.9 * rows, MOST_SHIFTS).astype(int))
    columns = np.concatenate([y, *(np.roll(y, s, axis=0) for s in shifts)], axis=1)
    lost, base = np.zeros(columns.shape[1]), np.zeros(columns.shape[1])
    for fold in outer:
        predicted = _ridge(x, columns, fold.train, fold.test)
        lost += ((columns[fold.test] - predicted) ** 2).sum(0)
        base += ((columns[fold.test] - columns[fold.test].mean(0)) ** 2).sum(0)
    scores = 1 - lost.reshape(-1, y.shape[1]).sum(1) / base.reshape(-1, y.shape[1]).sum(1)
    p = (1 + int((scores[1:] >= scores[0]).sum())) / (1 + len(shifts))
    return float(scores[0]), p


def shift_notice(question: Question, outer: Sequence[Fold]) -> list[Notice]:
    """Whether a linear model under the question's own folds tells true from shifted labels."""
    if not question.in_time or len(question.y) < FEWEST:
        return []
    score, p = shift_test(question, outer)
    if p < SURE:
        return []
    text = (
        f"Shift test: under these folds a linear model reaches R2 {score:.2f}, and labels shifted "
        f"in time against the signal are predicted as well (p = {p:.2g}). Unless the network finds "
        "what a line cannot, a score here may be drift."
    )
    return [Notice("no-better-than-shifted", text)]


def _sorted_by(question: Question) -> str:
    """The targets by which the rows are sorted; mostly none."""
    steps = np.diff(question.each, axis=0)
    if question.task == "classification":
        found = np.count_nonzero(steps, axis=0) == np.array(question.heads) - 1
    else:
        found = np.all(steps >= 0, axis=0) | np.all(steps <= 0, axis=0)
    return ", ".join(name for name, is_so in zip(question.targets, found, strict=True) if is_so)


def _labels(question: Question) -> Array:
    """The targets with standard deviation 1, or a column for each class; mean 0."""
    y = question.each / question.each.std(0)
    if question.task == "classification":
        y = class_columns(question)
    return np.asarray(y - y.mean(0))


def _main_directions(x: Array) -> Array:
    """The features' first principal components, missing values at their column's mean."""
    filled = np.where(np.isnan(x), 0, x)
    count = np.maximum((~np.isnan(x)).sum(0), 1)
    mean = filled.sum(0) / count
    centred = np.where(np.isnan(x), 0, x - mean)
    spread = centred.std(0)
    scaled = centred[:, spread > 0] / spread[spread > 0]
    if not scaled.shape[1]:
        return np.zeros((len(x), 1))
    left, sizes, _ = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray((left * sizes)[:, :MOST_FEATURES])


def _r2(x: Array, y: Array, fold: Rows) -> float:
    """Out-of-fold R2 over all label columns together."""
    lost = 0.0
    for k in range(FOLDS):
        test = fold == k
        lost += float(((y[test] - _ridge(x, y, ~test, test)) ** 2).sum())
    return 1 - lost / float((y**2).sum())


def _ridge(x: Array, y: Array, train: Any, test: Any) -> Array:
    """Ridge regression with a slight penalty: what it predicts for the test rows."""
    mean_x, mean_y = x[train].mean(0), y[train].mean(0)
    own = x[train] - mean_x
    penalty = 1e-3 * len(own) * np.eye(x.shape[1])
    weights = np.linalg.solve(own.T @ own + penalty, own.T @ (y[train] - mean_y))
    return np.asarray((x[test] - mean_x) @ weights + mean_y)

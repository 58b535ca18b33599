"""A part of some rows, for a learning curve: what would there be with fewer of them? R rows."""

from __future__ import annotations

import numpy as np

from pilotlight.data.generators import named_seed
from pilotlight.fitting.question import Question, Rows


def part_of(question: Question, rows: Rows, share: float, name: str) -> Rows:
    """A share of some rows, in their order; `name` names the generator that draws them.

    Whole groups where there are groups; a stretch where rows are in time; else rows at random,
    classes in equal shares. With one name, smaller shares lie in larger ones.
    """
    rng = np.random.default_rng(named_seed(0, name))
    count = max(1, round(share * len(rows)))
    if question.groups is not None:
        codes = question.groups[rows]
        order = rng.permutation(np.unique(codes))
        wanted = max(1, round(share * len(order)))
        return rows[np.isin(codes, order[:wanted])]
    if question.in_time:
        start = int(rng.integers(len(rows)))
        return np.sort(np.roll(rows, -start)[:count])
    return np.sort(rows[_mixed(question, rows, rng)[:count]])


def _mixed(question: Question, rows: Rows, rng: np.random.Generator) -> Rows:
    """Places of all rows so mixed that every beginning holds classes in equal shares."""
    order = rng.permutation(len(rows))
    if question.task != "classification":
        return order
    y = question.strata[rows[order]]
    rank = np.empty(len(rows))
    for label in np.unique(y):
        own = np.flatnonzero(y == label)
        rank[own] = (np.arange(len(own)) + 0.5) / len(own)
    return order[np.argsort(rank, kind="stable")]

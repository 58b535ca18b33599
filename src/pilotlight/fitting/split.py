"""What a split is: outer folds that score, inner folds that choose; saved and hashed. R rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from pilotlight.fitting.question import Notice, Rows


def without(rows: Rows, others: Rows) -> Rows:
    """Those rows that are not among the others, in order; quick also for a million."""
    kept = np.zeros(1 + max(rows.max(initial=-1), others.max(initial=-1)), bool)
    kept[rows] = True
    kept[others] = False
    return np.flatnonzero(kept)


@dataclass(frozen=True)
class Fold:
    """Row indices that train and that test."""

    train: Rows
    test: Rows


@dataclass(frozen=True)
class Folds:
    """A nested split. `inner[k]` cuts `outer[k].train`; `whole` cuts all rows, for the last fit.

    `units` [R] are what an interval is over: groups, blocks of time, or rows (copies as one);
    `unit` is their name.
    """

    rule: str
    outer: tuple[Fold, ...]
    inner: tuple[tuple[Fold, ...], ...]
    whole: tuple[Fold, ...]
    units: Rows
    unit: str
    gap: int = 0
    notices: tuple[Notice, ...] = ()

    @property
    def searches(self) -> tuple[tuple[Rows, tuple[Fold, ...]], ...]:
        """What settings are chosen for: the training rows of each outer fold, and all rows."""
        everything = np.arange(len(self.units))
        pairs = [(o.train, i) for o, i in zip(self.outer, self.inner, strict=True)]
        return (*pairs, (everything, self.whole))

    @property
    def tested(self) -> Rows:
        """All rows that an outer fold tests, in order."""
        return np.sort(np.concatenate([fold.test for fold in self.outer]))

    def arrays(self) -> dict[str, Rows]:
        """All index lists by name, as they are saved."""
        found = {"units": self.units}
        for k, (rows, inner) in enumerate(self.searches):
            name = f"outer{k}" if k < len(self.outer) else "whole"
            found[f"{name}-train"] = rows
            if k < len(self.outer):
                found[f"{name}-test"] = self.outer[k].test
            for j, fold in enumerate(inner):
                found[f"{name}-inner{j}-train"], found[f"{name}-inner{j}-test"] = (
                    fold.train,
                    fold.test,
                )
        return found

    @property
    def hash(self) -> str:
        """One short hash over all index lists."""
        digest = hashlib.sha256()
        for name, rows in self.arrays().items():
            digest.update(f"{name} {len(rows)} ".encode() + rows.astype("<i8").tobytes())
        return digest.hexdigest()[:16]

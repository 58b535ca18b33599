"""A study: a question, its folds, and what is tried; all that decides the numbers of a fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pilotlight.core.errors import UsageError
from pilotlight.fitting.baselines import Baseline, baselines
from pilotlight.fitting.candidates import Candidate
from pilotlight.fitting.networks import Inputs, Network
from pilotlight.fitting.parts import part_of
from pilotlight.fitting.question import Question, Rows
from pilotlight.fitting.split import Folds
from pilotlight.fitting.tables import seen_of

STEPS = 500
"""Updates that a network gets while settings are chosen; more rows get more."""
MOST_EPOCHS, FEWEST_EPOCHS = 60, 8
SMALLEST_BATCH, LARGEST_BATCH = 16, 1024
MOST_SEEDS = 50
MANY_ROWS = 20_000
"""Beyond, looking for nearest neighbours takes longer than all else."""
FIRST_SEED = 1000
EMBEDDED_FROM = 10
"""Columns of so many categories are embedded."""
HALVED_AT = (0.125, 0.25, 0.5)
"""At these shares of all epochs the worse half of the candidates stops."""
FEWEST_GOING_ON = 2
"""So many candidates of a network are never stopped."""
SHARES = (0.25, 0.5)
FEWEST_SHARED = 20
"""A learning curve is not drawn from fewer rows."""
ALL_OF_THEM = 0
"""`share` of a network that learns from all training rows."""


@dataclass(frozen=True)
class Place:
    """What networks are trained for: one outer fold, or at last all rows.

    `train` are all rows that may be learnt from there; `inner` cuts them to choose settings.
    """

    index: int
    train: Rows
    inner: Sequence[tuple[Rows, Rows]]


@dataclass(frozen=True)
class Study:
    """Everything that decides the numbers of a fit, beside versions and device."""

    question: Question
    folds: Folds
    networks: tuple[Network, ...]
    candidates: tuple[Candidate, ...]
    seeds: int = 3
    device: str = "cpu"
    halving: bool = True
    sampler: str = "halton"

    @property
    def batches(self) -> int:
        """How often candidates are searched: a sampler proposes as many as there were at first."""
        return 1 if self.sampler == "halton" else 2

    @cached_property
    def embedded(self) -> tuple[int, ...]:
        """Columns of categories that the networks get as embeddings; the others are one-hot."""
        if self.question.shape is not None or any(n.own for n in self.networks):
            return ()
        features = enumerate(self.question.features)
        return tuple(i for i, f in features if len(f.categories) >= EMBEDDED_FROM)

    @cached_property
    def seen(self) -> Inputs:
        """What networks see of a row."""
        return seen_of(self.question, self.embedded)

    @property
    def rounds(self) -> tuple[int, ...]:
        """Up to which epoch each round of the search trains.

        After each but the last the worse half of the candidates stops (successive halving,
        Jamieson and Talwalkar 2016).
        """
        ends = [max(1, round(share * self.epochs)) for share in HALVED_AT]
        return (*(e for e in ends if self.halves and e < self.epochs), self.epochs)

    @property
    def halves(self) -> bool:
        """Whether there are enough candidates of some network to stop half of them."""
        kinds = Counter(c.network for c in self.candidates)
        return self.halving and max(kinds.values()) > FEWEST_GOING_ON

    @cached_property
    def shares(self) -> tuple[float, ...]:
        """Parts of the training rows that a learning curve is drawn from; none if those are few."""
        fewest = min(len(f.train) for f in self.folds.outer)
        groups = self.question.groups
        held = [len(np.unique(groups[f.train])) for f in self.folds.outer if groups is not None]
        return tuple(
            s for s in SHARES if s * fewest >= FEWEST_SHARED and s * min(held, default=99) >= 2
        )

    def rows_of(self, place: int, share: int) -> Rows:
        """Training rows of a place, or with `share` from 1 on a part: `shares[share - 1]` of them.

        Whole groups; in time a stretch; else classes in equal shares. Smaller parts lie in larger
        ones.
        """
        rows = self.places[place].train
        if share == ALL_OF_THEM:
            return rows
        return part_of(self.question, rows, self.shares[share - 1], f"share/{place}")

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The outer folds in order, then all rows."""
        return tuple(
            Place(i, rows, [(f.train, f.test) for f in inner])
            for i, (rows, inner) in enumerate(self.folds.searches)
        )

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """What the network is held against; nearest neighbours only where they are quick."""
        found = baselines(self.question.task, self.question.shape is not None)
        many = len(self.question.y) > MANY_ROWS
        return tuple(b for b in found if not (many and b.name == "nearest"))

    @cached_property
    def fewest(self) -> int:
        """The smallest number of rows that a network is trained on."""
        return min(len(train) for place in self.places for train, _ in place.inner)

    @property
    def batch(self) -> int:
        """A twelfth of the rows as a power of two, from 16 to 1,024; never more than there are."""
        wanted = SMALLEST_BATCH
        while wanted * 2 <= min(LARGEST_BATCH, self.fewest / 12):
            wanted *= 2
        return min(wanted, self.fewest)

    @property
    def epochs(self) -> int:
        """So many that about 500 updates come together, from 8 to 60."""
        return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(STEPS * self.batch / self.fewest)))


def refuse_seeds(seeds: int) -> None:
    """Refuse a number of seeds that nobody can train.

    Raises:
        UsageError: it is out of range.
    """
    if not 1 <= seeds <= MOST_SEEDS:
        raise UsageError(f"seeds={seeds}: seeds is a whole number from 1 to {MOST_SEEDS}.")

"""A study: a question, its folds, and what is tried; all that decides the numbers of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pilotlight.core.errors import UsageError
from pilotlight.fitting.baselines import Baseline, baselines
from pilotlight.fitting.candidates import Candidate
from pilotlight.fitting.folds import Folds
from pilotlight.fitting.networks import Network
from pilotlight.fitting.question import Question, Rows

STEPS = 500
"""Updates that a network gets while settings are chosen; more rows get more."""
MOST_EPOCHS, FEWEST_EPOCHS = 60, 8
SMALLEST_BATCH, LARGEST_BATCH = 16, 1024
MOST_SEEDS = 50
MANY_ROWS = 20_000
"""Beyond, looking for nearest neighbours takes longer than all else."""
FIRST_SEED = 1000


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

"""Choose settings on the inner folds: the candidate and the epoch with the least mean loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pilotlight.core.errors import UsageError
from pilotlight.core.event import Event, Measured
from pilotlight.data.columns import Array
from pilotlight.fitting.study import Study

Curves = Mapping[int, Sequence[float]]
"""Network -> its validation loss after each epoch, from the first on; inf where it diverged."""


@dataclass(frozen=True)
class Choice:
    """What was chosen for one place and one kind of network, by which loss."""

    place: int
    network: str
    candidate: int
    stop: int
    loss: float

    def to_json(self) -> dict[str, Any]:
        """A plain mapping."""
        return dict(vars(self))


def curves_of(events: Iterable[Event], cohorts: int) -> dict[int, list[float]]:
    """The curves of the search, whose cohorts are the first so many."""
    found: dict[int, dict[int, float]] = {}
    for event in events:
        if (
            isinstance(event, Measured)
            and event.cohort < cohorts
            and event.step
            and not event.final
        ):
            for member, value in zip(event.members, event.values["validation_loss"], strict=True):
                loss = math.inf if value is None else value
                found.setdefault(member, {})[event.step] = loss
    return {m: [losses[s] for s in sorted(losses)] for m, losses in found.items()}


def choose(study: Study, curves: Curves) -> tuple[Choice, ...]:
    """For each place and each kind of network, its best candidate and epoch.

    Raises:
        UsageError: all networks of a kind diverged.
    """
    means = mean_losses(study, curves)
    choices: list[Choice] = []
    for place in study.places:
        for network in study.networks:
            own = [i for i, c in enumerate(study.candidates) if c.network == network.name]
            losses = means[place.index, own]
            best, epoch = np.unravel_index(int(np.argmin(losses)), losses.shape)
            least = float(losses[best, epoch])
            if not math.isfinite(least):
                raise UsageError(
                    f"All networks of {network.name!r} diverged. Are there values far from all "
                    "others in a column, or does the network scale its inputs up?"
                )
            choices.append(Choice(place.index, network.name, own[best], int(epoch) + 1, least))
    return tuple(choices)


def mean_losses(study: Study, curves: Curves) -> Array:
    """Loss over the inner folds' rows, [places, candidates, epochs].

    A candidate that diverged on one fold counts as infinite.
    """
    shape = len(study.places), len(study.candidates), study.epochs
    means = np.full(shape, np.inf)
    member = 0
    for place in study.places:
        rows = np.array([len(test) for _, test in place.inner], np.float64)
        for candidate in range(len(study.candidates)):
            folds = np.full((len(rows), study.epochs), np.inf)
            for fold in range(len(rows)):
                curve = curves.get(member, ())
                folds[fold, : len(curve)] = curve
                member += 1
            means[place.index, candidate] = rows @ folds / rows.sum()
    return means


def winners(choices: Sequence[Choice]) -> dict[int, Choice]:
    """For each place, the kind of network with the least loss there: what is called the network."""
    best: dict[int, Choice] = {}
    for choice in choices:
        if choice.place not in best or choice.loss < best[choice.place].loss:
            best[choice.place] = choice
    return best

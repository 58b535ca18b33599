"""Choose settings on the inner folds: the candidate and the epoch with the least mean loss."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pilotlight.core.errors import UsageError
from pilotlight.core.event import Event, Measured
from pilotlight.data.columns import Array
from pilotlight.engine.member import Member
from pilotlight.fitting.study import FEWEST_GOING_ON, Study

Curves = Mapping[tuple[int, int, int], Sequence[float]]
"""(Place, candidate, inner fold) -> validation loss after each epoch; inf where it diverged."""


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


def curves_of(events: Iterable[Event], members: Sequence[Member]) -> dict[Any, list[float]]:
    """The curves of the networks of a search."""
    places = {
        m.index: (int(m.settings.place), int(m.settings.candidate), int(m.settings.inner))
        for m in members
    }
    found: dict[int, dict[int, float]] = {}
    for event in events:
        if isinstance(event, Measured) and event.step and not event.final:
            if event.members[0] not in places:
                continue
            for member, value in zip(event.members, event.values["validation_loss"], strict=True):
                loss = math.inf if value is None else value
                found.setdefault(member, {})[event.step] = loss
    return {places[m]: [own[s] for s in sorted(own)] for m, own in found.items()}


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


def every_candidate(study: Study) -> set[tuple[int, int]]:
    """All (place, candidate): those that a search starts with."""
    return {(p.index, i) for p in study.places for i in range(len(study.candidates))}


def going_on(
    study: Study, curves: Curves, alive: Collection[tuple[int, int]]
) -> set[tuple[int, int]]:
    """Which (place, candidate) go on: of each kind of network, in each place, the better half.

    Judged by the least mean loss so far. Equal ones go on in their order.
    """
    least = mean_losses(study, curves).min(axis=2)
    found: set[tuple[int, int]] = set()
    for place in study.places:
        for network in study.networks:
            own = [
                i
                for i, c in enumerate(study.candidates)
                if c.network == network.name and (place.index, i) in alive
            ]
            ranked = sorted(own, key=lambda i: least[place.index, i])
            found |= {(place.index, i) for i in ranked[: going_on_of(len(own))]}
    return found


def going_on_of(count: int) -> int:
    """How many of so many candidates of a network go on."""
    return max(min(count, FEWEST_GOING_ON), -(-count // 2))


def mean_losses(study: Study, curves: Curves) -> Array:
    """Loss over the inner folds' rows, [places, candidates, epochs].

    A candidate that diverged on one fold counts as infinite; so does what was stopped, from there.
    """
    shape = len(study.places), len(study.candidates), study.epochs
    means = np.full(shape, np.inf)
    for place in study.places:
        rows = np.array([len(test) for _, test in place.inner], np.float64)
        for candidate in range(len(study.candidates)):
            folds = np.full((len(rows), study.epochs), np.inf)
            for fold in range(len(rows)):
                curve = curves.get((place.index, candidate, fold), ())
                folds[fold, : len(curve)] = curve
            means[place.index, candidate] = rows @ folds / rows.sum()
    return means


def winners(choices: Sequence[Choice]) -> dict[int, Choice]:
    """For each place, the kind of network with the least loss there: what is called the network."""
    best: dict[int, Choice] = {}
    for choice in choices:
        if choice.place not in best or choice.loss < best[choice.place].loss:
            best[choice.place] = choice
    return best

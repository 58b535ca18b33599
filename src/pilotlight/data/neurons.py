"""A neural data set whose truth is known: tuned sites, slow drift, animals, sessions.

Drawn, not recorded. It shows what splits are for: a target that the sites do encode, and one that
only drifts as they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIRECTIONS = ("east", "north", "west", "south")
BASE = 0.9
"""Spikes of a site in a step, before tuning and gain."""
TUNING = 0.45
DRIFT = 0.06
"""Standard deviation of a trial's change in the logarithm of a session's gain."""


@dataclass(frozen=True)
class Neurons:
    """Trials of sites that count spikes, R trials x T steps x S sites, and what made them.

    `rates` [R, T, S] are the true rates. `direction` [R] is encoded: sites prefer directions, with
    an own gain in each animal. `speed` [R] is a slow walk of its own; no site knows of it.
    """

    counts: NDArray[np.int64]
    rates: NDArray[np.float64]
    direction: NDArray[np.int64]
    speed: NDArray[np.float64]
    animal: NDArray[np.int64]
    session: NDArray[np.int64]
    preferred: NDArray[np.float64]

    def arrays(self) -> dict[str, Any]:
        """What a scientist would have: spike counts, stimulus, speed, animal, session."""
        return {
            "X": self.counts,
            "direction": np.array(DIRECTIONS)[self.direction],
            "speed": self.speed,
            "animal": np.array([f"animal {i + 1}" for i in self.animal]),
            "session": np.array([f"session {i + 1:02d}" for i in self.session]),
        }


def neurons(
    seed: int = 0,
    animals: int = 8,
    sessions: int = 2,
    trials: int = 30,
    steps: int = 12,
    sites: int = 10,
) -> Neurons:
    """Draw the data set; sessions one after another, trials in order of time.

    The rate of a site is BASE * gain * exp(tuning): gain is a walk over the trials that all sites
    of a recording share in part; tuning is a cosine of direction that comes and goes in the trial.
    """
    rng = np.random.default_rng(seed)
    rows = animals * sessions * trials
    animal = np.repeat(np.arange(animals), sessions * trials)
    session = np.repeat(np.arange(animals * sessions), trials)
    direction = rng.integers(0, len(DIRECTIONS), rows)
    preferred = rng.uniform(0, 2 * np.pi, sites)
    strength = TUNING * rng.uniform(0.6, 1.4, (animals, sites))
    angle = direction[:, None] * np.pi / 2 - preferred
    course = np.exp(-(((np.arange(steps) - steps / 2) / (steps / 6)) ** 2))
    tuned = (strength[animal] * np.cos(angle))[:, None, :] * course[:, None]
    shared = np.cumsum(DRIFT * rng.normal(size=rows))[:, None]
    own = np.cumsum(DRIFT / 2 * rng.normal(size=(rows, sites)), axis=0)
    gain = np.exp(shared - shared.mean() + own - own.mean(0))
    rates = BASE * gain[:, None, :] * np.exp(tuned)
    speed = np.cumsum(rng.normal(size=rows))
    return Neurons(rng.poisson(rates), rates, direction, speed, animal, session, preferred)


def best_accuracy(drawn: Neurons) -> float:
    """The accuracy of who knows all rates but the direction: no decoder does better on average.

    Each trial's counts are weighed by the true rates that they would have under each direction.
    """
    steps = drawn.rates.shape[1]
    course = np.exp(-(((np.arange(steps) - steps / 2) / (steps / 6)) ** 2))
    true = np.cos(drawn.direction[:, None] * np.pi / 2 - drawn.preferred)
    # the strength of tuning of each trial's animal, from the true rates themselves
    middle, edge = drawn.rates[:, steps // 2], drawn.rates[:, 0]
    logs = np.log(middle / edge) / (course[steps // 2] - course[0])
    strength = np.divide(logs, true, out=np.zeros_like(logs), where=np.abs(true) > 1e-9)
    plain = drawn.rates / np.exp((strength * true)[:, None, :] * course[:, None])
    likely = np.empty((len(true), len(DIRECTIONS)))
    for k in range(len(DIRECTIONS)):
        cosine = np.cos(k * np.pi / 2 - drawn.preferred)
        rates = plain * np.exp((strength * cosine)[:, None, :] * course[:, None])
        likely[:, k] = (drawn.counts * np.log(rates) - rates).sum((1, 2))
    return float((likely.argmax(1) == drawn.direction).mean())

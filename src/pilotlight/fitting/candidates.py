"""Candidates: the settings that are tried on the inner folds, spread evenly over their ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import qmc

from pilotlight.core.errors import UsageError
from pilotlight.fitting.networks import Network

RATES = (1e-3, 3e-2)
DECAYS = (1e-4, 1.0)
DEFAULTS = {"rate": 5e-3, "weight_decay": 1e-2}
"""The first candidate of each network."""
MOST_CANDIDATES = 1000


@dataclass(frozen=True)
class Candidate:
    """One network with its settings."""

    network: str
    rate: float
    weight_decay: float
    width: int
    depth: int

    def to_json(self) -> dict[str, Any]:
        """A plain mapping; sizes that the network does not have are left out."""
        found: dict[str, Any] = {
            "network": self.network,
            "rate": self.rate,
            "weight_decay": self.weight_decay,
        }
        sizes = {"width": self.width, "depth": self.depth}
        return found | {n: v for n, v in sizes.items() if v}


def draw(networks: Sequence[Network], count: int) -> tuple[Candidate, ...]:
    """`count` candidates of each network, fewer of dear ones; the same at every call.

    The first is a usual choice, the others are the points of Halton's sequence (1960) over rate,
    weight decay (both logarithmic) and sizes.

    Raises:
        UsageError: a count out of range.
    """
    if not 1 <= count <= MOST_CANDIDATES:
        raise UsageError(
            f"candidates={count}: candidates is a whole number from 1 to {MOST_CANDIDATES}."
        )
    found: list[Candidate] = []
    for network in networks:
        points = qmc.Halton(4, scramble=False).random(max(1, count // network.cost))
        found.append(_default(network))
        found += [_candidate(network, point) for point in points[1:]]
    return tuple(found)


def _default(network: Network) -> Candidate:
    return Candidate(network.name, **DEFAULTS, width=network.widths[-1], depth=network.depths[0])


def _candidate(network: Network, point: Sequence[float]) -> Candidate:
    return Candidate(
        network.name,
        _between(RATES, point[0]),
        _between(DECAYS, point[1]),
        network.widths[int(point[2] * len(network.widths))],
        network.depths[int(point[3] * len(network.depths))],
    )


def _between(ends: tuple[float, float], share: float) -> float:
    """Even on a logarithmic scale, to three digits."""
    low, high = ends
    return float(f"{low * (high / low) ** share:.3g}")

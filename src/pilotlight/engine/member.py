"""A member: one network in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pilotlight.core.settings import Settings


@dataclass(frozen=True)
class Member:
    """One network in training: its comparison, seed and settings."""

    index: int
    comparison: str
    seed: int
    settings: Settings

    def to_json(self) -> dict[str, Any]:
        """A plain mapping."""
        return {
            "index": self.index,
            "comparison": self.comparison,
            "seed": self.seed,
            "settings": dict(self.settings),
        }

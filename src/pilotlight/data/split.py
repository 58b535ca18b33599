"""Split rules: which rows train, validate and test. A rule is a function
`rule(targets, settings, generator) -> {part: rows}`; the split it gives is saved and hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch

from pilotlight.data.table import fingerprint

Split = Mapping[str, torch.Tensor]


def holdout(
    targets: torch.Tensor, settings: Any, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Every fifth row of each class tests, the rest trains; which, the generator decides."""
    order = by_class(targets, generator)
    fifth = torch.arange(len(order)) % 5
    return {"train": order[fifth != 0], "test": order[fifth == 0]}


def holdout_with_validation(
    targets: torch.Tensor, settings: Any, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """A fifth of each class tests, a fifth validates, three fifths train."""
    order = by_class(targets, generator)
    fifth = torch.arange(len(order)) % 5
    return {"train": order[fifth > 1], "validation": order[fifth == 1], "test": order[fifth == 0]}


def by_class(targets: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """All rows in random order, then class by class; targets of several columns have no classes."""
    order = torch.randperm(len(targets), generator=generator)
    return order[torch.argsort(targets[order], stable=True)] if targets.dim() == 1 else order


def split_hash(split: Split) -> str:
    """One short hash over all parts, by name and by row."""
    told = "".join(f"{part} {fingerprint(split[part])}\n" for part in sorted(split))
    return hashlib.sha256(told.encode()).hexdigest()[:16]

"""A few digits, some of them with a wrong label: where a network learns what is not so."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pilotlight.data.bundled import read_digits
from pilotlight.data.table import Data

TESTED = 500
"""Digits that test, each with its right label."""


def load_mislabelled(settings: Any, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`settings.rows` digits to learn from, then 500 others: inputs [R, 64], targets [R].

    Of those to learn from a share of `settings.wrong_labels`, drawn one by one, has any of the nine
    wrong labels. The rows and their wrong labels depend on the generator only, and what is wrong at
    one share is wrong at any larger one.
    """
    inputs, targets = read_digits()
    chosen = torch.randperm(len(targets), generator=generator)[: settings.rows + TESTED]
    inputs, targets = inputs[chosen], targets[chosen]
    draws = torch.rand(len(targets), generator=generator)
    wrong = (targets + torch.randint(1, 10, targets.shape, generator=generator)) % 10
    learned = torch.arange(len(targets)) < settings.rows
    return inputs, torch.where(learned & (draws < settings.wrong_labels), wrong, targets)


def first_rows_train(
    targets: Tensor, settings: Any, generator: torch.Generator
) -> dict[str, Tensor]:
    """A split rule: the first `settings.rows` rows train, the others test."""
    rows = torch.arange(len(targets))
    return {"train": rows[: settings.rows], "test": rows[settings.rows :]}


mislabelled_digits = Data(
    name="digits 8x8, some mislabelled",
    load=load_mislabelled,
    classes=10,
    picture=(8, 8),
    source="UCI optical recognition of handwritten digits, test part, as bundled with "
    "scikit-learn; wrong labels drawn in code",
    per_seed=True,
)

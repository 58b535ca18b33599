"""What networks of one fold learn from: prepared features and targets as tensors.

R rows, F features, T steps of time, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pilotlight.core.errors import UsageError
from pilotlight.data.columns import Array
from pilotlight.fitting.networks import Inputs
from pilotlight.fitting.prepare import preparation
from pilotlight.fitting.question import Question, Rows
from pilotlight.fitting.recipe import apply, recipe_of


@dataclass(frozen=True)
class Table:
    """One fold: inputs [R, F] or [R, T, C] and targets [R]; the first `trained` rows train.

    `recipe` is what its preparation learnt, `scale` what the target was brought to 0 and 1 by.
    """

    inputs: Tensor
    targets: Tensor
    trained: int
    recipe: dict[str, Any]
    scale: tuple[float, float]

    @property
    def seen(self) -> Inputs:
        """What a network sees of a row."""
        shape = self.inputs.shape
        return int(shape[1]) if len(shape) == 2 else (int(shape[1]), int(shape[2]))


def table(question: Question, train: Rows, validate: Rows | None = None) -> Table:
    """Prepare the features of a fold and scale its target, by its training rows alone.

    Raises:
        UsageError: no feature varies among the training rows.
    """
    fitted = preparation(question)
    try:
        fitted.fit(question.x[train], question.y[train])
    except ValueError as error:
        raise UsageError(f"The features of a fold cannot be prepared: {error}.") from error
    rows = train if validate is None else np.concatenate([train, validate])
    scale = _scale(question, question.y[train])
    recipe = recipe_of(fitted, question)
    return Table(
        inputs_of(question.shape, recipe, question.x[rows]),
        _targets(question, question.y[rows], scale),
        len(train),
        recipe,
        scale,
    )


def inputs_of(shape: tuple[int, int] | None, recipe: dict[str, Any], x: Array) -> Tensor:
    """Prepared inputs as a network sees them, in single precision."""
    flat = torch.tensor(apply(recipe, x), dtype=torch.float32)
    return flat if shape is None else flat.view(len(x), shape[0], -1)


def _scale(question: Question, y: Array) -> tuple[float, float]:
    """Mean and spread of a number's target; (0, mean) of a count's; nothing for classes."""
    if question.task == "classification":
        return 0.0, 1.0
    mean, spread = float(y.mean()), float(y.std())
    return (mean, spread or 1.0) if question.task == "regression" else (0.0, mean or 1.0)


def _targets(question: Question, y: Array, scale: tuple[float, float]) -> Tensor:
    if question.task == "classification":
        return torch.tensor(y, dtype=torch.int64)
    return torch.tensor((y - scale[0]) / scale[1], dtype=torch.float32)


def of_one_width(tables: Sequence[Table]) -> list[Table]:
    """The same with as many features in all: folds may differ in the categories that they know.

    What is added is 0 everywhere, so that it tells nothing and moves no weight but by decay.
    """
    if tables[0].inputs.dim() != 2:
        return list(tables)
    widest = max(t.inputs.shape[1] for t in tables)
    return [_widened(t, widest) for t in tables]


def _widened(given: Table, width: int) -> Table:
    padded = torch.nn.functional.pad(given.inputs, (0, width - given.inputs.shape[1]))
    return Table(padded, given.targets, given.trained, given.recipe, given.scale)

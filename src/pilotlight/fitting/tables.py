"""What networks of one fold learn from: prepared features and targets as tensors.

R rows, F features, T steps of time, C channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pilotlight.core.errors import UsageError
from pilotlight.data.columns import Array
from pilotlight.fitting.networks import Coded, Inputs, Padded
from pilotlight.fitting.prepare import MOST_CATEGORIES, MOST_FEATURES, preparation
from pilotlight.fitting.question import Question, Rows, Scale
from pilotlight.fitting.recipe import apply, recipe_of


@dataclass(frozen=True)
class Table:
    """One fold: inputs [R, F] or [R, T, C], targets [R] or [R, K].

    The first `trained` rows train. `recipe` is what its preparation learnt, `scale` what the target
    was brought to 0 and 1 by.
    """

    inputs: Tensor
    targets: Tensor
    trained: int
    recipe: dict[str, Any]
    scale: Scale


def table(
    question: Question, train: Rows, validate: Rows | None = None, embedded: Sequence[int] = ()
) -> Table:
    """Prepare the features of a fold and scale its target, by its training rows alone.

    Raises:
        UsageError: no feature varies among the training rows.
    """
    fitted = preparation(question, embedded)
    try:
        fitted.fit(question.x[train], question.y[train])
    except ValueError as error:
        raise UsageError(f"The features of a fold cannot be prepared: {error}.") from error
    rows = train if validate is None else np.concatenate([train, validate])
    scale = _scale(question, question.y[train])
    recipe = recipe_of(fitted, question)
    return Table(
        inputs_of(seen_of(question, embedded), recipe, question.x[rows]),
        _targets(question, question.y[rows], scale),
        len(train),
        recipe,
        scale,
    )


def seen_of(question: Question, embedded: Sequence[int] = ()) -> Inputs:
    """What networks see of a row: as much in all folds, however many categories each knows."""
    if question.shape is not None:
        steps, channels = question.shape
        return Padded(steps, channels + 1) if question.padded else (steps, channels)
    features = sum(
        _most_features(question, i) for i in range(len(question.features)) if i not in embedded
    )
    features = min(features, MOST_FEATURES)
    if not embedded:
        return features
    kinds = (1 + len(np.unique(question.x[:, column])) for column in embedded)
    return Coded(features, tuple(kinds))


def _most_features(question: Question, column: int) -> int:
    """At most so many features come of a column: a number and that it is missing, or one-hot."""
    values = question.x[:, column]
    if question.features[column].kind == "category":
        return min(len(np.unique(values)), MOST_CATEGORIES)
    return 1 + bool(np.isnan(values).any())


def inputs_of(seen: Inputs, recipe: Mapping[str, Any], x: Array) -> Tensor:
    """Prepared inputs as a network sees them, in single precision.

    Features that a fold does not have are 0 everywhere: they tell nothing and move no weight but
    by decay.
    """
    flat = torch.tensor(apply(recipe, x), dtype=torch.float32)
    if isinstance(seen, tuple):
        return flat.view(len(x), *seen)
    features, codes = (seen, 0) if isinstance(seen, int) else (seen.features, len(seen.kinds))
    own, indices = flat.tensor_split([flat.shape[1] - codes], dim=1)
    return torch.cat([torch.nn.functional.pad(own, (0, features - own.shape[1])), indices], dim=1)


def _scale(question: Question, y: Array) -> Scale:
    """Mean and spread of a number's target; (0, mean) of a count's; nothing for classes."""
    if question.task == "classification":
        return np.float64(0), np.float64(1)
    mean, spread = y.mean(0), y.std(0)
    if question.task == "counts":
        return np.zeros_like(mean), np.where(mean > 0, mean, 1.0)
    return mean, np.where(spread > 0, spread, 1.0)


def _targets(question: Question, y: Array, scale: Scale) -> Tensor:
    if question.task == "classification":
        return torch.tensor(y, dtype=torch.int64)
    return torch.tensor((y - scale[0]) / scale[1], dtype=torch.float32)

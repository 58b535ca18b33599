"""What can be read from codes: by a linear map, and from their nearest neighbours.

Pure functions of tensors, so that many networks are read at once. Fit on training rows, score on
others. R rows, D numbers in a code, K things to read.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize


def linear_readout(codes: Tensor, wanted: Tensor, strength: float = 0.01) -> tuple[Tensor, Tensor]:
    """The linear map that reads `wanted` [R, K] from `codes` [R, D] best: weights [D, K], bias [K].

    Ridge regression in closed form: the least mean of squared errors plus `strength` times the
    squared weights, for codes of which each number is scaled to variance 1. Of what does not vary,
    nothing is read.
    """
    scale = codes.std(0, correction=0).clamp(min=1e-6)
    x, y = (codes - codes.mean(0)) / scale, wanted - wanted.mean(0)
    penalty = strength * torch.eye(codes.shape[1], dtype=codes.dtype, device=codes.device)
    weights = torch.linalg.solve(x.T @ x / len(x) + penalty, x.T @ y / len(x)) / scale[:, None]
    return weights, wanted.mean(0) - codes.mean(0) @ weights


def neighbours_vote(codes: Tensor, known: Tensor, classes: Tensor, count: int = 5) -> Tensor:
    """Votes [R, K] of the `count` known codes [S, D] at the smallest angle, of classes [S, K].

    `classes` is 1 in the column of a known code's class and 0 elsewhere.
    """
    alike = normalize(codes, dim=1) @ normalize(known, dim=1).T
    return classes[alike.topk(count, dim=1).indices].sum(1)


def within_share(codes: Tensor, classes: Tensor, known: Tensor, known_classes: Tensor) -> Tensor:
    """How far codes [R, D] lie from the centre of their class, against how far all lie apart: [R].

    Squared distances, over the variance of the known codes [S, D], which also give the centres. The
    mean is 0 where a code tells the class and nothing else, 1 where it tells nothing of it.
    `classes` [R, K] and `known_classes` [S, K] are 1 in the column of a code's class.
    """
    centres = known_classes.T @ known / known_classes.sum(0)[:, None]
    return (codes - classes @ centres).square().sum(1) / known.var(0, correction=0).sum()

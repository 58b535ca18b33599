"""Dense networks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import nn


def mlp(inputs: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    """Dense layers with ReLU between them: [B, inputs] -> [B, outputs], none after the last."""
    sizes = [inputs, *hidden, outputs]
    layers: list[nn.Module] = []
    for wide, narrow in itertools.pairwise(sizes):
        layers += [nn.Linear(wide, narrow), nn.ReLU()]
    return nn.Sequential(*layers[:-1])

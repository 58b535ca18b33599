"""What checks feed to answers: tiny float64 tensors, drawn from generators of their own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def tensor(values: Any) -> Tensor:
    """The numbers as a float64 tensor."""
    return torch.tensor(values, dtype=torch.float64)


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers, float64, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def whole(high: int, *shape: int, seed: int = 0) -> Tensor:
    """Whole numbers from 0 to high - 1, int64, the same for the same seed."""
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))

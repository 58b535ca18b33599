"""Data that come with scikit-learn, so that nothing is downloaded."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from sklearn.datasets import load_digits

from pilotlight.data.table import Data


def read_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """1,797 handwritten digits: inputs [R, 64], 8x8 pixels from 0 to 1; targets [R], 0 to 9."""
    pixels, labels = _digits()
    return torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels, dtype=torch.int64)


@cache  # scikit-learn reads them from text, 16 ms; some labs ask for them once a network
def _digits() -> Any:
    return load_digits(return_X_y=True)


digits = Data(
    name="digits 8x8",
    load=read_digits,
    classes=10,
    picture=(8, 8),
    source="UCI optical recognition of handwritten digits, test part, as bundled with scikit-learn",
)

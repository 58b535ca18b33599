"""What a lab's data are: a name, a function that makes them, and where they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Data:
    """Rows to learn from.

    `load` returns `(inputs [R, ...], targets [R, ...])`. With `per_seed` it is called as
    `load(settings, generator)` once for each seed, with the generator named "data"; otherwise as
    `load()`, once. A tensor over a file (`numpy.memmap`) is read row by row as batches ask for it,
    and need not fit in memory. `picture` is the height and width of rows that are pictures laid
    out flat, so that they can be shown as such.
    """

    name: str
    load: Callable[..., tuple[torch.Tensor, torch.Tensor]]
    classes: int | None = None
    source: str = "drawn in code"
    per_seed: bool = False
    picture: tuple[int, int] | None = None


def fingerprint(*tensors: torch.Tensor) -> str:
    """A short hash of the values, shapes and types: equal data, equal hash."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        # the numbers themselves, not a copy: they may lie in a file larger than memory
        digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()[:16]

"""Named generators: every stochastic thing of a network draws from its own.

The seed and the name decide the numbers. So adding validation, another network or another kind of
noise changes nobody else's draws, and two comparisons with the same seed share what they can share.
"""

from __future__ import annotations

import zlib

import torch


def named_seed(seed: int, name: str) -> int:
    """A whole number that belongs to this seed and this name."""
    return zlib.crc32(f"{seed}/{name}".encode())


def generator(seed: int, name: str) -> torch.Generator:
    """The generator of one seed for one purpose: "init", "order", "noise", "split", "data"."""
    return torch.Generator().manual_seed(named_seed(seed, name))

"""Which device trains."""

from __future__ import annotations

import torch

from pilotlight.core.errors import UsageError, unknown

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose(name: str) -> str:
    """A device's name: "auto" takes an Nvidia GPU where there is one, else the CPU.

    Apple's mps is taken only when named: it has no float64 and small networks gain nothing there.

    Raises:
        UsageError: an unknown name, or a device that this machine or this build of torch lacks.
    """
    if name not in DEVICES:
        raise UsageError(unknown("device", name, DEVICES))
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device 'cuda': torch {torch.__version__} sees no Nvidia GPU. Use cpu.")
    if name == "mps" and not torch.backends.mps.is_available():
        raise UsageError(f"device 'mps': torch {torch.__version__} sees no Apple GPU. Use cpu.")
    return name

"""Pilotlight: a laboratory for deep learning.

    import pilotlight as pl
    run = pl.run("momentum")

Names are looked up when first used, so that importing this package never waits for torch.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES: dict[str, str] = {}
"""Public name -> the module that holds it; a tested list."""

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'pilotlight' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

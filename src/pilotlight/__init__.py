"""Pilotlight: a laboratory for deep learning.

    import pilotlight as pl
    run = pl.run("momentum")

Names are looked up when first used, so that importing this package never waits for torch.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

HOMES: dict[str, str] = {
    # do
    "run": "pilotlight.notebook.running",
    "open_run": "pilotlight.notebook.running",
    "fit": "pilotlight.notebook.fitting",
    "open_fitted": "pilotlight.notebook.fitting",
    "PilotlightClassifier": "pilotlight.fitting.estimators",
    "PilotlightRegressor": "pilotlight.fitting.estimators",
    "check": "pilotlight.notebook.practice",
    "check_lab": "pilotlight.testing.labs",
    "check_exercise": "pilotlight.testing.exercises",
    # declare a lab
    "Lab": "pilotlight.core.lab",
    "Claim": "pilotlight.core.lab",
    "Metric": "pilotlight.core.lab",
    "exhibit": "pilotlight.core.lab",
    "SUPPORTED": "pilotlight.core.lab",
    "REFUTED": "pilotlight.core.lab",
    "UNDECIDED": "pilotlight.core.lab",
    "log": "pilotlight.core.settings",
    "linear": "pilotlight.core.settings",
    "unit": "pilotlight.core.settings",
    "whole": "pilotlight.core.settings",
    "switch": "pilotlight.core.settings",
    "choice": "pilotlight.core.settings",
    # data and networks
    "Data": "pilotlight.data.table",
    "digits": "pilotlight.data.bundled",
    "holdout": "pilotlight.data.split",
    "holdout_with_validation": "pilotlight.data.split",
    "mlp": "pilotlight.nets.dense",
    "Dropout": "pilotlight.nets.dropout",
    # training
    "supervised": "pilotlight.engine.steps",
    "Training": "pilotlight.engine.steps",
    "Phase": "pilotlight.engine.steps",
    "Stage": "pilotlight.engine.steps",
    "normal": "pilotlight.engine.steps",
    "uniform": "pilotlight.engine.steps",
    "sgd": "pilotlight.engine.optim",
    "rmsprop": "pilotlight.engine.optim",
    "adam": "pilotlight.engine.optim",
    "adamw": "pilotlight.engine.optim",
}
"""Public name -> the module that holds it; a tested list."""

__all__ = sorted(HOMES)


def __getattr__(name: str) -> Any:
    if name in HOMES:
        return getattr(importlib.import_module(HOMES[name]), name)
    raise AttributeError(f"module 'pilotlight' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

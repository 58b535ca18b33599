"""Small questions, and whole fits of them that take a second or two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pilotlight.app.fitting import Fitting, start_fit
from pilotlight.core.command import FitCommand
from pilotlight.data.files import Examples, from_arrays
from pilotlight.fitting.ask import ask
from pilotlight.fitting.candidates import draw
from pilotlight.fitting.folds import make_folds
from pilotlight.fitting.networks import usual
from pilotlight.fitting.question import Asked, Question
from pilotlight.fitting.study import Study


def arrays(rows: int = 120, seed: int = 0, **more: Any) -> dict[str, Any]:
    """Three features, a target that is linear in the first, and whatever is given beside."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    return {"X": x, "y": x[:, 0] + 0.3 * rng.normal(size=rows), **more}


def question_of(examples: Examples | dict[str, Any], **asked: Any) -> Question:
    """A question about arrays; the target is y."""
    if not isinstance(examples, Examples):
        examples = from_arrays("toy", examples)
    return ask(examples, Asked(**{"target": "y", **asked}))


def study_of(question: Question, candidates: int = 2, **more: Any) -> Study:
    """A study of the usual networks."""
    networks = usual(question.shape is not None)
    folds = make_folds(question, more.pop("folds", 3), more.pop("inner_folds", 2))
    return Study(question, folds, networks, draw(networks, candidates), **more)


def fit(folder: Path, examples: Examples | dict[str, Any] | str, **more: Any) -> Fitting:
    """A finished fit of arrays: three outer and two inner folds, two candidates, one seed."""
    fitting = begin(folder, examples, **more)
    for _ in fitting:
        pass
    return fitting


def begin(folder: Path, examples: Examples | dict[str, Any] | str, **more: Any) -> Fitting:
    """The same, not trained yet."""
    if isinstance(examples, dict):
        examples = from_arrays("toy", examples)
    usual = {"target": "y", "folds": 3, "inner_folds": 2, "seeds": 1, "candidates": 2, "jobs": 1}
    return start_fit(FitCommand(examples, out=str(folder), **(usual | more)))

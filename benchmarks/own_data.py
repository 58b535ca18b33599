"""Own data: a nested search of networks, Pilotlight beside scikit-learn; and how its cost grows.

The same rows, outer and inner folds, settings (rate, penalty, width, depth) and epochs. The same
criterion, mean cross-entropy on the inner folds, chooses; what is chosen is refitted once. Both
use two processes. The penalties differ in kind: AdamW decays weights, MLPClassifier adds L2.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import RandomizedSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.searching import searched
from benchmarks.table import laid_out
from pilotlight.app.fit_preparing import FitPrepared, prepare_fit
from pilotlight.app.fitting import start_fit
from pilotlight.core.command import FitCommand
from pilotlight.data.files import Examples, from_arrays
from pilotlight.fitting.outcome import NETWORK

OUTER, INNER, SETTINGS, JOBS = 5, 3, 32, 2
DATA: Mapping[str, Callable[[], Any]] = {
    "digits": load_digits,
    "breast cancer": load_breast_cancer,
}
GROWTH = {"rows": (1, 4, 16), "settings": (8, 32, 128), "outer folds": (3, 6, 12)}
"""Rows: so many times those of breast cancer, with a little noise."""


def compare() -> dict[str, Any]:
    """Seconds and accuracy of each contender on each data set, and how ours grow."""
    return {
        "outer": OUTER,
        "inner": INNER,
        "settings": SETTINGS,
        "jobs": JOBS,
        "data": {name: _data(_examples(load())) for name, load in DATA.items()},
        "growth": growth(),
    }


def _examples(bunch: Any, times: int = 1) -> Examples:
    noise = np.random.default_rng(0).normal(size=(times, *bunch.data.shape))
    noise[0] = 0
    x = (bunch.data + 0.05 * bunch.data.std(0) * noise).reshape(-1, bunch.data.shape[1])
    y = np.tile([f"class {c}" for c in bunch.target], times)
    return from_arrays("rows", {"X": x, "y": y})


def _command(examples: Examples, **more: Any) -> FitCommand:
    usual = {"folds": OUTER, "inner_folds": INNER, "candidates": SETTINGS, "seeds": 1}
    return FitCommand(examples, "y", jobs=JOBS, device="cpu", **(usual | more))


def _data(examples: Examples) -> dict[str, Any]:
    prepared = prepare_fit(_command(examples))
    ways = {
        "scikit-learn": lambda: scikit_learn(prepared),
        "Pilotlight, all to the end": lambda: ours(prepare_fit(_command(examples, halving=False))),
        "Pilotlight": lambda: ours(prepare_fit(_command(examples))),
    }
    found = {name: _timed(way) for name, way in ways.items()}
    found["Pilotlight, whole fit"] = _timed(lambda: whole(_command(examples, seeds=3)))
    first = found["scikit-learn"]["seconds"]
    for each in found.values():
        each["times"] = first / each["seconds"]
    study = prepared.study
    return {"rows": len(study.question.y), "epochs": study.epochs, "batch": study.batch, **found}


def _timed(train: Callable[[], float]) -> dict[str, float]:
    started = time.perf_counter()
    accuracy = train()
    return {"seconds": time.perf_counter() - started, "accuracy": accuracy}


def scikit_learn(prepared: FitPrepared) -> float:
    """Nested RandomizedSearchCV over exactly the same settings; accuracy over the outer folds."""
    study = prepared.study
    x, y = study.question.x, study.question.y
    settings = [
        {
            "mlpclassifier__learning_rate_init": [c.rate],
            "mlpclassifier__alpha": [c.weight_decay],
            "mlpclassifier__hidden_layer_sizes": [(c.width,) * c.depth],
        }
        for c in study.candidates
    ]
    network = MLPClassifier(
        batch_size=study.batch,
        max_iter=study.epochs,
        n_iter_no_change=study.epochs + 1,
        random_state=0,
    )
    right = 0
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        for place, fold in zip(study.places, study.folds.outer, strict=False):
            at = {row: i for i, row in enumerate(place.train)}
            inner = [([at[r] for r in a], [at[r] for r in b]) for a, b in place.inner]
            found = RandomizedSearchCV(
                make_pipeline(StandardScaler(), network),
                settings,
                n_iter=len(settings),
                scoring="neg_log_loss",
                cv=inner,
                n_jobs=JOBS,
                random_state=0,
            )
            found.fit(x[place.train], y[place.train])
            right += int((found.predict(x[fold.test]) == y[fold.test]).sum())
    return right / len(y)


def ours(prepared: FitPrepared, jobs: int = JOBS) -> float:
    """The search and one refit in each outer fold, and nothing else; accuracy over these."""
    found = searched(prepared, jobs).models[NETWORK]
    return float((found.argmax(1) == prepared.study.question.y).mean())


def whole(command: FitCommand) -> float:
    """A fit as a person asks for it: also baselines, three seeds, a learning curve, the page."""
    with tempfile.TemporaryDirectory() as folder:
        fitting = start_fit(replace(command, out=f"{folder}/run"))
        for _ in fitting:
            pass
        return float(fitting.result["score"])


def growth() -> dict[str, list[dict[str, float]]]:
    """Seconds of our search and refits in one process, as one count grows and the others stay."""
    found: dict[str, list[dict[str, float]]] = {}
    for what, counts in GROWTH.items():
        found[what] = []
        for count in counts:
            examples = _examples(load_breast_cancer(), count if what == "rows" else 1)
            command = _command(
                examples,
                candidates=count if what == "settings" else 16,
                folds=count if what == "outer folds" else 3,
            )
            prepared = prepare_fit(command)
            size = len(prepared.study.question.y) if what == "rows" else count
            seconds = _timed(lambda p=prepared: ours(p, 1))["seconds"]  # type: ignore[misc]
            found[what].append({"count": size, "seconds": seconds})
    return found


def tables(found: Mapping[str, Any]) -> str:
    """Contenders side by side, then what grows with what."""
    parts = []
    for name, own in found["data"].items():
        rows = [
            (way, f"{r['seconds']:.1f}", f"{r['times']:.1f}", f"{r['accuracy']:.3f}")
            for way, r in own.items()
            if isinstance(r, Mapping)
        ]
        head = (f"{name}, {own['rows']} rows", "s", "x scikit-learn", "accuracy")
        parts.append(laid_out(head, rows))
    grown = [
        (f"{what}: {point['count']:,}", f"{point['seconds']:.1f}")
        for what, points in found["growth"].items()
        for point in points
    ]
    return "\n\n".join([*parts, laid_out(("our search, one process", "s"), grown)])

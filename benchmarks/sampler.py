"""Do the settings that Optuna proposes do better than an even spread of as many?

Each table's rows are shuffled anew, so that other folds are cut; both samplers get the same ones,
the same number of settings, and halving. The intervals are over shuffles of the same rows: they
say how far the folds and the networks' chance move a difference, not how it is on other data.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats
from sklearn.datasets import load_breast_cancer, load_diabetes

from benchmarks.searching import searched
from benchmarks.table import laid_out
from pilotlight.app.fit_preparing import prepare_fit
from pilotlight.core.command import FitCommand
from pilotlight.data.files import Examples, from_arrays, read
from pilotlight.fitting.baselines import validation
from pilotlight.fitting.outcome import NETWORK
from pilotlight.fitting.score import losses, reference

SHUFFLES, CANDIDATES = 8, 16
SAMPLERS = ("halton", "optuna")


def _bundled(load: Callable[..., Any], classes: bool) -> Examples:
    x, y = load(return_X_y=True)
    return from_arrays("rows", {"X": x, "y": np.array([f"class {c}" for c in y]) if classes else y})


DATA: Mapping[str, tuple[Callable[[], Examples], Mapping[str, Any]]] = {
    "mpg": (lambda: read("mpg"), {"target": "mpg", "leave_out": ("name",)}),
    "diabetes": (lambda: _bundled(load_diabetes, classes=False), {"target": "y"}),
    "breast cancer": (lambda: _bundled(load_breast_cancer, classes=True), {"target": "y"}),
}


def compare(names: Sequence[str] = tuple(DATA), shuffles: int = SHUFFLES) -> dict[str, Any]:
    """For each table and sampler the scores and held-out losses of all shuffles, and differences.

    The loss is the one that settings are chosen by: squared error or cross-entropy, held out.
    """
    return {
        "shuffles": shuffles,
        "candidates": CANDIDATES,
        "data": {name: _table(name, shuffles) for name in names},
    }


def _table(name: str, shuffles: int) -> dict[str, Any]:
    load, asked = DATA[name]
    found: dict[str, Any] = {s: {"score": [], "loss": [], "seconds": []} for s in SAMPLERS}
    examples = load()
    for number in range(shuffles):
        order = np.random.default_rng(number).permutation(examples.rows)
        mixed = replace(examples, columns=tuple(c.take(order) for c in examples.columns))
        for sampler in SAMPLERS:
            for what, value in _searched(mixed, sampler, asked).items():
                found[sampler][what].append(value)
    less = {w: _difference(*(found[s][w] for s in SAMPLERS)) for w in ("score", "loss")}
    return {**found, "optuna less halton": less}


def _searched(examples: Examples, sampler: str, asked: Mapping[str, Any]) -> dict[str, float]:
    started = time.perf_counter()
    prepared = prepare_fit(
        FitCommand(examples, candidates=CANDIDATES, sampler=sampler, device="cpu", **asked)
    )
    predicted = searched(prepared, jobs=1).models[NETWORK]
    question, outer = prepared.study.question, prepared.study.folds.outer
    lost = losses(question.task, question.y, predicted).sum()
    return {
        "score": 1 - float(lost / reference(question, outer).sum()),
        "loss": float(validation(question.task, question.y, predicted).mean()),
        "seconds": time.perf_counter() - started,
    }


def _difference(halton: Sequence[float], optuna: Sequence[float]) -> dict[str, Any]:
    """The mean difference of pairs, its 95 % interval by Student's t."""
    less = np.subtract(optuna, halton)
    low, high = stats.t.interval(0.95, len(less) - 1, less.mean(), stats.sem(less))
    return {"mean": float(less.mean()), "interval": [float(low), float(high)]}


def tables(found: Mapping[str, Any]) -> str:
    """A line for each table: both scores, and what Optuna's less the even spread's is."""
    rows = []
    for name, own in found["data"].items():
        means = [f"{np.mean(own[s]['score']):.4f}" for s in SAMPLERS]
        said = [_said(own["optuna less halton"][w]) for w in ("score", "loss")]
        times = np.sum(own["optuna"]["seconds"]) / np.sum(own["halton"]["seconds"])
        rows.append((name, *means, *said, f"{times:.2f}"))
    head = ("data", *SAMPLERS, "score, optuna less halton", "held-out loss, the same", "x time")
    return laid_out(head, rows)


def _said(difference: Mapping[str, Any]) -> str:
    low, high = difference["interval"]
    return f"{difference['mean']:+.4f} ({low:+.4f} to {high:+.4f})"

"""A fitted preparation as plain numbers: saved as JSON, applied without scikit-learn or pickle.

R rows, P columns, F features.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from pilotlight.data.columns import Array
from pilotlight.fitting.prepare import coded
from pilotlight.fitting.question import Question

Recipe = Mapping[str, Any]
NOTHING: Recipe = {"numbers": {}, "categories": [], "kept": [], "codes": []}


def recipe_of(fitted: Pipeline, question: Question) -> dict[str, Any]:
    """All that a fitted `preparation` has learnt, as lists and numbers; a missing value is null."""
    if question.shape is not None:
        scaler = fitted.named_steps["scale"]
        return {
            "shape": list(question.shape),
            "padded": question.padded,
            "means": scaler.mean_.tolist(),
            "scales": scaler.scale_.tolist(),
        }
    if "both" not in fitted.named_steps:
        return _features_of(fitted)
    both = fitted.named_steps["both"].named_transformers_
    found = _features_of(both["features"]) if "features" in both else dict(NOTHING)
    columns = {name: own for name, _, own in fitted.named_steps["both"].transformers_}["codes"]
    known = zip(columns, both["codes"].known_, strict=True)
    return found | {
        "codes": [{"column": c, "known": [_or_null(v) for v in values]} for c, values in known]
    }


def _features_of(fitted: Pipeline) -> dict[str, Any]:
    """What the preparation of all but embedded columns has learnt."""
    chosen = fitted.named_steps["columns"]
    parts = chosen.named_transformers_
    columns = {name: list(own) for name, _, own in chosen.transformers_}
    kept = np.flatnonzero(fitted.named_steps["constant"].get_support())
    kept = kept[fitted.named_steps["strongest"].kept_]
    found: dict[str, Any] = {**NOTHING, "categories": [], "kept": kept.tolist()}
    if "number" in columns:
        fill, scale = (parts["number"].named_steps[n] for n in ("fill", "scale"))
        found["numbers"] = {
            "columns": columns["number"],
            "medians": fill.statistics_.tolist(),
            "missing": fill.indicator_.features_.tolist(),
            "means": scale.mean_.tolist(),
            "scales": scale.scale_.tolist(),
        }
    if "category" in columns:
        encoder = parts["category"]
        rare = encoder.infrequent_categories_
        for i, column in enumerate(columns["category"]):
            found["categories"].append(
                {
                    "column": column,
                    "known": [_or_null(v) for v in encoder.categories_[i]],
                    "rare": [_or_null(v) for v in (rare[i] if rare[i] is not None else [])],
                }
            )
    return found


def _or_null(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def apply(recipe: Recipe, x: Array) -> Array:
    """What the fitted pipeline would make of rows: [R, P] -> [R, F]."""
    if "shape" in recipe:
        return _trials(recipe, x)
    blocks: list[Array] = []
    if recipe["numbers"]:
        blocks.append(_numbers(recipe["numbers"], x))
    blocks += [_category(known, x[:, known["column"]]) for known in recipe["categories"]]
    features = [np.concatenate(blocks, axis=1)[:, recipe["kept"]]] if blocks else []
    codes = [coded(x[:, k["column"]], _known(k["known"]))[:, None] for k in recipe["codes"]]
    return np.concatenate([*features, *codes], axis=1)


def _known(values: list[float | None]) -> Array:
    """Category codes in their order, NaN for null."""
    return np.array([math.nan if v is None else v for v in values], np.float64)


def _trials(recipe: Recipe, x: Array) -> Array:
    trials = x.reshape(-1, *recipe["shape"])
    there = ~np.isnan(trials).all(axis=2, keepdims=True)
    trials = (trials - np.array(recipe["means"])) / np.array(recipe["scales"])
    if recipe["padded"]:
        trials = np.concatenate([trials, there], axis=2)
    return np.asarray(np.nan_to_num(trials).reshape(len(x), -1))


def _numbers(known: Recipe, x: Array) -> Array:
    own = x[:, known["columns"]]
    absent = np.isnan(own)
    filled = np.where(absent, np.array(known["medians"]), own)
    both = np.concatenate([filled, absent[:, known["missing"]]], axis=1)
    return np.asarray((both - np.array(known["means"])) / np.array(known["scales"]))


def _category(known: Recipe, codes: Array) -> Array:
    """A feature for each known value that is not rare, then one for all rare and unknown ones."""
    own = [v for v in known["known"] if v not in known["rare"]]
    each = [np.isnan(codes) if v is None else codes == v for v in own]
    hot = np.array(each, bool).reshape(len(own), len(codes)).T
    if known["rare"]:
        hot = np.concatenate([hot, ~hot.any(axis=1, keepdims=True)], axis=1)
    return hot.astype(np.float64)

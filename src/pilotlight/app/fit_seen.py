"""What a dry run tells: what is in the data, and what would be done with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pilotlight.app.fit_preparing import FitPrepared
from pilotlight.fitting.question import Question


def seen(prepared: FitPrepared) -> dict[str, Any]:
    """What a dry run tells: columns, classes, folds, cost and warnings, as plain data."""
    about = prepared.config["about"]
    return {
        "kind": "fit",
        "question": prepared.config["question"],
        "task": about["task"],
        "rows": about["rows"],
        "target": about["target"],
        "classes": about["classes"],
        "columns": _columns(prepared.study.question),
        "split": about["split"],
        "cost": dict(prepared.cost.to_json()),
        "warnings": [n.to_json() for n in prepared.notices],
    }


def _columns(question: Question) -> list[dict[str, str]]:
    """The target and each feature: what it is taken for, and its values in words."""
    rows = []
    for k, (name, y) in enumerate(zip(question.targets, question.each.T, strict=True)):
        told = f"{y.min():g} to {y.max():g}, mean {y.mean():g}"
        if question.task == "classification":
            counts = np.bincount(y.astype(int))
            named = zip(question.classes_of[k], counts, strict=True)
            told = ", ".join(f"{c} {n}" for c, n in named)
        rows.append({"name": name, "kind": "target", "values": told})
    if question.groups is not None:
        sizes = np.bincount(question.groups)
        told = f"{len(sizes)} values, {sizes.min()} to {sizes.max()} rows each"
        rows.append({"name": question.group, "kind": "group", "values": told})
    for i, feature in enumerate(question.features):
        rows.append({"name": feature.name, "kind": feature.kind, "values": _told(question, i)})
    return rows


def _told(question: Question, column: int) -> str:
    """A feature's range or categories, and how much of it is missing."""
    feature = question.features[column]
    if question.shape is not None:
        values = question.x.reshape(-1, *question.shape)[:, :, column].ravel()
    else:
        values = question.x[:, column]
    known = values[~np.isnan(values)]
    if feature.kind == "category":
        found = [feature.categories[int(v)] for v in np.unique(known)]
        told = ", ".join(found[:6]) + (f" and {len(found) - 6} more" if len(found) > 6 else "")
    else:
        told = f"{known.min():g} to {known.max():g}"
    missing = len(values) - len(known)
    return f"{told}; missing in {missing}" if missing else told

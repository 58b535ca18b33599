"""What a study showed: scores on held-out rows, side by side, and what to make of them.

R rows, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pilotlight.data.columns import Array
from pilotlight.fitting.choose import Choice, winners
from pilotlight.fitting.question import Question, Rows, blocks
from pilotlight.fitting.score import (
    LEVEL,
    METRICS,
    Estimate,
    covers,
    difference,
    estimate,
    evened,
    is_better,
    losses,
    reference,
)
from pilotlight.fitting.study import Study

NETWORK = "network"
CALIBRATION_BINS = 10
MOST_GROUPS = 200
MOST_CLASSES = 20
"""More groups are not listed; a confusion matrix of more classes is not shown."""


@dataclass(frozen=True)
class Predictions:
    """Predictions for held-out rows: of each model by its name, of the network by seed and share.

    Each array is [R, K], or [R] for one target of numbers or counts; rows that no fold tests are 0.
    Of several class targets the probabilities lie side by side, a block for each.
    """

    models: Mapping[str, Array]
    by_seed: Mapping[int, Array]
    by_share: Mapping[float, Array]  # of networks that learnt from a part of the training rows


def summary(
    study: Study, found: Predictions, choices: Sequence[Choice], fooled: bool = False
) -> dict[str, Any]:
    """All that is said about a study, as plain data.

    `fooled` says that its folds are known to measure drift: then nothing is called better.
    """
    judge = _Judge(study)
    names = [b.name for b in study.baselines]
    kinds = [n.name for n in study.networks]
    own = judge.losses(found.models[NETWORK])
    others = {name: judge.losses(found.models[name]) for name in names}
    differences = [judge.difference(own, o) for o in others.values()]
    strict = [judge.difference(own, o, LEVEL / len(others)) for o in others.values()]
    network = judge.estimate(own)
    best = max(names, key=lambda n: judge.estimate(others[n]).value)
    return {
        "metric": METRICS[study.question.task],
        "score": network.value,
        "interval": network.to_json()["interval"],
        "interval_over": covers(study.question, study.folds.unit, network),
        "units": network.units,
        "unit": study.folds.unit,
        "by_fold": judge.by_fold(own),
        "by_seed": {
            str(s): judge.estimate(judge.losses(p)).value for s, p in found.by_seed.items()
        },
        "baselines": [
            judge.told(name, others[name], d) for name, d in zip(names, differences, strict=True)
        ],
        "best_baseline": best,
        "network_is_better": None if fooled else is_better(differences, strict),
        "networks": judge.kinds({k: judge.losses(found.models[k]) for k in kinds}),
        "chosen": [c.to_json() | study.candidates[c.candidate].to_json() for c in choices],
        "winners": [c.network for c in winners(choices).values()],
        "learning_curve": judge.learning_curve(found),
        "groups": judge.by_group(own, others[best]),
        "by_target": _by_target(study, found),
        **_details(study, found.models[NETWORK]),
    }


def _by_target(study: Study, found: Predictions) -> list[dict[str, Any]]:
    """Where there are several targets, what each alone scores; its own best baseline beside it.

    Of class targets also which classes are taken for which, and how sure the network is.
    """
    told: list[dict[str, Any]] = []
    for k, name in enumerate(study.question.targets if len(study.question.targets) > 1 else ()):
        judge = _Judge(study, k)
        own = judge.losses(found.models[NETWORK])
        losses_of = {b.name: judge.losses(found.models[b.name]) for b in study.baselines}
        others = [judge.told(n, loss, judge.difference(own, loss)) for n, loss in losses_of.items()]
        best = max(others, key=lambda b: b["score"])
        network = judge.estimate(own).to_json()
        told.append(
            {
                "name": name,
                "score": network["value"],
                "interval": network["interval"],
                "best_baseline": best["name"],
                "baseline": best["score"],
                "difference": best["difference"],
                "difference_interval": best["difference_interval"],
                "baselines": {b["name"]: b["score"] for b in others},
                **_class_report(study, found.models[NETWORK], k),
            }
        )
    return told


class _Judge:
    """Scores of one study's held-out rows: of all targets together, or of one alone."""

    def __init__(self, study: Study, target: int | None = None) -> None:
        self._question: Question = study.question
        self._folds = study.folds.outer
        self._tested = study.folds.tested
        self._target = target
        base = reference(study.question, self._folds)
        self._factors = evened(base, self._tested)
        self._base = self._one(base)
        self._units = study.folds.units

    def _one(self, each: Array) -> Array:
        """Of every row one number [R]: of the target, or of all with equal weight."""
        if each.ndim == 1:
            return each
        if self._target is not None:
            return each[:, self._target]
        return np.asarray((each * self._factors).sum(1))

    def losses(self, predicted: Array) -> Array:
        """Of every row [R]; only those of tested rows mean something."""
        question = self._question
        return self._one(losses(question.task, question.y, predicted, question.heads))

    def estimate(self, loss: Array, rows: Rows | None = None) -> Estimate:
        at = self._tested if rows is None else rows
        return estimate(self._question.task, loss[at], self._base[at], self._units[at])

    def difference(self, loss: Array, other: Array, level: float = LEVEL) -> Estimate:
        at = self._tested
        return difference(loss[at], other[at], self._base[at], self._units[at], level)

    def told(self, name: str, loss: Array, less: Estimate) -> dict[str, Any]:
        """A baseline: its score, and the network's less its."""
        own = self.estimate(loss).to_json()
        return {
            "name": name,
            "score": own["value"],
            "interval": own["interval"],
            "difference": less.value,
            "difference_interval": less.to_json()["interval"],
            "by_fold": self.by_fold(loss),
        }

    def kinds(self, found: Mapping[str, Array]) -> list[dict[str, Any]]:
        """Each kind of network on its own, and the first one's score less that of the others."""
        first = next(iter(found.values()))
        return [self.told(name, loss, self.difference(first, loss)) for name, loss in found.items()]

    def by_fold(self, loss: Array) -> list[float]:
        return [1 - float(loss[f.test].sum() / self._base[f.test].sum()) for f in self._folds]

    def learning_curve(self, found: Predictions) -> dict[str, Any] | None:
        """The score after training on growing parts of the training rows, in the same folds.

        `gain` is the score from all rows less that from half of them. None where rows are few.
        """
        if not found.by_share:
            return None
        rows = float(np.mean([len(f.train) for f in self._folds]))
        own = self.losses(found.models[NETWORK])
        each = {**{s: self.losses(p) for s, p in found.by_share.items()}, 1.0: own}
        points = []
        for share, loss in each.items():
            told = self.estimate(loss).to_json()
            points.append(
                {
                    "share": share,
                    "rows": round(share * rows),
                    "score": told["value"],
                    "interval": told["interval"],
                }
            )
        gain = self.difference(own, each[max(found.by_share)])
        return {"points": points, "gain": gain.value, "gain_interval": gain.to_json()["interval"]}

    def by_group(self, loss: Array, other: Array) -> list[dict[str, Any]]:
        """The network's and the best baseline's score in each group."""
        groups = self._question.groups
        if groups is None:
            return []
        told = []
        for code in np.unique(groups[self._tested])[:MOST_GROUPS]:
            at = self._tested[groups[self._tested] == code]
            base = float(self._base[at].sum()) or 1.0
            told.append(
                {
                    "name": self._question.group_names[code],
                    "rows": len(at),
                    "score": 1 - float(loss[at].sum()) / base,
                    "baseline": 1 - float(other[at].sum()) / base,
                }
            )
        return told


def _details(study: Study, predicted: Array) -> dict[str, Any]:
    """Confusion and calibration of one target's classes; usual errors of numbers."""
    question = study.question
    if question.task == "classification":
        return _class_report(study, predicted, 0) if len(question.targets) == 1 else {}
    tested = study.folds.tested
    errors = np.abs(question.y[tested] - predicted[tested])
    share = min(1.0, 0.95 * (1 + 1 / len(errors)))
    return {  # of several targets a list each
        "mean_absolute_error": errors.mean(0).tolist(),
        "root_mean_squared_error": np.sqrt((errors**2).mean(0)).tolist(),
        "error_95": np.quantile(errors, share, axis=0, method="higher").tolist(),
    }


def _class_report(study: Study, predicted: Array, target: int) -> dict[str, Any]:
    """Which classes of a target are taken for which, and how sure the network is; else empty."""
    question, tested = study.question, study.folds.tested
    if question.task != "classification":
        return {}
    own = predicted[tested, blocks(question.heads)[target]]
    said, true = own.argmax(axis=1), question.each[tested, target].astype(int)
    kinds = question.heads[target]
    confusion = np.zeros((kinds, kinds), int)
    np.add.at(confusion, (true, said), 1)
    per_class = confusion.diagonal() / np.maximum(confusion.sum(1), 1)
    return {
        "classes": list(question.classes_of[target]),
        "confusion": confusion.tolist() if kinds <= MOST_CLASSES else None,
        "balanced_accuracy": float(per_class[confusion.sum(1) > 0].mean()),
        "calibration": _calibration(own, said == true),
    }


def _calibration(predicted: Array, right: Any) -> list[dict[str, float]]:
    """How often the network is right when it is so and so sure, in ten bins."""
    sure = predicted.max(axis=1)
    bins = np.minimum((sure * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        {
            "rows": int((bins == b).sum()),
            "sure": float(sure[bins == b].mean()),
            "right": float(right[bins == b].mean()),
        }
        for b in np.unique(bins)
    ]

"""Trained networks on rows that they have not seen: predictions, and what each column is worth.

R rows, P columns, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pilotlight.core.settings import Settings
from pilotlight.data.columns import Array
from pilotlight.data.generators import named_seed
from pilotlight.engine.member import Member
from pilotlight.engine.plan import build
from pilotlight.fitting.choose import Choice, winners
from pilotlight.fitting.layout import Layout
from pilotlight.fitting.learning import predict
from pilotlight.fitting.networks import Inputs
from pilotlight.fitting.outcome import NETWORK, Predictions
from pilotlight.fitting.question import Question, Task
from pilotlight.fitting.recipe import Recipe
from pilotlight.fitting.score import losses, reference
from pilotlight.fitting.study import Study
from pilotlight.fitting.tables import inputs_of

MOST_COLUMNS = 100
"""Of more columns, what each is worth is not asked."""


@dataclass(frozen=True)
class Trained:
    """One trained network with what prepares its inputs and brings its output to the target."""

    model: nn.Module
    task: Task
    shape: tuple[int, int] | None
    recipe: Recipe
    scale: tuple[float, float]
    seen: Inputs

    def predict(self, x: Array) -> Array:
        """Probabilities [R, K], numbers or rates [R] for rows [R, P] as they are in the file."""
        inputs = inputs_of(self.shape, dict(self.recipe), x)
        if isinstance(self.seen, int):
            inputs = torch.nn.functional.pad(inputs, (0, self.seen - inputs.shape[1]))
        return predict(self.task, self.model, inputs, self.scale)


def trained(layout: Layout, weights: Mapping[str, Tensor]) -> dict[int, tuple[Member, Trained]]:
    """The networks of a refit by their number, with the weights that a run keeps."""
    question = layout.study.question
    found: dict[int, tuple[Member, Trained]] = {}
    for cohort in layout.cohorts:
        _, seen = layout.material(cohort)
        lab = layout.lab(seen)
        for index in cohort.members:
            member = layout.member(index)
            own = layout.table(member)
            model = build(lab, member)
            load(model, weights, index)
            network = Trained(model, question.task, question.shape, own.recipe, own.scale, seen)
            found[index] = (member, network)
    return found


def load(model: nn.Module, weights: Mapping[str, Tensor], index: int) -> None:
    """Lay the weights of network `index` into a module."""
    start = f"{index}/"
    own = {n.removeprefix(start): w for n, w in weights.items() if n.startswith(start)}
    model.load_state_dict(own, strict=False)


def held_out(
    study: Study,
    networks: Mapping[int, tuple[Member, Trained]],
    choices: Sequence[Choice],
    baselines: Mapping[str, Array],
) -> Predictions:
    """Every model's predictions for the test rows of the outer folds.

    A network's are the mean over its seeds. What is called the network takes in each fold the kind
    that the inner folds preferred there.
    """
    blank = _blank(study.question)
    kinds = {n.name: blank.copy() for n in study.networks}
    by_seed: dict[int, Array] = {}
    best = winners(choices)
    for member, network in networks.values():
        place = int(member.settings.place)
        if place == len(study.folds.outer):
            continue
        test = study.folds.outer[place].test
        predicted = network.predict(study.question.x[test])
        kinds[member.comparison][test] += predicted / study.seeds
        if best[place].network == member.comparison:
            by_seed.setdefault(member.seed, blank.copy())[test] = predicted
    whole = np.mean(list(by_seed.values()), axis=0)
    return Predictions({NETWORK: whole, **kinds, **baselines}, dict(sorted(by_seed.items())))


def _blank(question: Question) -> Array:
    if question.task == "classification":
        return np.zeros((len(question.y), question.outputs))
    return np.zeros(len(question.y))


def importance(
    study: Study,
    networks: Mapping[int, tuple[Member, Trained]],
    choices: Sequence[Choice],
    usual: Array,
) -> list[dict[str, Any]]:
    """How much the network's score falls when a column is shuffled among the test rows of a fold.

    `usual` are its predictions as they are. Of columns that tell the same, none may seem to matter.
    Source: Breiman (2001), Random forests, on held-out rows.
    """
    question = study.question
    columns = len(question.features)
    if columns > MOST_COLUMNS:
        return []
    rng = np.random.default_rng(named_seed(0, "importance"))
    best = winners(choices)
    base = reference(question, study.folds.outer)
    plain = losses(question.task, question.y, usual)
    worse = np.zeros(columns)
    total = 0.0
    for place, fold in enumerate(study.folds.outer):
        own = [
            network
            for member, network in networks.values()
            if member.settings.place == place and member.comparison == best[place].network
        ]
        total += float(base[fold.test].sum())
        for column in range(columns):
            x = _shuffled(question, question.x[fold.test], column, rng)
            predicted = np.mean([network.predict(x) for network in own], axis=0)
            shuffled = losses(question.task, question.y[fold.test], predicted)
            worse[column] += float((shuffled - plain[fold.test]).sum())
    order = np.argsort(-worse, kind="stable")
    return [{"name": question.features[i].name, "drop": worse[i] / total} for i in order]


def _shuffled(question: Question, x: Array, column: int, rng: np.random.Generator) -> Array:
    """The same rows with one column, or one channel of trials, of other rows."""
    order = rng.permutation(len(x))
    mixed = x.copy()
    if question.shape is None:
        mixed[:, column] = x[order, column]
        return mixed
    trials = mixed.reshape(len(x), *question.shape)
    trials[:, :, column] = trials[order, :, column]
    return trials.reshape(len(x), -1)


# The networks for new rows


def predictor(
    study: Study, networks: Mapping[int, tuple[Member, Trained]], choices: Sequence[Choice]
) -> dict[str, Any]:
    """What `predict` needs beside the weights: the refit on all rows, as plain data."""
    last = len(study.folds.outer)
    best = winners(choices)[last]
    own = {
        index: (member, network)
        for index, (member, network) in networks.items()
        if member.settings.place == last and member.comparison == best.network
    }
    question = study.question
    member, network = next(iter(own.values()))
    return {
        "members": list(own),
        "settings": dict(member.settings),
        "seen": network.seen,
        "recipe": dict(network.recipe),
        "scale": list(network.scale),
        "task": question.task,
        "target": question.target,
        "classes": list(question.classes),
        "shape": question.shape,
        "features": [
            {
                "name": f.name,
                "kind": f.kind,
                "categories": list(f.categories),
                "range": _range(question, i),
            }
            for i, f in enumerate(question.features)
        ],
    }


def _range(question: Question, column: int) -> list[float] | None:
    """The least and the largest value of a number; None for other columns and for channels."""
    if question.shape is not None or question.features[column].kind == "category":
        return None
    known = question.x[~np.isnan(question.x[:, column]), column]
    return [float(known.min()), float(known.max())] if len(known) else None


def revive(kept: Mapping[str, Any], make: Any, weights: Mapping[str, Tensor]) -> list[Trained]:
    """The networks that `predictor` told of; `make(inputs, outputs, settings)` makes one."""
    seen: Inputs = kept["seen"] if isinstance(kept["seen"], int) else tuple(kept["seen"])
    outputs = len(kept["classes"]) if kept["task"] == "classification" else 1
    shape = tuple(kept["shape"]) if kept["shape"] else None
    found = []
    for index in kept["members"]:
        with torch.random.fork_rng(devices=[]):
            model = make(seen, outputs, Settings(kept["settings"]))
        load(model, weights, index)
        scale = (kept["scale"][0], kept["scale"][1])
        found.append(Trained(model, kept["task"], shape, kept["recipe"], scale, seen))
    return found

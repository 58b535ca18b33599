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
from pilotlight.fitting.networks import Inputs, inputs_from, plain_inputs
from pilotlight.fitting.outcome import NETWORK, Predictions
from pilotlight.fitting.question import (
    Heads,
    Question,
    Scale,
    Task,
    classes_from,
    plain_classes,
)
from pilotlight.fitting.recipe import Recipe
from pilotlight.fitting.score import evened, losses, reference
from pilotlight.fitting.study import ALL_OF_THEM, Study
from pilotlight.fitting.tables import inputs_of

MOST_COLUMNS = 100
"""Of more columns, what each is worth is not asked."""


@dataclass(frozen=True)
class Trained:
    """One trained network with what prepares its inputs and brings its output to the target."""

    model: nn.Module
    task: Task
    recipe: Recipe
    scale: Scale
    seen: Inputs
    heads: Heads = ()

    def predict(self, x: Array) -> Array:
        """Probabilities [R, K], numbers or rates [R] for rows [R, P] as they are in the file."""
        inputs = inputs_of(self.seen, self.recipe, x)
        return predict(self.task, self.model, inputs, self.scale, self.heads)


def trained(layout: Layout, weights: Mapping[str, Tensor]) -> dict[int, tuple[Member, Trained]]:
    """The networks of a refit by their number, with the weights that a run keeps."""
    question = layout.study.question
    found: dict[int, tuple[Member, Trained]] = {}
    for cohort in layout.cohorts:
        lab = layout.lab()
        for index in cohort.members:
            member = layout.member(index)
            own = layout.table(member)
            model = build(lab, member)
            load(model, weights, index)
            seen = layout.study.seen
            network = Trained(model, question.task, own.recipe, own.scale, seen, question.heads)
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
    blank = nothing_predicted(study.question)
    kinds = {n.name: blank.copy() for n in study.networks}
    by_seed: dict[int, Array] = {}
    by_share: dict[float, Array] = {}
    best = winners(choices)
    for member, network in networks.values():
        place = int(member.settings.place)
        if place == len(study.folds.outer):
            continue
        test = study.folds.outer[place].test
        predicted = network.predict(study.question.x[test])
        if share := int(member.settings.share):
            part = by_share.setdefault(study.shares[share - 1], blank.copy())
            part[test] += predicted / study.seeds
            continue
        kinds[member.comparison][test] += predicted / study.seeds
        if best[place].network == member.comparison:
            by_seed.setdefault(member.seed, blank.copy())[test] = predicted
    whole = np.mean(list(by_seed.values()), axis=0)
    models = {NETWORK: whole, **kinds, **baselines}
    return Predictions(models, dict(sorted(by_seed.items())), dict(sorted(by_share.items())))


def nothing_predicted(question: Question) -> Array:
    """Zeros in the shape of predictions for all rows: [R, classes], [R], or [R, K]."""
    if question.task == "classification":
        return np.zeros((len(question.y), question.outputs))
    return np.zeros(question.y.shape)


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
    tested = np.concatenate([f.test for f in study.folds.outer])
    factors = evened(reference(question, study.folds.outer), tested)
    plain = losses(question.task, question.y, usual, question.heads)
    worse = np.zeros(columns)
    for place, fold in enumerate(study.folds.outer):
        own = [
            network
            for member, network in networks.values()
            if member.settings.place == place
            and member.comparison == best[place].network
            and member.settings.share == ALL_OF_THEM
        ]
        for column in range(columns):
            x = _shuffled(question, question.x[fold.test], column, rng)
            predicted = np.mean([network.predict(x) for network in own], axis=0)
            shuffled = losses(question.task, question.y[fold.test], predicted, question.heads)
            worse[column] += float(((shuffled - plain[fold.test]) * factors).sum())
    order = np.argsort(-worse, kind="stable")
    return [
        {"name": question.features[i].name, "drop": worse[i] / len(question.targets)} for i in order
    ]


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
        "seen": plain_inputs(network.seen),
        "recipe": dict(network.recipe),
        "scale": [np.asarray(s).tolist() for s in network.scale],
        "task": question.task,
        "target": question.target,
        "targets": list(question.targets),
        "classes": plain_classes(question.classes_of),
        "shape": question.shape,
        "padded": question.padded,
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
    seen = inputs_from(kept["seen"])
    heads = tuple(len(names) for names in classes_from(kept["classes"]))
    outputs = sum(heads) or len(kept["targets"])
    found = []
    for index in kept["members"]:
        with torch.random.fork_rng(devices=[]):
            model = make(seen, outputs, Settings(kept["settings"]))
        load(model, weights, index)
        scale = (np.array(kept["scale"][0]), np.array(kept["scale"][1]))
        found.append(Trained(model, kept["task"], kept["recipe"], scale, seen, heads))
    return found

"""Predict new rows with the networks of a fit, refusing what does not fit them, in words."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pilotlight.app.fit_config import model_hash
from pilotlight.app.fitting import open_fit
from pilotlight.core.errors import RecordError, UsageError, did_you_mean, raise_all
from pilotlight.data.columns import Array, Column
from pilotlight.data.files import Examples, read
from pilotlight.fitting.heldout import Trained, revive
from pilotlight.fitting.networks import load_networks, own_networks, usual
from pilotlight.fitting.question import blocks, classes_from


@dataclass(frozen=True)
class Predicted:
    """What networks say of new rows, and what a person should know of these rows.

    `values` holds a class's index, a number or a rate for each row, [R]; of several targets
    [R, K]. `chances` has for each class target the probabilities [R, classes] of its classes in
    `classes_of`; `error` is what 95 % of held-out rows stayed within, for each target.
    """

    values: Array
    classes_of: tuple[tuple[str, ...], ...]
    chances: tuple[Array, ...]
    error: Array | None
    notes: tuple[str, ...]
    counts: bool = False
    targets: tuple[str, ...] = ()

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        ends = [f"_{t}" for t in self.targets] if self.values.ndim == 2 else [""]
        if self.chances:
            return [
                name
                for end, classes in zip(ends, self.classes_of, strict=True)
                for name in (f"prediction{end}", *(f"probability{end}_{c}" for c in classes))
            ]
        return [f"{word}{end}" for end in ends for word in ("prediction", "low_95", "high_95")]

    @property
    def said(self) -> Any:
        """The classes' names in the place of their indices: texts [R], or [R, K]."""
        columns = self.values.astype(int).reshape(len(self.values), -1).T
        named = [np.array(c)[own] for c, own in zip(self.classes_of, columns, strict=True)]
        return np.stack(named, axis=1).reshape(self.values.shape)

    def lines(self) -> list[list[str]]:
        """One line for each row, in their order."""
        if self.chances:
            said = self.said.reshape(len(self.values), -1).T.tolist()
            columns = [
                column
                for names, chances in zip(said, self.chances, strict=True)
                for column in (names, *([f"{p:.6g}" for p in each] for each in chances.T))
            ]
            return [list(row) for row in zip(*columns, strict=True)]
        assert self.error is not None
        least = 0.0 if self.counts else -np.inf
        rows = self.values.reshape(len(self.values), -1)
        low, high = np.maximum(least, rows - self.error), rows + self.error
        cells = np.stack([rows, low, high], axis=2).reshape(len(rows), -1)
        return [[f"{v:.6g}" for v in row] for row in cells]

    def csv(self) -> str:
        """The header and all lines as the text of a CSV file."""
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows([self.header, *self.lines()])
        return file.getvalue()


def predict_file(run: str | Path, path: str | Path) -> Predicted:
    """Predictions for the rows of a file.

    Raises:
        UsageError: the file lacks columns, or holds what does not fit them; all at once.
        RecordError: no finished fit there, or its own networks' file is gone or changed.
    """
    kept = predictor_of(run)
    types = {f["name"]: f["kind"] for f in kept["features"]}
    width = open_fit(run).config["asked"]["bin"]
    return predict_examples(run, read(path, types, all_there=False, width=width))


def predictor_of(run: str | Path) -> Mapping[str, Any]:
    """What a finished fit keeps to predict with.

    Raises:
        RecordError: no fit there, or one that is not finished.
    """
    folder = open_fit(run)
    if folder.result is None:
        raise RecordError(
            f"{run} is not finished, so there is nothing to predict with. Go on with it: "
            f"pilotlight fit --resume {run}"
        )
    kept: Mapping[str, Any] = folder.result["predictor"]
    return kept


def predict_examples(run: str | Path, examples: Examples, model: Any = None) -> Predicted:
    """Predictions for examples in memory; `model` gives networks that came from a notebook."""
    kept = predictor_of(run)
    folder = open_fit(run)
    x, notes = _inputs(kept, examples)
    networks = _networks(folder.config, kept, model)
    made = {n.name: n.make for n in networks}[kept["settings"]["network"]]
    trained: Sequence[Trained] = revive(kept, made, folder.weights())
    found = np.mean([network.predict(x) for network in trained], axis=0)
    if kept["task"] == "classification":
        return _of_classes(kept, found, notes)
    assert folder.result is not None
    error = np.array(folder.result["error_95"])
    counts, targets = kept["task"] == "counts", tuple(kept["targets"])
    return Predicted(found, (), (), error, tuple(notes), counts, targets)


def _of_classes(kept: Mapping[str, Any], found: Array, notes: Sequence[str]) -> Predicted:
    """The most probable class of each target, of probabilities [R, K] side by side."""
    classes_of, targets = classes_from(kept["classes"]), tuple(kept["targets"])
    chances = tuple(found[:, block] for block in blocks(tuple(map(len, classes_of))))
    best = np.stack([own.argmax(axis=1) for own in chances], axis=1).astype(np.float64)
    values = best if len(chances) > 1 else best[:, 0]
    return Predicted(values, classes_of, chances, None, tuple(notes), targets=targets)


def _networks(config: Mapping[str, Any], kept: Mapping[str, Any], model: Any) -> Any:
    asked = config["asked"]
    if model is not None:
        return own_networks(model)
    if asked["model"] is None and "model" not in asked["in_memory"]:
        return usual(kept["shape"] is not None)
    if asked["model"] is None:
        raise RecordError("This fit had its networks in memory. Give them: predict(X, model=...).")
    if model_hash(asked["model"]) != config["hashes"]["model"]:
        raise RecordError(f"{asked['model']} is gone or changed since the fit. Bring it back.")
    return load_networks(asked["model"])


def _inputs(kept: Mapping[str, Any], examples: Examples) -> tuple[Array, list[str]]:
    """Rows as the networks' preparation takes them, and what is to be said of them."""
    if kept["shape"] is not None:
        return _trials(tuple(kept["shape"]), kept["padded"], examples), []
    features = kept["features"]
    held = {c.name: c for c in examples.columns}
    lacking = [f["name"] for f in features if f["name"] not in held]
    if lacking:
        raise UsageError(
            *[f"{examples.name} lacks column {n!r}. {did_you_mean(n, held)}" for n in lacking]
        )
    raise_all([p for f in features if (p := _misfit(f, held[f["name"]], examples.name))])
    notes: list[str] = []
    columns = [_column(feature, held[feature["name"]], notes) for feature in features]
    extra = [n for n in held if n not in {f["name"] for f in features}]
    if extra:
        notes.append(f"Not used: {', '.join(extra)}.")
    return np.stack(columns, axis=1), notes


def _trials(shape: tuple[int, int], padded: bool, examples: Examples) -> Array:
    """Trials laid out flat; shorter ones than in training are padded where those were."""
    if padded and examples.trials is not None and examples.trials.shape[1] < shape[0]:
        missing = ((0, 0), (0, shape[0] - examples.trials.shape[1]), (0, 0))
        trials = np.pad(examples.trials, missing, constant_values=np.nan)
        examples = replace(examples, trials=trials)
    if examples.trials is None or examples.trials.shape[1:] != shape:
        found = "missing" if examples.trials is None else f"of shape {examples.trials.shape}"
        raise UsageError(
            f"{examples.name}: X is to be trials x {shape[0]} steps x {shape[1]} channels, as in "
            f"training; it is {found}."
        )
    return examples.trials.reshape(len(examples.trials), -1)


def _misfit(feature: Mapping[str, Any], column: Column, name: str) -> str:
    same = (feature["kind"] == "category") == (column.kind == "category")
    if same or not np.any(~np.isnan(column.values)):
        return ""
    return (
        f"{name}: column {column.name!r} holds {column.kind} values; in training it held "
        f"{feature['kind']} values."
    )


def _column(feature: Mapping[str, Any], column: Column, notes: list[str]) -> Array:
    """A column's values as training coded them."""
    absent = int(np.isnan(column.values).sum())
    if absent:
        notes.append(f"{column.name}: missing in {absent} rows.")
    if feature["kind"] != "category":
        _note_range(feature, column, notes)
        return column.values
    code = {c: float(i) for i, c in enumerate(feature["categories"])}
    new = sorted(set(column.categories) - set(code))
    if new:
        shown = ", ".join(repr(c) for c in new[:5]) + (" ..." if len(new) > 5 else "")
        notes.append(
            f"{column.name}: {shown} did not occur in training, so the network cannot know what "
            "it means."
        )
    known = [code.get(c, -1.0) for c in column.categories]
    return np.array([np.nan if np.isnan(v) else known[int(v)] for v in column.values])


def _note_range(feature: Mapping[str, Any], column: Column, notes: list[str]) -> None:
    if not feature["range"]:
        return
    low, high = feature["range"]
    beyond = int(np.sum((column.values < low) | (column.values > high)))
    if beyond:
        notes.append(
            f"{column.name}: {beyond} rows lie beyond what training saw ({low:g} to {high:g})."
        )

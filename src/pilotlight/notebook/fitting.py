"""`pl.fit`: the command line's `fit`, for arrays and tables in memory."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pilotlight.app.fitting import Fitting, open_fit, resume_fit, start_fit
from pilotlight.app.interrupt import InterruptButton
from pilotlight.app.predicting import Predicted, predict_examples
from pilotlight.core.command import FitCommand
from pilotlight.core.errors import RecordError, UsageError
from pilotlight.core.event import Progress
from pilotlight.data.columns import Column, column_of
from pilotlight.data.files import INPUTS, Examples, from_arrays, read
from pilotlight.data.spikes import is_spikes
from pilotlight.notebook.display import Bar
from pilotlight.notebook.running import told_briefly
from pilotlight.present.fit_words import headline, terminal

TARGET, GROUP = "target", "group"


class FittedModel:
    """A finished fit: its score, what it was held against, and predictions for new rows."""

    def __init__(self, folder: str | Path, model: Any = None) -> None:
        run = open_fit(folder)
        if run.result is None:
            raise RecordError(f"{folder} is not finished. To go on: pilotlight fit --resume it.")
        self.folder = run.path
        self.result: Mapping[str, Any] = run.result
        self._model = model

    @property
    def score(self) -> float:
        """The network's score on held-out rows: accuracy, R2 or D2, as `metric` says."""
        return float(self.result["score"])

    @property
    def interval(self) -> tuple[float, float] | None:
        """The score's 95 % interval; `result["interval_over"]` says what it covers."""
        found = self.result["interval"]
        return (found[0], found[1]) if found else None

    @property
    def metric(self) -> str:
        """What the score is."""
        return str(self.result["metric"])

    @property
    def baselines(self) -> dict[str, float]:
        """The simple baselines' scores on the same held-out rows."""
        return {b["name"]: b["score"] for b in self.result["baselines"]}

    @property
    def networks(self) -> dict[str, float]:
        """The score of each kind of network that was tried."""
        return {n["name"]: n["score"] for n in self.result["networks"]}

    @property
    def is_better(self) -> bool | None:
        """Whether the network is better than every baseline; None where the data cannot tell."""
        found: bool | None = self.result["network_is_better"]
        return found

    @property
    def warnings(self) -> dict[str, str]:
        """Code to text of what a person should know."""
        return {n["code"]: n["text"] for n in self.result["warnings"]}

    @property
    def held_out(self) -> dict[str, Any]:
        """Arrays of the held-out rows: y, fold, and predictions of every model."""
        return dict(open_fit(self.folder).history())

    @property
    def page(self) -> Path:
        """The report."""
        return self.folder / "report.html"

    def predict(self, inputs: Any) -> Any:
        """Classes, numbers or rates for new rows, [R] or [R, K], as text or numbers.

        Raises:
            UsageError: the rows lack columns, or hold what does not fit them.
        """
        found = self.predicted(inputs)
        return found.said if found.chances else found.values

    def predict_proba(self, inputs: Any) -> Any:
        """Probabilities [R, K] of `result["classes"]`; of several targets a list of such.

        Raises:
            UsageError: the target has no classes, or the rows do not fit.
        """
        found = self.predicted(inputs)
        if not found.chances:
            raise UsageError(f"{self.result['target']!r} has no classes. Use predict.")
        return list(found.chances) if len(found.chances) > 1 else found.chances[0]

    def predicted(self, inputs: Any) -> Predicted:
        """Predictions with intervals and notes on the rows."""
        return predict_examples(self.folder, examples_of(inputs), self._model)

    def __repr__(self) -> str:
        return terminal(self.result, str(self.folder))

    def _repr_html_(self) -> str:
        first = html.escape(headline(self.result))
        rest = html.escape(terminal(self.result, str(self.folder)))
        return f"<p><strong>{first}</strong></p><pre>{rest}</pre>"


@told_briefly()
def fit(
    inputs: Any,
    target: Any,
    *,
    groups: Any = None,
    in_time: bool = False,
    task: str | None = None,
    model: Any = None,
    folds: int | str = 5,
    inner_folds: int = 3,
    seeds: int = 3,
    candidates: int | None = None,
    budget: str | None = None,
    sampler: str = "halton",
    halving: bool = True,
    leave_out: Sequence[str] = (),
    types: Mapping[str, str] | None = None,
    bin: float | None = None,
    device: str = "auto",
    jobs: int | None = None,
    out: str | Path | None = None,
    resume_from: str | Path | None = None,
) -> FittedModel:
    """Can a network predict this, how well really, and is it worth it over something simple?

    Args:
        inputs: numbers [R, F], trials [R, T, C], a mapping or data frame of columns, a mapping of
            named arrays (X or spike_times among them), or a path.
        target: values [R]: texts, numbers or counts; several as [R, K]; or names of columns.
        groups: what rows belong to [R] (an animal, a session); or a column's name.
        in_time: rows are in order of time: blocks with gaps are held out.
        task: "classification", "regression" or "counts"; guessed unless given.
        model: your own networks, `{"a": NetA, "b": NetB}`, each made as `Net(inputs, outputs)`;
            they get the same folds, settings and seeds. Or a file's path. Of several class targets
            `outputs` is the number of all classes: a block for each target, in their order.
        folds, inner_folds, seeds: how many; `folds` may be the path of a file of index lists.
        candidates: how many settings are tried on the inner folds; 16 unless given.
        budget: instead, about how long it may take: "2m".
        sampler: "halton" spreads candidates evenly; "optuna" lets half follow from the other half.
        halving: the worse half of the candidates stops early, and again.
        leave_out: columns not to predict from.
        types: what columns hold: {"year": "category"}.
        bin: where spike times are counted, the width of a bin in seconds.
        device: "auto", "cpu", "cuda" or "mps".
        jobs: worker processes; for a long fit one per core unless given. Same numbers always.
        out: the run's folder, new or empty; without it runs/NAME-DATE-ID.
        resume_from: the folder of a fit that was stopped; give the same data again.

    Raises:
        UsageError: all that is wrong with the data and the call, before anything is trained.
        RecordError: the folder cannot be made, read or resumed.
        KeyboardInterrupt: it was interrupted; what was trained is kept.
    """
    data, names = _together(examples_of(inputs, types, bin), target, groups, types)
    if resume_from is not None:
        return _train(resume_fit(resume_from, data, model, jobs), model)
    command = FitCommand(
        data,
        names[0],
        names[1],
        in_time=in_time,
        task=task,
        types=types or {},
        leave_out=tuple(leave_out),
        bin=bin,
        folds=folds,
        inner_folds=inner_folds,
        seeds=seeds,
        candidates=candidates,
        budget=budget,
        sampler=sampler,
        halving=halving,
        model=model,
        device=device,
        jobs=jobs,
        out=None if out is None else str(out),
    )
    return _train(start_fit(command), model)


def open_fitted(folder: str | Path, model: Any = None) -> FittedModel:
    """A fit that was made before, here or elsewhere.

    Raises:
        RecordError: no finished fit there.
    """
    return FittedModel(folder, model)


def examples_of(
    inputs: Any, types: Mapping[str, str] | None = None, width: float | None = None
) -> Examples:
    """Arrays, a data frame, a mapping of columns or a path as named columns.

    Raises:
        UsageError: they cannot be read so.
    """
    if isinstance(inputs, Examples):
        return inputs
    if isinstance(inputs, str | Path):
        return read(inputs, types or {}, width=width)  # type: ignore[arg-type]
    if isinstance(inputs, Mapping) and (is_spikes(inputs) or INPUTS in inputs):
        return from_arrays("data", inputs, types, width)  # type: ignore[arg-type]
    if isinstance(inputs, Mapping) or hasattr(inputs, "columns"):
        names = list(inputs) if isinstance(inputs, Mapping) else list(inputs.columns)
        wanted: Mapping[str, Any] = types or {}
        made = [column_of(str(n), np.asarray(inputs[n]), wanted.get(str(n))) for n in names]
        _refuse_uneven(made)
        return Examples("data", tuple(made))
    return from_arrays("data", {"X": np.asarray(inputs)})


def _refuse_uneven(columns: Sequence[Column]) -> None:
    lengths = {c.name: len(c.values) for c in columns}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {n}" for name, n in lengths.items())
        raise UsageError(f"Columns differ in their number of rows: {told}.")


def _together(
    data: Examples, target: Any, groups: Any, types: Mapping[str, str] | None
) -> tuple[Examples, tuple[str, str | None]]:
    """Inputs with the target and the groups as columns beside them, and their names."""
    columns = list(data.columns)
    names: list[str | None] = []
    for given, usual in ((target, TARGET), (groups, GROUP)):
        if given is None or isinstance(given, str):
            names.append(given)
            continue
        if usual == TARGET and _are_names(given, columns):
            names.append(",".join(given))
            continue
        values = np.asarray(given)
        if values.ndim == 2 and usual == TARGET and values.shape[1] > 1:
            columns += (several := _several(given, values, types))
            names.append(",".join(c.name for c in several))
            continue
        if len(values) != data.rows:
            raise UsageError(f"{usual} has {len(values)} values, the inputs {data.rows} rows.")
        name = str(getattr(given, "name", None) or usual)
        while name in {c.name for c in columns}:
            name += "_"
        columns.append(column_of(name, values, (types or {}).get(name)))  # type: ignore[arg-type]
        names.append(name)
    assert names[0] is not None
    whole = replace(data, columns=tuple(columns))
    return whole, (names[0], names[1])


def _are_names(given: Any, columns: Sequence[Column]) -> bool:
    """Whether a list names columns that are there; a list of values names none."""
    known = {c.name for c in columns}
    return isinstance(given, list | tuple) and all(isinstance(g, str) and g in known for g in given)


def _several(given: Any, values: Any, types: Mapping[str, str] | None) -> list[Column]:
    """The columns of several targets, by their own names where they have such."""
    named = [str(n) for n in getattr(given, "columns", [])]
    names = named or [f"{TARGET}_{i + 1}" for i in range(values.shape[1])]
    wanted: Mapping[str, Any] = types or {}
    return [column_of(n, v, wanted.get(n)) for n, v in zip(names, values.T, strict=True)]


def _train(fitting: Fitting, model: Any) -> FittedModel:
    bar = Bar()
    bar.start(0)
    events: Any = iter(fitting)
    with InterruptButton() as button:
        try:
            with closing(events):
                for event in events:
                    if isinstance(event, Progress):
                        bar.update(event, None)
                    button.heed()
        except BaseException as error:
            if button.pressed or isinstance(error, KeyboardInterrupt):
                bar.close(
                    f"Stopped. To go on: pl.fit(..., resume_from={str(fitting.folder)!r}) with the "
                    "same data."
                )
                raise KeyboardInterrupt from None
            bar.close("Stopped by an error.")
            raise
    bar.close(f"Done. Report: {fitting.folder / 'report.html'}")
    return FittedModel(fitting.folder, model)

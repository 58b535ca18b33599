"""Fit: train on a person's own data while one iterates, record as it goes, say what came out.

Four stages, each a stream of events: simple baselines on every outer fold; candidates on the inner
folds; what these chose, refitted; scores. What is done is in the run folder, so a fit that was
killed goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pilotlight.app.fit_memory import refuse_memory
from pilotlight.app.fit_page import SPLITS
from pilotlight.app.fit_preparing import FitPrepared, prepare_fit, prepare_fit_again
from pilotlight.app.fit_work import Overall, Work
from pilotlight.app.fit_worker import baseline_numbers
from pilotlight.app.interrupt import in_one_piece
from pilotlight.core.command import FitCommand
from pilotlight.core.errors import RecordError
from pilotlight.core.event import Checkpoint, CohortDone, Event, Finished
from pilotlight.data.columns import Array
from pilotlight.fitting.choose import Choice, choose, curves_of, every_candidate, going_on
from pilotlight.fitting.drift import DRIFT
from pilotlight.fitting.heldout import (
    held_out,
    importance,
    nothing_predicted,
    predictor,
    trained,
)
from pilotlight.fitting.layout import Layout, refit, search, search_on
from pilotlight.fitting.outcome import NETWORK, Predictions, summary
from pilotlight.fitting.question import plain_classes
from pilotlight.fitting.sampler import with_proposals
from pilotlight.fitting.study import Study
from pilotlight.record.folder import Folder


class Fitting:
    """A fit in hand. Iterate to train; `result` is there when all is done."""

    def __init__(self, folder: Folder, prepared: FitPrepared | None) -> None:
        self._folder = folder
        self._prepared = prepared

    @property
    def folder(self) -> Path:
        """Where it is recorded."""
        return self._folder.path

    @property
    def name(self) -> str:
        """What is fitted."""
        return str(self._folder.config["lab"])

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        return self._folder.finished

    @property
    def seconds(self) -> float:
        """How long it is thought to take; 0 where nothing is left to train."""
        return self._prepared.cost.seconds if self._prepared and not self.finished else 0.0

    @property
    def result(self) -> dict[str, Any]:
        """What result.json holds; empty before the end."""
        return self._folder.result or {}

    def __iter__(self) -> Iterator[Event]:
        if self._prepared is not None and not self.finished:
            with self._folder.lock():
                yield from self._go(self._prepared)
        elif self.finished and not (self.folder / "report.html").exists():
            with self._folder.lock():
                self._write_page()

    def _go(self, prepared: FitPrepared) -> Iterator[Event]:
        study = prepared.study
        done = {e.cohort: e.seconds for e in self._folder.events() if isinstance(e, CohortDone)}
        checkpoints = {c: p for c, p in self._folder.load_checkpoints().items() if c not in done}
        before = sum(done.values()) + sum(c.about["seconds"] for c in checkpoints.values())
        started = time.perf_counter()
        if not (self.folder / SPLITS).exists():
            self._write_splits(study)
        progress = Overall(study)
        layout = search(study)
        alive = every_candidate(study)
        searched = layout.members
        waiting = [n for n in baseline_numbers(study) if n not in done]
        kept: Mapping[str, torch.Tensor] = {}
        with Work(prepared, checkpoints) as work:
            while True:
                progress.expect(layout)
                progress.skip(done)
                waiting += [c.index for c in layout.cohorts if c.index not in done]
                yield from self._record(work.of(waiting, layout, kept), progress)
                if layout.stage == "refit":
                    break
                curves = curves_of(self._folder.events(), searched)
                if layout.goes_on:  # the better half, from where it is
                    kept = self._folder.weights([c.index for c in layout.cohorts])
                    alive = going_on(study, curves, alive)
                    layout = search_on(layout, alive)
                elif study.sampler == "optuna" and study is prepared.study:
                    study, alive = with_proposals(study, curves)
                    layout = search(study, alive, layout)
                    searched += layout.members
                    kept = {}
                else:
                    self._forget(layout)
                    kept = {}
                    choices = choose(study, curves)
                    layout = refit(study, choices, layout)
                waiting = []
        second = layout
        finished = Finished(before + time.perf_counter() - started)
        self._folder.append(finished)
        self._finish(prepared, second, choices, finished.seconds)
        yield finished

    def _write_splits(self, study: Study) -> None:
        from pilotlight.record.pack import pack_arrays

        self._folder.write_bytes(SPLITS, pack_arrays(study.folds.arrays()))

    def _forget(self, layout: Layout) -> None:
        """What the rounds of a search left of their networks has served."""
        for cohort in range(layout.cohorts[-1].index + 1):
            self._folder.save_weights(cohort, {})

    def _record(self, events: Iterable[Event], progress: Overall) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Checkpoint):
                self._folder.save_checkpoint(event)
            elif isinstance(event, CohortDone):
                self._folder.save_weights(event.cohort, event.weights)
            if event.recorded:
                self._folder.append(event)
            yield progress.of(event)

    # Saying what came out

    def _finish(
        self, prepared: FitPrepared, layout: Layout, choices: tuple[Choice, ...], seconds: float
    ) -> None:
        study = layout.study
        weights = self._folder.weights()
        networks = trained(layout, weights)
        found = held_out(study, networks, choices, _predicted(study, weights))
        result = {
            **_head(self._folder, study, prepared),
            **summary(study, found, choices, any(n.code == DRIFT for n in prepared.notices)),
            "importance": importance(study, networks, choices, found.models[NETWORK]),
            "predictor": predictor(study, networks, choices),
            "run": ".",
            "seconds": round(seconds, 2),
            "members": len(layout.members) + layout.members[0].index,
            "versions": self._folder.config["versions"],
            "claims": [],
        }
        self._folder.finish(result, _history(study, found))
        self._write_page()

    def _write_page(self) -> None:
        with in_one_piece():
            from pilotlight.app.fit_page import write_fit_page

        write_fit_page(self._folder)


def _predicted(study: Study, weights: Mapping[str, torch.Tensor]) -> dict[str, Array]:
    """The baselines' kept predictions, fold after fold laid into place."""
    found: dict[str, Array] = {}
    for baseline in study.baselines:
        found[baseline.name] = nothing_predicted(study.question)
        for k, fold in enumerate(study.folds.outer):
            found[baseline.name][fold.test] = weights[f"{baseline.name}/{k}"].numpy()
    return found


def _head(folder: Folder, study: Study, prepared: FitPrepared) -> dict[str, Any]:
    """The first keys of result.json, as they are documented."""
    config = folder.config
    return {
        "kind": "fit",
        "question": config["question"],
        "task": study.question.task,
        "rows": len(study.question.y),
        "target": study.question.target,
        "targets": list(study.question.targets),
        "split": config["about"]["split"],
        "classes": plain_classes(study.question.classes_of),
        "seeds": study.seeds,
        "candidates": len(prepared.study.candidates) * study.batches,
        "warnings": [n.to_json() for n in prepared.notices],
        "about_baselines": {b.name: b.about for b in study.baselines if b.about},
    }


def _history(study: Study, found: Predictions) -> dict[str, Any]:
    """Held-out predictions of all models, and what was true."""
    arrays: dict[str, Any] = {"y": study.question.y, "rows": study.question.rows}
    if study.question.groups is not None:
        arrays["groups"] = study.question.groups
    fold = np.full(len(study.question.y), -1)
    for k, each in enumerate(study.folds.outer):
        fold[each.test] = k
    arrays["fold"] = fold
    return arrays | {f"predicted-{name}": values for name, values in found.models.items()}


def start_fit(command: FitCommand) -> Fitting:
    """Check a command and make its run folder; iterate over the result to train.

    Raises:
        UsageError: all that is wrong with the command, before anything is written.
        RecordError: the folder cannot be made.
    """
    prepared = prepare_fit(command)
    refuse_memory(prepared.cost)
    name = f"fit-{Path(prepared.study.question.name).stem}"
    return Fitting(Folder.create(name, prepared.config, command.out), prepared)


def resume_fit(
    path: str | Path, data: Any = None, model: Any = None, jobs: int | None = None
) -> Fitting:
    """Go on with a fit exactly as its config says; a finished one has nothing left to train.

    Raises:
        RecordError: no fit there, or the data, the networks, torch changed since.
    """
    folder = open_fit(path)
    if folder.finished:
        return Fitting(folder, None)
    prepared = prepare_fit_again(folder.config, data, model, jobs)
    refuse_memory(prepared.cost)
    return Fitting(folder, prepared)


def open_fit(path: str | Path) -> Folder:
    """The run folder of a fit.

    Raises:
        RecordError: no run there, or one of a lab.
    """
    folder = Folder.open(path)
    if folder.config.get("kind") != "fit":
        raise RecordError(
            f"{path} is no run of `pilotlight fit`. `pilotlight runs` lists the runs."
        )
    return folder

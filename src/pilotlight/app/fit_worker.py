"""What a worker process does for a fit: one baseline on one fold, or one cohort of networks."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import torch

from pilotlight.app.fit_preparing import study_of
from pilotlight.core.command import FitCommand
from pilotlight.core.event import Checkpoint, CohortDone, Event
from pilotlight.engine.member import Member
from pilotlight.engine.plan import Cohort
from pilotlight.engine.run import train_cohort
from pilotlight.fitting.baselines import fit_predict
from pilotlight.fitting.layout import Layout
from pilotlight.fitting.study import Study

PRELOAD = ("torch", "sklearn.ensemble", "pilotlight.app.fit_worker")
BASELINES = 100_000
"""Number of the first baseline in the journal, past those of all cohorts."""
PER_BASELINE = 1000


def baseline_numbers(study: Study) -> list[int]:
    """A number for each baseline and outer fold, in the journal's numbering of cohorts."""
    return [
        BASELINES + PER_BASELINE * b + k
        for b in range(len(study.baselines))
        for k in range(len(study.folds.outer))
    ]


def fit_baseline(study: Study, number: int) -> Iterator[Event]:
    """Fit one baseline on one outer fold; its predictions for the test rows are its weights."""
    b, k = divmod(number - BASELINES, PER_BASELINE)
    baseline = study.baselines[b]
    start = time.perf_counter()
    fold, inner = study.folds.outer[k], study.folds.inner[k]
    predicted, _ = fit_predict(study.question, baseline, fold, inner)
    kept = {f"{baseline.name}/{k}": torch.tensor(predicted)}
    yield CohortDone(number, time.perf_counter() - start, kept)


def train_networks(layout: Layout, index: int, checkpoint: Checkpoint | None) -> Iterator[Event]:
    """Train one cohort; networks of the search have served when their losses are known."""
    cohort = next(c for c in layout.cohorts if c.index == index)
    material, plan = layout.material(cohort), layout.plan(cohort)
    going = layout.goes_on
    for event in train_cohort(layout.lab(), plan, index, material, checkpoint, keep_state=going):
        if isinstance(event, CohortDone) and layout.stage == "search" and not going:
            event = replace(event, weights={})
        yield event


def in_worker(
    command: FitCommand,
    number: int,
    stage: tuple[str, int, tuple[Member, ...], tuple[Cohort, ...]] | None,
    checkpoint: Checkpoint | None,
) -> Iterator[Event]:
    """The same in a process of its own, which reads the data for itself, once for all its jobs."""
    study = _study_of(pickle.dumps(command))
    if stage is None:
        yield from fit_baseline(study, number)
        return
    name, round_, members, cohorts = stage
    layout = Layout(study, name, members, cohorts, round_)
    yield from train_networks(layout, number, checkpoint)


@lru_cache(maxsize=1)
def _study_of(command: bytes) -> Study:
    return study_of(pickle.loads(command))  # from our own parent; a command is not hashable

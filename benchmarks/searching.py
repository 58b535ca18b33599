"""Our search on own data and what comes of it, and nothing else: no baselines, curve or page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pilotlight.app.fit_preparing import FitPrepared
from pilotlight.app.fit_work import Work
from pilotlight.core.event import CohortDone, Event
from pilotlight.fitting.choose import choose, curves_of, every_candidate, going_on
from pilotlight.fitting.heldout import held_out, trained
from pilotlight.fitting.layout import refit, search, search_on
from pilotlight.fitting.outcome import Predictions
from pilotlight.fitting.sampler import with_proposals
from pilotlight.fitting.study import Place, Study


def searched(prepared: FitPrepared, jobs: int) -> Predictions:
    """Candidates on the inner folds, what they chose refitted, its held-out predictions."""
    study = _bare(prepared.study, prepared.study.places[:-1])
    prepared = replace(prepared, study=study, command=replace(prepared.command, jobs=jobs))
    with Work(prepared, {}) as work:
        stages = _Stages(study)
        while stages.layout.stage == "search":
            stages.go_on(stages.done(work))
        stages.done(work)
    networks = trained(stages.layout, stages.kept)
    return held_out(stages.layout.study, networks, stages.choices, {})


def _bare(study: Study, places: Sequence[Place]) -> Study:
    """In the outer folds alone, without the fit on all rows; and without a learning curve."""
    bare = replace(study)
    bare.__dict__.update(shares=(), places=tuple(places))
    return bare


class _Stages:
    """Which networks train next, after what became of those before."""

    def __init__(self, study: Study) -> None:
        self.layout = search(study)
        self.choices: Any = ()
        self.kept: dict[str, Any] = {}
        self._alive = every_candidate(study)
        self._members = self.layout.members
        self._events: list[Event] = []
        self._first = study

    def done(self, work: Work) -> list[Event]:
        """Train the layout's cohorts; what they leave is kept for those that go on."""
        numbers = [cohort.index for cohort in self.layout.cohorts]
        events = list(work.of(numbers, self.layout, self.kept))
        self.kept = dict(_weights(events))
        return events

    def go_on(self, events: list[Event]) -> None:
        """The next round, or what a sampler proposes, or the refit; the last two start afresh."""
        self._events += events
        study, curves = self.layout.study, curves_of(self._events, self._members)
        if self.layout.goes_on:
            self._alive = going_on(study, curves, self._alive)
            self.layout = search_on(self.layout, self._alive)
            return
        self.kept = {}
        if study.sampler != "halton" and study is self._first:
            more, self._alive = with_proposals(study, curves)
            self.layout = search(_bare(more, study.places), self._alive, self.layout)
            self._members += self.layout.members
            return
        self.choices = choose(study, curves)
        self.layout = refit(study, self.choices, self.layout)


def _weights(events: list[Event]) -> Iterator[tuple[str, Any]]:
    for event in events:
        if isinstance(event, CohortDone):
            yield from event.weights.items()

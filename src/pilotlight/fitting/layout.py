"""From a study to networks that the engine trains together: candidates x folds, then refits.

Networks of one shape form cohorts, whatever their fold. Folds differ by a row or by a group, so an
epoch is as many full batches as the smallest fold has, drawn afresh from all rows of each.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from pilotlight.core.event import Checkpoint
from pilotlight.core.lab import Lab
from pilotlight.core.settings import Settings
from pilotlight.engine.cohort import joined
from pilotlight.engine.material import Material
from pilotlight.engine.member import Member
from pilotlight.engine.plan import Cohort, Plan, build, cut
from pilotlight.engine.stack import refuse_hidden_draws, why_not_stacked
from pilotlight.fitting.candidates import Candidate
from pilotlight.fitting.choose import Choice, winners
from pilotlight.fitting.learning import lab_of
from pilotlight.fitting.question import Rows
from pilotlight.fitting.study import ALL_OF_THEM, FIRST_SEED, Study
from pilotlight.fitting.tables import Table, table

KEPT_NUMBERS = 50_000_000
"""Prepared tables are kept for the next cohorts up to so many numbers together."""
ALL_ROWS = -1
"""`inner` of a network that trains on all rows of its place."""


@dataclass
class Layout:
    """The networks of one stage, `search` or `refit`, in cohorts; rows are prepared when needed.

    A search has rounds: those that go on keep their numbers, and start from what `handed` gives.
    """

    study: Study
    stage: str
    members: tuple[Member, ...]
    cohorts: tuple[Cohort, ...] = ()
    round: int = 0
    _tables: dict[tuple[int, ...], Table] = field(default_factory=dict)

    @property
    def goes_on(self) -> bool:
        """Whether some of its networks train on in a later round."""
        return self.stage == "search" and self.round + 1 < len(self.study.rounds)

    @cached_property
    def _by_number(self) -> dict[int, Member]:
        return {member.index: member for member in self.members}

    def member(self, index: int) -> Member:
        """A network by its number in the run."""
        return self._by_number[index]

    def steps(self, cohort: Cohort) -> int:
        """Updates of all networks of a cohort together, in this round."""
        settings = self.member(cohort.members[0]).settings
        before = self.study.rounds[self.round - 1] if self.round else 0
        return int(settings.epoch_steps * (settings.epochs - before) * len(cohort.members))

    def handed(self, cohort: Cohort, kept: Mapping[str, Tensor]) -> Checkpoint:
        """Where a cohort of a later round starts: its networks as the last round left them."""
        settings = self.member(cohort.members[0]).settings
        steps = self.study.rounds[self.round - 1] * settings.epoch_steps
        about = {"step": steps, "counts": [steps], "seconds": 0.0}
        return Checkpoint(cohort.index, steps, joined(kept, cohort.members), about)

    def material(self, cohort: Cohort) -> Material:
        """Rows of a cohort's networks."""
        members = [self.member(i) for i in cohort.members]
        tables: dict[str, tuple[Tensor, Tensor]] = {}
        splits: dict[int, dict[str, Tensor]] = {}
        for member in members:
            own = self.table(member)
            tables[_name(member)] = own.inputs, own.targets
            train, rest = torch.arange(len(own.targets)).tensor_split([own.trained])
            splits[member.index] = (
                {"train": train, "validation": rest} if len(rest) else {"train": train}
            )
        return Material(tables, {m.index: _name(m) for m in members}, splits)

    def table(self, member: Member) -> Table:
        """The prepared rows of a network; some are kept for its neighbours."""
        key = _place(member)
        if key not in self._tables:
            study = self.study
            made = table(study.question, *self.rows(member), study.embedded)
            if sum(t.inputs.numel() for t in self._tables.values()) > KEPT_NUMBERS:
                self._tables.clear()
            self._tables[key] = made
        return self._tables[key]

    def rows(self, member: Member) -> tuple[Rows, Rows | None]:
        """Rows that a network learns from, and those that its settings are judged by."""
        place, inner, share = _place(member)
        at = self.study.places[place]
        return (self.study.rows_of(place, share), None) if inner == ALL_ROWS else at.inner[inner]

    def plan(self, cohort: Cohort) -> Plan:
        """A plan in which the engine finds this cohort and its networks by their numbers."""
        members = [self.members[0]] * (1 + max(cohort.members))
        for index in cohort.members:
            members[index] = self.member(index)
        return Plan(tuple(members), (cohort,) * (cohort.index + 1), self.study.device)

    def only(self, cohort: Cohort) -> Layout:
        """One cohort and its networks: all that a worker needs."""
        members = tuple(self.member(i) for i in cohort.members)
        return replace(self, members=members, cohorts=(cohort,), _tables={})

    def lab(self) -> Lab:
        """What the engine trains."""
        return lab_of(self.study, self.stage)


def _place(member: Member) -> tuple[int, int, int]:
    s = member.settings
    return int(s.place), int(s.inner), int(s.share)


def _name(member: Member) -> str:
    return str(_place(member))


def search(
    study: Study, only: Collection[tuple[int, int]] | None = None, after: Layout | None = None
) -> Layout:
    """All candidates on all inner folds of all places, up to the end of the first round.

    `only` says which (place, candidate) are searched, where that is not all of them.
    """
    steps = study.fewest // study.batch
    first = after.members[-1].index + 1 if after else 0
    members: list[Member] = []
    for place in study.places:
        for number, candidate in enumerate(study.candidates):
            wanted = only is None or (place.index, number) in only
            for inner in range(len(place.inner) * wanted):
                values = _settings(study, candidate, place.index, inner)
                values |= {"epochs": study.rounds[0], "stop": study.epochs, "epoch_steps": steps}
                values["candidate"] = number
                name = f"{candidate.network} {number}"
                members.append(Member(first + len(members), name, 0, Settings(values)))
    layout = Layout(study, "search", tuple(members))
    number = after.cohorts[-1].index + 1 if after else 0
    return replace(layout, cohorts=_cohorts(layout, members, number))


def search_on(before: Layout, alive: Collection[tuple[int, int]]) -> Layout:
    """The next round of a search, for those (place, candidate) that are still in it."""
    study, number = before.study, before.round + 1
    members = tuple(
        replace(m, settings=Settings({**m.settings, "epochs": study.rounds[number]}))
        for m in before.members
    )
    layout = Layout(study, "search", members, round=number)
    going = [m for m in members if (m.settings.place, m.settings.candidate) in alive]
    return replace(layout, cohorts=_cohorts(layout, going, before.cohorts[-1].index + 1))


def refit(study: Study, choices: Sequence[Choice], after: Layout) -> Layout:
    """Each place's chosen settings on all its training rows, once for each seed.

    For the learning curve also on parts of them, in the outer folds. Those get as many updates.
    """
    longest = max(choice.stop for choice in choices)
    steps = min(len(place.train) for place in study.places) // study.batch
    first = after.members[-1].index + 1
    best = winners(choices)
    members: list[Member] = []
    for choice in choices:
        candidate = study.candidates[choice.candidate]
        values = _settings(study, candidate, choice.place, ALL_ROWS)
        values |= {"stop": choice.stop, "epochs": longest, "epoch_steps": steps}
        values["candidate"] = choice.candidate
        drawn = choice is best[choice.place] and choice.place < len(study.folds.outer)
        for share in range(1 + len(study.shares) * drawn):
            settings = Settings({**values, "share": share})
            for seed in range(FIRST_SEED, FIRST_SEED + study.seeds):
                members.append(Member(first + len(members), choice.network, seed, settings))
    layout = Layout(study, "refit", tuple(members))
    return replace(layout, cohorts=_cohorts(layout, members, after.cohorts[-1].index + 1))


def _settings(study: Study, candidate: Candidate, place: int, inner: int) -> dict[str, Any]:
    return {
        "network": candidate.network,
        "rate": candidate.rate,
        "weight_decay": candidate.weight_decay,
        "width": candidate.width,
        "depth": candidate.depth,
        "batch": study.batch,
        "place": place,
        "inner": inner,
        "share": ALL_OF_THEM,
    }


def _cohorts(layout: Layout, members: Sequence[Member], first: int) -> tuple[Cohort, ...]:
    """Members of equal shape together, as many as the engine's plans take."""
    groups: dict[Any, list[Member]] = {}
    for member in members:
        s = member.settings
        groups.setdefault((s.network, s.width, s.depth), []).append(member)
    cohorts: list[Cohort] = []
    for group in groups.values():
        why = _why_alone(layout, group[0])
        indices = tuple(m.index for m in group)
        parts = [(i,) for i in indices] if why else cut(indices, layout.study.device)
        for part in parts:
            cohorts.append(Cohort(first + len(cohorts), part, why or "equal shapes"))
    return tuple(cohorts)


def _why_alone(layout: Layout, member: Member) -> str:
    """Why a network trains apart from others; empty if it need not."""
    model = build(layout.lab(), member)
    refuse_hidden_draws(model)
    return why_not_stacked(model)

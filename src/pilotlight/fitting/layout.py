"""From a study to networks that the engine trains together: candidates x folds, then refits.

Networks of one shape form cohorts, whatever their fold. Folds differ by a row or by a group, so an
epoch is as many full batches as the smallest fold of a cohort has, drawn afresh from all rows of
each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from pilotlight.core.lab import Lab
from pilotlight.core.settings import Settings
from pilotlight.engine.material import Material
from pilotlight.engine.member import Member
from pilotlight.engine.plan import TOGETHER, Cohort, Plan, build
from pilotlight.engine.stack import refuse_hidden_draws, why_not_stacked
from pilotlight.fitting.candidates import Candidate
from pilotlight.fitting.choose import Choice
from pilotlight.fitting.learning import lab_of
from pilotlight.fitting.networks import Inputs
from pilotlight.fitting.question import Rows
from pilotlight.fitting.study import FIRST_SEED, Study
from pilotlight.fitting.tables import Table, of_one_width, table

KEPT_TABLES = 12
ALL_ROWS = -1
"""`inner` of a network that trains on all rows of its place."""


@dataclass
class Layout:
    """The networks of one stage, `search` or `refit`, in cohorts; rows are prepared when needed."""

    study: Study
    stage: str
    members: tuple[Member, ...]
    cohorts: tuple[Cohort, ...]
    _tables: dict[tuple[int, int], Table] = field(default_factory=dict)

    def steps(self, cohort: Cohort) -> int:
        """Updates of all networks of a cohort together."""
        first = self.member(cohort.members[0])
        every = len(self.rows(first)[0]) // first.settings.batch
        return int(every * first.settings.epochs * len(cohort.members))

    def member(self, index: int) -> Member:
        """A network by its number in the run."""
        return self.members[index - self.members[0].index]

    def material(self, cohort: Cohort) -> tuple[Material, Inputs]:
        """Rows of a cohort's networks, and what those see of a row."""
        members = [self.member(i) for i in cohort.members]
        narrow: dict[tuple[int, int], Table] = {}
        for member in members:
            if _place(member) not in narrow:
                narrow[_place(member)] = self.table(member)
        wide = dict(zip(narrow, of_one_width(list(narrow.values())), strict=True))
        tables = {str(key): (t.inputs, t.targets) for key, t in wide.items()}
        splits: dict[int, dict[str, Tensor]] = {}
        for member in members:
            own = wide[_place(member)]
            train, rest = torch.arange(len(own.targets)).tensor_split([own.trained])
            splits[member.index] = (
                {"train": train, "validation": rest} if len(rest) else {"train": train}
            )
        material = Material(tables, {m.index: str(_place(m)) for m in members}, splits)
        return material, next(iter(wide.values())).seen

    def table(self, member: Member) -> Table:
        """The prepared rows of a network; some are kept for its neighbours."""
        key = _place(member)
        if key not in self._tables:
            if len(self._tables) >= KEPT_TABLES:
                self._tables.pop(next(iter(self._tables)))
            self._tables[key] = table(self.study.question, *self.rows(member))
        return self._tables[key]

    def rows(self, member: Member) -> tuple[Rows, Rows | None]:
        """Rows that a network learns from, and those that its settings are judged by."""
        place, inner = _place(member)
        at = self.study.places[place]
        return (at.train, None) if inner == ALL_ROWS else at.inner[inner]

    def plan(self, cohort: Cohort) -> Plan:
        """A plan in which the engine finds this cohort and its networks by their numbers."""
        blank = [self.members[0]] * self.members[0].index
        cohorts = {c.index: c for c in self.cohorts}
        numbered = tuple(cohorts.get(i, cohort) for i in range(cohort.index + 1))
        return Plan((*blank, *self.members), numbered, self.study.device)

    def lab(self, seen: Inputs) -> Lab:
        """What the engine trains."""
        return lab_of(self.study, self.stage, seen)


def _place(member: Member) -> tuple[int, int]:
    return int(member.settings.place), int(member.settings.inner)


def search(study: Study) -> Layout:
    """All candidates on all inner folds of all places."""
    members: list[Member] = []
    for place in study.places:
        for number, candidate in enumerate(study.candidates):
            for inner in range(len(place.inner)):
                values = _settings(study, candidate, place.index, inner)
                name = f"{candidate.network} {number}"
                members.append(Member(len(members), name, 0, Settings(values)))
    return _laid(study, "search", tuple(members), 0)


def refit(study: Study, choices: Sequence[Choice], after: Layout) -> Layout:
    """Each place's chosen settings on all its training rows, once for each seed."""
    longest = max(choice.stop for choice in choices)
    members: list[Member] = []
    for choice in choices:
        candidate = study.candidates[choice.candidate]
        values = _settings(study, candidate, choice.place, ALL_ROWS)
        values |= {"stop": choice.stop, "epochs": longest}
        for seed in range(FIRST_SEED, FIRST_SEED + study.seeds):
            index = len(after.members) + len(members)
            members.append(Member(index, choice.network, seed, Settings(values)))
    return _laid(study, "refit", tuple(members), len(after.cohorts))


def _settings(study: Study, candidate: Candidate, place: int, inner: int) -> dict[str, Any]:
    return {
        "network": candidate.network,
        "rate": candidate.rate,
        "weight_decay": candidate.weight_decay,
        "width": candidate.width,
        "depth": candidate.depth,
        "batch": study.batch,
        "epochs": study.epochs,
        "stop": study.epochs,
        "place": place,
        "inner": inner,
    }


def _laid(study: Study, stage: str, members: tuple[Member, ...], first: int) -> Layout:
    """Members of equal shape in cohorts of at most 32, the one with the fewest rows in front.

    The engine reads the course of a training (how many steps an epoch has) from the first.
    """
    layout = Layout(study, stage, members, ())
    groups: dict[Any, list[Member]] = {}
    for member in members:
        s = member.settings
        groups.setdefault((s.network, s.width, s.depth), []).append(member)
    cohorts: list[Cohort] = []
    for group in groups.values():
        why = _why_alone(layout, group[0])
        size = 1 if why else -(-len(group) // -(-len(group) // TOGETHER))
        for start in range(0, len(group), size):
            part = group[start : start + size]
            fewest = min(part, key=lambda m: len(layout.rows(m)[0]))
            ordered = [fewest, *(m for m in part if m is not fewest)]
            indices = tuple(m.index for m in ordered)
            cohorts.append(Cohort(first + len(cohorts), indices, why or "equal shapes"))
    return Layout(study, stage, members, tuple(cohorts))


def _why_alone(layout: Layout, member: Member) -> str:
    """Why a network trains apart from others; empty if it need not."""
    seen = layout.table(member).seen
    model = build(layout.lab(seen), member)
    refuse_hidden_draws(model)
    return why_not_stacked(model)

"""The rows that members learn from: tables, splits, and which rows belong to whom.

For a cohort, its tables lie one after another in one tensor and a member's split is row numbers
into it. So shared data are held once, and data drawn per seed need no other path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from pilotlight.core.lab import Lab
from pilotlight.data.generators import generator
from pilotlight.data.split import Split, holdout, split_hash
from pilotlight.data.table import fingerprint
from pilotlight.engine.member import Member

Table = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Rows:
    """What one cohort learns from: inputs and targets [R, ...], a split of them per member.

    `firsts` are the numbers of the rows at which each member's own table begins.
    """

    inputs: Tensor
    targets: Tensor
    splits: tuple[Split, ...]
    firsts: tuple[int, ...]


@dataclass(frozen=True)
class Material:
    """All tables of a run by their hash; each member's table and split by the member's index."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    table_of: Mapping[int, str] = field(default_factory=dict)
    splits: Mapping[int, Split] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    def steps_by_part(self, member: Member) -> tuple[tuple[str, int], ...]:
        """Full batches in each part of a member's split; in a cohort they must be equal."""
        split = self.splits.get(member.index, {})
        return tuple((part, len(rows) // member.settings.batch) for part, rows in split.items())

    def of(self, members: Sequence[Member]) -> Material:
        """What these members learn from, and no more."""
        own = {m.index: self.table_of[m.index] for m in members if m.index in self.table_of}
        return Material(
            {key: self.tables[key] for key in own.values()},
            own,
            {index: self.splits[index] for index in own},
            self.about,
        )

    def rows(self, members: Sequence[Member], device: str, dtype: torch.dtype) -> Rows | None:
        """What these members learn from, on a device; None for a lab without data."""
        if not self.tables:
            return None
        keys = list(dict.fromkeys(self.table_of[m.index] for m in members))
        starts = [0]
        for key in keys:
            starts.append(starts[-1] + len(self.tables[key][0]))
        offset = dict(zip(keys, starts, strict=False))
        inputs, targets = (_joined([self.tables[key][i] for key in keys], device) for i in (0, 1))
        splits = tuple(
            {
                p: (r + offset[self.table_of[m.index]]).to(device)
                for p, r in self.splits[m.index].items()
            }
            for m in members
        )
        firsts = tuple(offset[self.table_of[m.index]] for m in members)
        return Rows(_floating(inputs, dtype), _floating(targets, dtype), splits, firsts)


def _joined(tables: Sequence[Tensor], device: str) -> Tensor:
    """One after another. A table alone stays where it lies, which may be a file on disk."""
    return (tables[0] if len(tables) == 1 else torch.cat(list(tables))).to(device)


def _floating(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def prepare(lab: Lab, members: Sequence[Member]) -> Material:
    """Load or draw the lab's data once for all members that share them, and split the rows."""
    if lab.data is None:
        return Material()
    rule = lab.split or holdout
    loaded: dict[Any, str] = {}
    tables: dict[str, Table] = {}
    table_of: dict[int, str] = {}
    splits: dict[int, Split] = {}
    for member in members:
        source = (member.seed, tuple(member.settings.items())) if lab.data.per_seed else None
        if source not in loaded:
            inputs, targets = load_table(lab, member)
            loaded[source] = fingerprint(inputs, targets)
            tables.setdefault(loaded[source], (inputs, targets))
        key = table_of[member.index] = loaded[source]
        draw = generator(member.seed, "split")
        splits[member.index] = rule(tables[key][1], member.settings, draw)
    return Material(tables, table_of, splits, _about(lab, members, tables, splits))


def load_table(lab: Lab, member: Member) -> Table:
    """The rows that a member learns from and is tested on; equal whenever they are loaded."""
    if lab.data.per_seed:
        drawn: Table = lab.data.load(member.settings, generator(member.seed, "data"))
        return drawn
    shared: Table = lab.data.load()
    return shared


def _about(
    lab: Lab, members: Sequence[Member], tables: Mapping[str, Table], splits: Mapping[int, Split]
) -> dict[str, Any]:
    """What a report says of the data; one entry for each split that differs."""
    rule = getattr(lab.split or holdout, "__name__", "own rule")
    seen: dict[str, dict[str, Any]] = {}
    for member in members:
        split = splits[member.index]
        key = split_hash(split)
        counts = {part: len(rows) for part, rows in split.items()}
        seen.setdefault(key, {"seed": member.seed, "rule": rule, "hash": key, **counts})
    return {
        "data": {
            "name": lab.data.name,
            "rows": max(len(inputs) for inputs, _ in tables.values()),
            "classes": lab.data.classes,
            "source": lab.data.source,
            "hashes": sorted(tables),
        },
        "splits": list(seen.values()),
    }

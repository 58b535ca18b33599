"""What is kept along the way to be looked at: what a lab asks for, and what the engine adds.

Nothing here changes a number of the training.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pilotlight.core.drawing import said
from pilotlight.core.event import Snapshot
from pilotlight.engine.cohort import NEVER, CohortState
from pilotlight.engine.evaluate import CHUNK_ROWS, beside, epoch, padded
from pilotlight.engine.looks import looks
from pilotlight.engine.stack import tree_map
from pilotlight.engine.work import Work

Kept = dict[str, tuple[Any, ...]]
"""By name, what is kept of each filmed member."""


def snapshots(
    work: Work, state: CohortState, cohort: int, *, final: bool = False
) -> Iterator[Snapshot]:
    """What is kept of the filmed members that still train; none without any.

    The `final` one is of the networks that one ends up with. It is taken where these may be others
    than the last that were looked at: where training may stop early.
    """
    going = (state.flags["diverged_at"] == NEVER) if final else state.training
    filmed = [i for i in work.filmed if going[i]]
    if not filmed or not (work.patience if final else state.step in work.filmed_at):
        return
    values = looks(work, state, filmed) if final or state.step in work.looked else {}
    values |= _asked_for(work, state, filmed)
    if values:
        members = tuple(work.members[i].index for i in filmed)
        when = round(epoch(work, state.step), 6)
        yield Snapshot(cohort, state.step, when, members, values, final)


def _asked_for(work: Work, state: CohortState, filmed: list[int]) -> Kept:
    """What the lab's own `snapshot` gives."""
    training = work.training
    if training.snapshot is None:
        return {}
    work.stack.template.eval()
    with torch.no_grad():
        batch: dict[str, Any] = beside(work, state)
    if work.rows is not None:
        rows, counted = padded(work.row_lists[training.parts[-1]])
        batch |= work.take(rows[:, : min(CHUNK_ROWS, int(counted.sum(1).min()))])
    seen = tree_map(lambda t: t[filmed], (state.tensors, batch, work.varying, state.memory))
    with torch.no_grad():
        found = work.stack.call(training.snapshot, *seen)
    kept: Kept = {}
    for name, value in found.items():
        each = [tree_map(partial(_plain, place=i), value) for i in range(len(filmed))]
        how = training.kinds.get(name)
        kept[name] = tuple(each if how is None else [said(how, v) for v in each])
    return kept


def _plain(values: Tensor, place: int) -> Any:
    """One member's as nested lists."""
    return _rounded(values[place].tolist())


def _rounded(values: Any) -> Any:
    """Numbers with four digits: enough to draw, and journals stay small."""
    if isinstance(values, list):
        return [_rounded(v) for v in values]
    return float(f"{values:.4g}") if isinstance(values, float) else values

"""Rows of a lab's data as a page shows them.

Journals hold their numbers only. Data follow from a network's seed, so they are made again here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pilotlight.app.panels import Rows
from pilotlight.core.errors import RecordError, UsageError
from pilotlight.core.lab import Lab
from pilotlight.core.report import MemberRow
from pilotlight.core.settings import Settings
from pilotlight.data.generators import generator
from pilotlight.data.split import holdout
from pilotlight.data.table import fingerprint
from pilotlight.engine.material import load_table
from pilotlight.engine.member import Member

MOST_VALUES = 32
"""Of a row that is no picture; of more values the first are shown."""
MOST_ON_TOP = 200


def rows_data(lab: Lab, member: Member, numbers: Sequence[int]) -> dict[str, Any]:
    """Some rows of the table that a network learned from, each with its number and target.

    Raises:
        UsageError: there is no row of such a number, or a lab without data.
    """
    if lab.data is None:
        raise UsageError(f"{lab.name} has no data: its networks make their own experience.")
    inputs, targets = load_table(lab, member)
    wrong = [number for number in numbers if not 0 <= number < len(inputs)]
    if wrong:
        raise UsageError(f"rows={wrong[0]}: the rows of {lab.name} go from 0 to {len(inputs) - 1}.")
    shape = picture_shape(inputs, lab.data.picture)
    return {
        "picture": shape,
        "rows": [
            {"row": n, "target": targets[n].tolist(), "values": _values(inputs[n], shape)}
            for n in numbers
        ],
    }


def picture_shape(inputs: Tensor, said: tuple[int, int] | None) -> tuple[int, int] | None:
    """Height and width of rows that are pictures: by their form [R, H, W] or [R, C, H, W], or said.

    What is said holds for flat rows of so many values.
    """
    if inputs.dim() in (3, 4) and min(inputs.shape[-2:]) > 1:
        return inputs.shape[-2], inputs.shape[-1]
    flat = said is not None and inputs.dim() == 2 and inputs.shape[1] == said[0] * said[1]
    return said if flat else None


def _values(row: Tensor, shape: tuple[int, int] | None) -> list[float]:
    """A picture's shades, the mean of its colours; else the values of the row."""
    if shape is None:
        found = row.flatten()[:MOST_VALUES]
    else:
        found = row.double().view(-1, *shape).mean(0).flatten()
    return [float(f"{value:.3g}") for value in found.tolist()]


def rows_on_top(lab: Lab | None, config: Mapping[str, Any]) -> Rows:
    """How to get held-out rows of one or two inputs, to be drawn on top of what a network says.

    None are got where the lab is not at hand, or has other data than the run. Of many, the first.
    """

    def rows(row: MemberRow) -> list[list[float]]:
        if lab is None or lab.data is None:
            return []
        member = Member(row.index, row.comparison, row.seed, Settings(row.settings))
        inputs, targets = load_table(lab, member)
        is_plane = inputs.dim() == 2 and inputs.shape[1] <= 2 and len(targets) == targets.numel()
        if not is_plane or fingerprint(inputs, targets) not in config["hashes"]["data"]:
            return []
        split = (lab.split or holdout)(targets, member.settings, generator(member.seed, "split"))
        shown = split[lab.train.parts[-1]][:MOST_ON_TOP]
        columns = inputs[shown].double(), targets[shown].double().view(-1, 1)
        told: list[list[float]] = torch.cat(columns, 1).tolist()
        return told

    return rows


def refuse_other_data(lab: Lab | None, member: Member, config: Mapping[str, Any]) -> Lab:
    """The lab, where it gives the rows of the run.

    Raises:
        RecordError: it is not at hand, or gives others.
    """
    if lab is None:
        raise RecordError(f"The lab {config['lab']} is not at hand, so its rows cannot be shown.")
    is_same = lab.data is None or (
        fingerprint(*load_table(lab, member)) in config["hashes"]["data"]
    )
    if not is_same:
        raise RecordError(f"The data of {lab.name} have changed since this run was made.")
    return lab

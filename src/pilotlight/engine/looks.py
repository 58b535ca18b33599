"""What the engine keeps by itself of trainings by `supervised`, so that there is something to see.

Of classes: which held-out rows are taken for which; over two inputs also the winning class at every
place. Of a number over one input: what the network says along it. It looks at few evaluations
(`Work.looked`), as each look takes time and room in the journal.

F filmed member, R rows, P places, K classes.
"""

from __future__ import annotations

import base64
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from pilotlight.core.drawing import Confusion, Curve, Surface
from pilotlight.engine.cohort import CohortState
from pilotlight.engine.evaluate import CHUNK_ROWS, padded
from pilotlight.engine.material import Rows
from pilotlight.engine.stack import tree_map
from pilotlight.engine.steps import Supervised
from pilotlight.engine.work import Work

MOST_CLASSES = 32
"""Of more classes no table is kept: nobody could read it."""
SAMPLES = 3
"""So many row numbers are kept of each cell of a table."""
SIDE, PLACES = 32, 128
"""Places along a side of a surface, and along a curve."""
MARGIN = 0.05
"""How far a surface or a curve goes beyond the rows, as a share of their range."""


def looks(work: Work, state: CohortState, filmed: list[int]) -> dict[str, tuple[Any, ...]]:
    """By name, one drawing of each filmed member as a plain mapping."""
    rows, training = work.rows, work.training
    if rows is None or not isinstance(training, Supervised):
        return {}
    networks = _Networks(work, state, filmed)
    found: dict[str, list[Any]] = {}
    if training.loss is functional.cross_entropy and rows.targets.dim() == 1:
        found = _of_classes(networks)
    elif _has_inputs(1, rows) and rows.targets.flatten(1).shape[1] == 1:
        found = {"curve": _curves(networks)}
    return {name: tuple(drawing.to_json() for drawing in each) for name, each in found.items()}


def _has_inputs(count: int, rows: Rows) -> bool:
    """Whether a row is so many numbers that may take any value between those that there are."""
    return rows.inputs.shape[1:] == (count,) and rows.inputs.is_floating_point()


class _Networks:
    """The filmed networks, to be asked what they say."""

    def __init__(self, work: Work, state: CohortState, filmed: list[int]) -> None:
        assert work.rows is not None
        self.work, self.filmed, self.rows = work, filmed, work.rows
        self.held_out = [work.row_lists[work.training.parts[-1]][i] for i in filmed]
        self._own = tree_map(lambda t: t[filmed], (state.tensors, work.varying))
        work.stack.template.eval()

    def say(self, inputs: Tensor) -> Tensor:
        """Outputs [F, B, ...] for inputs [F, B, ...]."""
        tensors, varying = self._own
        with torch.no_grad():
            said: Tensor = self.work.stack.call(_outputs, tensors, {"inputs": inputs}, varying, {})
        return said

    def spans(self) -> Tensor:
        """Lowest and highest of each input, with a margin, over all rows of a network [F, 2, D]."""
        splits = (torch.cat(list(self.rows.splits[i].values())) for i in self.filmed)
        inputs = [self.rows.inputs[rows] for rows in splits]
        low = torch.stack([each.amin(0) for each in inputs])
        high = torch.stack([each.amax(0) for each in inputs])
        wide = MARGIN * torch.where(high > low, high - low, 1)
        return torch.stack([low - wide, high + wide], 1)


def _outputs(model: Any, batch: Any, settings: Any, state: Any) -> Tensor:
    said: Tensor = model(batch.inputs)
    return said


def _of_classes(networks: _Networks) -> dict[str, list[Any]]:
    """Nothing of networks whose outputs are no scores [B, K], or of too many classes."""
    rows, _ = padded(networks.held_out)
    spans = networks.spans() if _has_inputs(2, networks.rows) else None
    told: list[Tensor] = []
    for chunk in torch.split(rows, CHUNK_ROWS, dim=1):
        inputs = networks.work.take(chunk)["inputs"]
        if spans is not None and not told:  # in one call, as a call costs more than its rows
            inputs = torch.cat([_places(spans), inputs], 1)
        told.append(networks.say(inputs))
        if told[0].dim() != 3 or not 2 <= told[0].shape[2] <= MOST_CLASSES:
            return {}
    scores = torch.cat(told, 1)
    predicted = scores[:, -rows.shape[1] :].argmax(2)
    found = {"confusion": _confusions(networks, predicted, scores.shape[2])}
    if spans is not None:
        found["surface"] = _surfaces(spans, scores[:, : SIDE**2])
    return found


def _confusions(networks: _Networks, predicted: Tensor, classes: int) -> list[Any]:
    each = zip(networks.filmed, networks.held_out, predicted, strict=True)
    return [_confusion(networks.rows, i, own, taken, classes) for i, own, taken in each]


def _confusion(rows: Rows, member: int, own: Tensor, predicted: Tensor, classes: int) -> Confusion:
    cells = rows.targets[own] * classes + predicted[: len(own)]
    counts = torch.bincount(cells, minlength=classes**2).view(classes, classes)
    numbers = own - rows.firsts[member]
    samples: dict[int, list[int]] = {}
    for cell, number in zip(cells.tolist(), numbers.tolist(), strict=True):
        kept = samples.setdefault(cell, [])
        if len(kept) < SAMPLES:
            kept.append(number)
    return Confusion(
        tuple(map(tuple, counts.tolist())),
        tuple((*divmod(cell, classes), tuple(kept)) for cell, kept in sorted(samples.items())),
    )


def _places(spans: Tensor) -> Tensor:
    """The places of a surface [F, P, 2]: x first, from the lowest y on."""
    share = torch.linspace(0, 1, SIDE).to(spans)
    x, y = (torch.lerp(spans[:, :1, d], spans[:, 1:, d], share) for d in (0, 1))
    wide, high = x[:, None, :].expand(-1, SIDE, -1), y[:, :, None].expand(-1, -1, SIDE)
    return torch.stack([wide, high], -1).flatten(1, 2)


def _surfaces(spans: Tensor, scores: Tensor) -> list[Any]:
    chance, winner = scores.softmax(2).max(2)
    classes = scores.shape[2]
    return [
        Surface(_digits(span[:, 0]), _digits(span[:, 1]), SIDE, classes, cells)
        for span, cells in zip(spans, _cells(chance, winner, classes), strict=True)
    ]


def _cells(chance: Tensor, winner: Tensor, classes: int) -> list[str]:
    """Winning class and its chance [F, P] as the cells of a `Surface`."""
    levels = 256 // classes
    share = (chance.nan_to_num(0) - 1 / classes) / (1 - 1 / classes)
    cells = winner * levels + (share.clamp(0, 1) * (levels - 1)).round()
    return [base64.b64encode(bytes(row)).decode() for row in cells.to(torch.uint8).tolist()]


def _curves(networks: _Networks) -> list[Any]:
    spans = networks.spans()[..., 0]
    x = torch.lerp(spans[:, :1], spans[:, 1:], torch.linspace(0, 1, PLACES).to(spans))
    y = networks.say(x[..., None]).flatten(1)
    return [Curve(_digits(x[i]), _digits(y[i])) for i in range(len(networks.filmed))]


def _digits(values: Tensor) -> Any:
    """Numbers with four digits."""
    return tuple(float(f"{value:.4g}") for value in values.tolist())

"""Pictures: digits pasted into a larger field among scraps of others, at the centre or anywhere."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pilotlight.data.bundled import read_digits
from pilotlight.data.split import by_class
from pilotlight.data.table import Data

SIDE, DIGIT, SCRAP = 20, 8, 4
"""Pixels along the side of a picture, of a digit, of a scrap."""
TESTS = 1000
"""Pictures that test."""
ANYWHERE, CENTRE = "anywhere", "centre"
"""Where a digit lies, as a lab's setting `where` names it."""


def pictures(settings: Any, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`images` pictures to train on, then 1,000 to test, made of other digits.

    Reads the settings `where` ("anywhere" or "centre"), `images` and `scraps`. A fifth of the
    digits of each class is kept for tests. Where a part needs more pictures than it has digits,
    digits come again, at other places.

    Returns:
        Inputs [images + 1000, 1, 20, 20], pixels from 0 to 1; targets [images + 1000], 0 to 9.
    """
    digits, labels = read_digits()
    order = by_class(labels, generator)
    tests = torch.arange(len(order)) % 5 == 0
    chosen = torch.cat(
        [
            _draw(order[~tests], settings.images, generator),
            _draw(order[tests], TESTS, generator),
        ]
    )
    cut = digits.reshape(-1, DIGIT, DIGIT)
    return paste(cut, chosen, settings.where, settings.scraps, generator), labels[chosen]


def train_then_test(
    targets: Tensor, settings: Any, generator: torch.Generator
) -> dict[str, Tensor]:
    """The split rule of `pictures`: the first `images` rows train, the others test."""
    rows = torch.arange(len(targets))
    return {"train": rows[: settings.images], "test": rows[settings.images :]}


def paste(
    digits: Tensor, chosen: Tensor, where: str, scraps: int, generator: torch.Generator
) -> Tensor:
    """Pictures [B, 1, 20, 20] of the `chosen` digits [B], each on top of its scraps.

    A scrap is a 4x4 cut-out of any of these digits, pasted anywhere. `digits` are [R, 8, 8].
    """
    count = len(chosen)
    field = torch.zeros(count, SIDE, SIDE)
    for _ in range(scraps):
        owner = chosen[torch.randint(count, (count,), generator=generator)]
        cut = _places(count, DIGIT - SCRAP, generator)
        scrap = digits[owner[:, None, None], *_window(cut, SCRAP)]
        _lay(field, scrap, _places(count, SIDE - SCRAP, generator))
    free = SIDE - DIGIT
    at = _places(count, free, generator)
    _lay(field, digits[chosen], at if where == ANYWHERE else torch.full_like(at, free // 2))
    return field[:, None]


def _draw(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` of these rows in random order, all of them before any comes again."""
    rounds = [
        rows[torch.randperm(len(rows), generator=generator)] for _ in range(-(-count // len(rows)))
    ]
    return torch.cat(rounds)[:count]


def _places(count: int, most: int, generator: torch.Generator) -> Tensor:
    """Top and left, from 0 to `most`: [count, 2]."""
    return torch.randint(most + 1, (count, 2), generator=generator)


def _window(at: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Row and column numbers of squares that begin at these places: [B, side, 1], [B, 1, side]."""
    along = torch.arange(side)
    return (at[:, :1] + along)[:, :, None], (at[:, 1:] + along)[:, None, :]


def _lay(field: Tensor, things: Tensor, at: Tensor) -> None:
    """Paste things [B, side, side] over what is in the field [B, 20, 20]."""
    here = (torch.arange(len(field))[:, None, None], *_window(at, things.shape[-1]))
    field[here] = things


pasted_digits = Data(
    name="digits 8x8 pasted into 20x20",
    load=pictures,
    classes=10,
    source="UCI optical recognition of handwritten digits, test part, as bundled with "
    "scikit-learn; pasted in code",
    per_seed=True,
)

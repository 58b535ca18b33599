"""Tasks that ask for memory: sequences drawn in code from noise, so that each batch is a fresh one.

All are pure functions of uniform noise [B, T]: `values` say what there is at each of T steps, and
`places` where something stands that must be kept (at the steps with the largest numbers). Written
after the conventions of Bai, Kolter and Koltun 2018 (github.com/locuslab/TCN).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

SYMBOLS = 8
"""Symbols are 1 to 8; 0 is a blank, 9 asks for the answer."""
ASK = SYMBOLS + 1

ADDING_BASELINE = 1 / 6
"""Squared error of always answering 1: the variance of a sum of two uniform numbers."""
RECALL_BASELINE = math.log(SYMBOLS)
"""Cross-entropy, at each step of the answer, of finding all eight symbols equally likely."""


def draw_task(settings: Any, noise: Any) -> tuple[Tensor, Tensor]:
    """Inputs and targets of the task that the setting `task` names; `symbols` of them are kept.

    The tasks: "adding", "copy" and "selective copy". `noise` holds `values` and `places`.
    """
    if settings.task == "adding":
        return adding(noise.values, noise.places)
    if settings.task == "copy":
        return copying(noise.values, settings.symbols)
    return selective_copying(noise.values, noise.places, settings.symbols)


def adding(values: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Add the two marked numbers (Hochreiter and Schmidhuber 1997).

    Returns inputs [B, T, 2], a number from 0 to 1 and a mark, which is 1 at two steps and else 0;
    and targets [B], the sum of the two marked numbers.
    """
    marks = torch.zeros_like(values).scatter(-1, largest(places, 2), 1.0)
    return torch.stack([values, marks], -1), (values * marks).sum(-1)


def copying(values: Tensor, items: int) -> tuple[Tensor, Tensor]:
    """Repeat the first `items` symbols after a pause; inputs and targets as `recalling` has them.

    Bai et al. call T what is here T - items + 1: the blanks and the first ask.
    """
    first = torch.arange(items, device=values.device).expand(*values.shape[:-1], items)
    return recalling(values, first)


def selective_copying(values: Tensor, places: Tensor, items: int) -> tuple[Tensor, Tensor]:
    """Repeat `items` symbols that stand anywhere among blanks, in order (Gu and Dao 2023)."""
    return recalling(values, largest(places, items))


def recalling(values: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
    """Symbols at `steps` [B, items], blanks elsewhere, then the answer is asked for.

    Returns inputs [B, T + items + 1, 10], one-hot; and targets [B, items], symbols counted from 0,
    due at the last `items` steps.
    """
    symbols = (SYMBOLS * values.gather(-1, steps)).long()
    stream = torch.zeros_like(values, dtype=torch.int64).scatter(-1, steps, 1 + symbols)
    asks = torch.full_like(symbols[..., :1], ASK).expand(*steps.shape[:-1], steps.shape[-1] + 1)
    kinds = torch.arange(ASK + 1, device=values.device)
    return (torch.cat([stream, asks], -1)[..., None] == kinds).to(values.dtype), symbols


def largest(places: Tensor, count: int) -> Tensor:
    """The steps of the `count` largest numbers of each row, in order of time: [B, count]."""
    return places.topk(count, -1).indices.sort(-1).values

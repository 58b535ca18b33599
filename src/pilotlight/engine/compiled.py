"""A phase and its update as one compiled program: quicker steps, after a wait.

`torch.compile` turns loss, gradient and update of a whole stack into machine code. That takes 15 to
45 seconds, so it is an option for long runs. The numbers differ from the usual ones by rounding,
so the plan says which were taken.

N member.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap

from pilotlight.core.settings import Settings
from pilotlight.engine.optim import Optimizer, clip_by_norm, shaped
from pilotlight.engine.stack import Stack, Tensors, as_batch, tree_map

BACKEND = "inductor"
OPTIONS: dict[str, Any] | None = {"compile_threads": 1}
"""Compiling goes on in this process: processes of its own would outlive a worker that is ended."""

Slots = Mapping[str, Tensors]
Program = Callable[..., tuple[Tensor, tuple[Tensors, Any]]]


def why_not(device: str) -> str:
    """Why nothing can be compiled here, in words; empty if it can."""
    if device != "cpu":
        return ""
    wanted = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "cl"]
    if any(shutil.which(name) for name in wanted):
        return ""
    return f"compiling needs a C++ compiler, and none of {', '.join(wanted)} is here"


def program(
    stack: Stack, loss: Callable[..., Any], optimizer: Optimizer, moved: tuple[str, ...]
) -> Program:
    """One update of the parameters `moved` of all members by one phase, compiled at first call.

    It takes parameters and slots, which it changes in place, and what the phase reads; it returns
    the losses [N] and (metrics, state).
    """

    def one(
        own: Tensors, others: Tensors, batch: Any, varying: Tensors, state: Any
    ) -> tuple[Tensor, Any]:
        swapped = {f"model.{name}": value for name, value in {**others, **own}.items()}
        settings = Settings({**stack.fixed, **varying})
        value, metrics, memory = functional_call(
            stack.caller, swapped, (loss, as_batch(batch), settings, state)
        )
        return value, tree_map(lambda t: t.detach(), (metrics, memory))

    def advance(
        own: Tensors,
        others: Tensors,
        slots: Slots,
        batch: Any,
        varying: Tensors,
        state: Any,
        coefficients: Mapping[str, Tensor | None],
        clip: Tensor | None,
        count: Tensor,
    ) -> tuple[Tensor, Any]:
        both = vmap(grad_and_value(one, has_aux=True), randomness="error")
        gradients, (value, told) = both(own, others, batch, varying, state)
        given = [gradients[name] for name in moved]
        if clip is not None:
            given = clip_by_norm(given, clip)
        for name, gradient in zip(moved, given, strict=True):
            mine = {slot: tree[name] for slot, tree in slots.items()}
            at = shaped(coefficients, own[name].dim())
            optimizer.rule(own[name], gradient, mine, count, at)
        return value, told

    compiled: Program = torch.compile(
        advance, dynamic=False, fullgraph=True, backend=BACKEND, options=OPTIONS
    )
    return compiled

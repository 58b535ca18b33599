"""Probes: what flows through each layer of a network, forward and backward, on one batch.

A plain module and no vectorising: the reference for whatever measures many networks at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn


@dataclass
class _Seen:
    """One layer's outputs in order of its calls, and the gradients that came back to them."""

    outputs: list[Tensor] = field(default_factory=list)
    gradients: list[Tensor] = field(default_factory=list)


def probe(model: nn.Module, loss: Callable[[], Tensor]) -> dict[str, dict[str, float]]:
    """Measure every layer while `loss` calls the model once and returns a scalar.

    A layer is a module without children or with parameters of its own. Of an output that is a
    tuple, as recurrent layers give, the first tensor counts. A layer called several times counts
    all its calls together.

    - "activation": root mean square of the output.
    - "activation gradient": Euclidean norm of d loss / d output.
    - "gradient": Euclidean norm of d loss / d parameters, over the layer's own parameters.
    - "dead": share of the units of an `nn.ReLU` that are 0 for all rows. A unit is a channel
      where the output is (rows, channels, height, width), else one entry of a row.

    Returns probe -> layer's name -> value. A layer is absent where a probe does not apply: no
    parameters, no gradient that reaches it, no ReLU. Gradients (`.grad`), buffers, mode and hooks
    of the model are afterwards as they were before.
    """
    layers = _layers(model)
    with _kept_buffers(model), _watched(layers) as seen:
        parameters = [p for p in model.parameters() if p.requires_grad]
        gradients = torch.autograd.grad(loss(), parameters, allow_unused=True)
    by_id = {id(p): g for p, g in zip(parameters, gradients, strict=True) if g is not None}
    own = {
        name: [by_id[id(p)] for p in layer.parameters(recurse=False) if id(p) in by_id]
        for name, layer in layers.items()
    }
    called = {name: seen[name] for name in layers if name in seen}
    return {
        "activation": {n: _root_mean_square(s.outputs) for n, s in called.items()},
        "activation gradient": {n: _norm(s.gradients) for n, s in called.items() if s.gradients},
        "gradient": {n: _norm(g) for n, g in own.items() if g},
        "dead": {n: _dead(s.outputs) for n, s in called.items() if isinstance(layers[n], nn.ReLU)},
    }


def _layers(model: nn.Module) -> dict[str, nn.Module]:
    """Layers by their names; a model that is a single layer goes by its class's name."""
    return {
        name or type(module).__name__: module
        for name, module in model.named_modules()
        if not any(module.children()) or any(True for _ in module.parameters(recurse=False))
    }


@contextmanager
def _watched(layers: dict[str, nn.Module]) -> Iterator[dict[str, _Seen]]:
    seen: dict[str, _Seen] = defaultdict(_Seen)

    def watch(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def after_forward(module: nn.Module, inputs: Any, output: Any) -> None:
            tensor = _first_tensor(output)
            if tensor is None or not tensor.is_floating_point():
                return
            # Copied at once, as a following layer may overwrite its input (nn.ReLU(inplace=True)).
            seen[name].outputs.append(tensor.detach().clone())
            if tensor.requires_grad:
                tensor.register_hook(seen[name].gradients.append)  # type: ignore[no-untyped-call]

        return after_forward

    handles = [layer.register_forward_hook(watch(name)) for name, layer in layers.items()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _kept_buffers(model: nn.Module) -> Iterator[None]:
    """Batch norm in training mode updates its running statistics; a probe must not."""
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    try:
        yield
    finally:
        for name, buffer in model.named_buffers():
            buffer.copy_(before[name])


def _first_tensor(output: Any) -> Tensor | None:
    if isinstance(output, Tensor):
        return output
    if isinstance(output, tuple | list):
        return next((t for t in map(_first_tensor, output) if t is not None), None)
    return None


def _root_mean_square(tensors: list[Tensor]) -> float:
    return float(torch.cat([t.flatten() for t in tensors]).square().mean().sqrt())


def _norm(tensors: list[Tensor]) -> float:
    return float(torch.cat([t.detach().flatten() for t in tensors]).norm())


def _dead(outputs: list[Tensor]) -> float:
    """Over all calls: units that are 0 for all rows, divided by units."""
    zero = torch.cat([(_rows_by_units(output) == 0).all(dim=0) for output in outputs])
    return float(zero.double().mean())


def _rows_by_units(output: Tensor) -> Tensor:
    if output.dim() == 4:
        return output.transpose(1, 3).flatten(0, 2)
    return output.reshape(len(output), -1)

"""One function of one network, applied to all members of a cohort.

A template module holds the structure; the members' parameters and buffers are stacked along a first
dimension N and swapped in. `torch.func.vmap` runs all at once. A cohort of one runs the same
function on the plain module, without vmap: that is how a network runs that cannot be stacked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from pilotlight.core.errors import LabError
from pilotlight.core.settings import Settings
from pilotlight.nets.dropout import Dropout

Tensors = dict[str, Tensor]

UNSTACKABLE: dict[str, type[nn.Module]] = {
    "nn.LSTM": nn.LSTM,
    "nn.GRU": nn.GRU,
    "nn.RNN": nn.RNN,
    "nn.LSTMCell": nn.LSTMCell,
}
SLOW_STACKED: dict[str, type[nn.Module]] = {
    "nn.GRUCell": nn.GRUCell,
    "nn.RNNCell": nn.RNNCell,
}
"""torch has no stacked form of these: they would run member by member, slower than alone."""
DRAWING = (nn.modules.dropout._DropoutNd, nn.RReLU, nn.FractionalMaxPool2d)

RULES = (
    (
        "called random operation",
        "A phase draws no random numbers: declare `noise` in the Training and read batch.noise.",
    ),
    (
        "data-dependent control flow",
        "No Python decision on a tensor's value inside a phase: use torch.where.",
    ),
    (".item()", "No .item() inside a phase: keep the value a tensor."),
    (
        "inplace arithmetic",
        "No change in place of a tensor that is not made of the network or the batch: use "
        "torch.stack or torch.where, and return in `state` what is to be remembered.",
    ),
    (
        "dynamic shape",
        "No shape that depends on values (a boolean mask, nonzero): use torch.where.",
    ),
    ("functorch transform", "Gradients inside a phase by torch.func.grad only."),
    ("must only return Tensors", "A phase returns tensors only, its metrics too."),
)


class _Caller(nn.Module):
    """Gives a function the whole module, so that it may call any of its parts."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(self.model, *arguments)


class Fields:
    """What a phase reads as attributes: batch.inputs, batch.noise.latent."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            setattr(self, name, value)


def tree_map(function: Callable[[Tensor], Any], tree: Any) -> Any:
    """Apply to every tensor in nested mappings, lists and tuples."""
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, Mapping):
        return {k: tree_map(function, v) for k, v in tree.items()}
    if isinstance(tree, tuple | list):
        return type(tree)(tree_map(function, v) for v in tree)
    if isinstance(tree, Fields):
        return {k: tree_map(function, v) for k, v in vars(tree).items()}
    return tree


def as_batch(tree: Any) -> Any:
    """Nested mappings as attributes."""
    if isinstance(tree, Mapping):
        return Fields({k: as_batch(v) for k, v in tree.items()})
    return tree


def why_not_stacked(model: nn.Module) -> str:
    """The reason a network cannot be stacked, in words; empty when none is known."""
    found = [
        name
        for name, kind in UNSTACKABLE.items()
        if any(isinstance(m, kind) for m in model.modules())
    ]
    if any("spectral" in type(m).__name__.lower() for m in model.modules()) or any(
        "weight_orig" in name for name, _ in model.named_parameters()
    ):
        found.append("spectral_norm")
    return f"{', '.join(found)} cannot be stacked" if found else ""


def lay_channels_last(parameters: Tensors) -> Tensors:
    """Kernels [1, O, I, H, W] of one network with their inputs I side by side in memory.

    torch's convolutions and pooling then keep that order, in which they are quicker on a CPU; in a
    stack it gains nothing (benchmarks/). Values are the same.
    """

    def laid(value: Tensor) -> Tensor:
        if value.dim() != 5 or len(value) != 1:
            return value
        # A clone, as `contiguous` would leave the strides of a single input as they are, and then
        # torch takes the kernel, and all that comes of it, for channels first.
        moved = value.detach().movedim(2, 4).clone(memory_format=torch.contiguous_format)
        return moved.movedim(4, 2).requires_grad_(value.requires_grad)

    return {name: laid(value) for name, value in parameters.items()}


def refuse_hidden_draws(model: nn.Module) -> None:
    """Refuse layers that draw from the generator all of a process shares.

    Raises:
        LabError: names the layer and what to use instead.
    """
    problems = [
        f"{name or 'the network'} is {type(m).__name__}, which draws from a generator that all "
        "networks share. Use pilotlight.nets.dropout.Dropout, or noise from batch.noise."
        for name, m in model.named_modules()
        if isinstance(m, DRAWING) and getattr(m, "p", 1) > 0
    ]
    if problems:
        raise LabError(*problems)


class Stack:
    """The call of one function over N members; see the module's docstring."""

    def __init__(self, template: nn.Module, stacked: bool, fixed: Mapping[str, Any]) -> None:
        self.template = template
        self.stacked = stacked
        self.fixed = dict(fixed)
        self.caller = _Caller(template)

    def call(
        self,
        function: Callable[..., Any],
        tensors: Tensors,
        batch: Any,
        varying: Tensors,
        state: Any,
    ) -> Any:
        """`function(model, batch, settings, state)` for every member; all trees are [N, ...].

        Raises:
            LabError: the function breaks a rule of phases; says which.
        """

        def one(tensors: Tensors, batch: Any, varying: Tensors, state: Any) -> Any:
            swapped = {f"model.{name}": value for name, value in tensors.items()}
            settings = Settings({**self.fixed, **varying})
            result = functional_call(
                self.caller, swapped, (function, as_batch(batch), settings, state)
            )
            return tree_map(lambda t: t, result)

        try:
            if self.stacked:
                return vmap(one, randomness="error")(tensors, batch, varying, state)
            alone = tree_map(lambda t: t.squeeze(0), (tensors, batch, varying, state))
            return tree_map(lambda t: t.unsqueeze(0), one(*alone))
        except (RuntimeError, ValueError) as error:
            raise _explained(error, function) from error


def _explained(error: Exception, function: Callable[..., Any]) -> Exception:
    """The engine's rule behind a message of vmap, where there is one."""
    text = str(error)
    for mark, rule in RULES:
        if mark in text:
            return LabError(f"{getattr(function, '__qualname__', function)}: {rule}")
    return error


def stack_models(
    models: list[nn.Module], dtype: torch.dtype, device: str
) -> tuple[Tensors, Tensors]:
    """Parameters and buffers of equal modules, stacked: each value is [N, ...].

    Floating tensors take `dtype`. Parameters require gradients as they do in the modules.
    """

    def join(values: list[Tensor]) -> Tensor:
        joined = torch.stack([v.detach() for v in values]).to(device)
        return joined.to(dtype) if joined.is_floating_point() else joined

    named = [dict(m.named_parameters()) for m in models]
    parameters = {
        name: join([n[name] for n in named]).requires_grad_(p.requires_grad)
        for name, p in named[0].items()
    }
    held = [dict(m.named_buffers()) for m in models]
    buffers = {name: join([h[name] for h in held]) for name in held[0]}
    return parameters, buffers


def dropouts(models: list[nn.Module]) -> dict[str, Tensor]:
    """Name of each Dropout -> its rate in each member [N]."""
    names = [name for name, m in models[0].named_modules() if isinstance(m, Dropout)]
    return {
        name: torch.tensor([m.get_submodule(name).rate for m in models], dtype=torch.float64)
        for name in names
    }


def signature(model: nn.Module) -> tuple[Any, ...]:
    """Equal for networks that can share a template: same layers, shapes and plain attributes.

    The rate of a Dropout is left out: its masks are drawn per member.
    """
    layers = tuple(
        (name, type(m).__qualname__, tuple(sorted(_attributes(m))))
        for name, m in model.named_modules()
    )
    shapes = tuple(
        (n, tuple(t.shape), t.requires_grad)
        for n, t in [*model.named_parameters(), *model.named_buffers()]
    )
    return layers, shapes


def _attributes(module: nn.Module) -> list[tuple[str, str]]:
    """Everything the template would lend to all members: what is no parameter, buffer or layer."""
    skip = set(vars(nn.Module())) | ({"rate"} if isinstance(module, Dropout) else set())
    return [(k, _told(v)) for k, v in vars(module).items() if k not in skip]


def _told(value: Any) -> str:
    """An attribute's value as text, equal for equal values."""
    if isinstance(value, nn.Parameter):
        return ""  # stacked like any other
    if isinstance(value, Tensor):
        return repr(value.tolist())
    if isinstance(value, Mapping):
        return repr({k: _told(v) for k, v in value.items()})
    if isinstance(value, list | tuple):
        return repr([_told(v) for v in value])
    return getattr(value, "__qualname__", None) or repr(value)

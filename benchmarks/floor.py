"""The floor: the products that forward and backward cannot do without, and nothing else.

B batch, N network. No bias, no activation, no loss, no update, no batch to fetch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from benchmarks.tasks import Task, Trained, clock

BATCH, REPEATS = 64, 20
Products = Callable[[], None]


def dense(sizes: Sequence[int], networks: int, device: str, first: bool = True) -> Products:
    """Outputs, and gradients of weights and inputs; data, before the first layer, need none."""
    ends = list(itertools.pairwise(sizes))
    weights = [torch.randn(networks, wide, narrow, device=device) for wide, narrow in ends]
    values = [torch.randn(networks, BATCH, size, device=device) for size in sizes]

    def products() -> None:
        for value, weight in zip(values, weights, strict=False):
            torch.bmm(value, weight)
        for i, weight in enumerate(weights):
            torch.bmm(values[i].transpose(1, 2), values[i + 1])
            if i or not first:
                torch.bmm(values[i + 1], weight.transpose(1, 2))

    return products


def convolution(inputs: int, outputs: int, size: int, first: bool, device: str) -> Products:
    """One network's convolution of 3x3, channels last, forward and backward."""
    layout = torch.channels_last
    x = torch.randn(BATCH, inputs, size, size, device=device).to(memory_format=layout)
    kernel = torch.randn(outputs, inputs, 3, 3, device=device).to(memory_format=layout)
    gradient = conv2d(x, kernel)
    fixed = ([1, 1], [0, 0], [1, 1], False, [0, 0], 1, [not first, True, False])

    def products() -> None:
        conv2d(x, kernel)
        torch.ops.aten.convolution_backward(gradient, x, kernel, None, *fixed)

    return products


def recurrent(inputs: int, hidden: int, steps: int, device: str) -> Products:
    """One network's LSTM: the hidden state's products step by step, the input's in one."""

    def of(*shape: int) -> Tensor:
        return torch.randn(*shape, device=device)

    x, h, gates = of(steps * BATCH, inputs), of(BATCH, hidden), of(BATCH, 4 * hidden)
    all_h, all_gates = of(steps * BATCH, hidden), of(steps * BATCH, 4 * hidden)
    from_x, from_h = of(inputs, 4 * hidden), of(hidden, 4 * hidden)

    def products() -> None:
        x @ from_x
        for _ in range(steps):
            h @ from_h
            gates @ from_h.T
        all_h.T @ all_gates
        x.T @ all_gates

    return products


def layers(name: str, networks: int, device: str) -> list[Products]:
    """The products of one step of a task's network."""
    if name == "mlp":
        return [dense((64, 64, 64, 10), networks, device)]
    if name == "convnet":
        return [
            convolution(1, 16, 28, True, device),
            convolution(16, 32, 13, False, device),
            dense((800, 10), 1, device, first=False),
        ]
    return [recurrent(2, 64, 30, device), dense((64, 4), 1, device, first=False)]


def floor(task: Task, seeds: Sequence[int], device: str) -> Trained:
    """Time the products of some steps; only dense layers are done for all networks at once."""
    parts = layers(task.name, len(seeds), device)
    now = clock(device)
    started = now()
    for _ in range(REPEATS):
        for part in parts:
            part()
    return Trained(REPEATS * len(seeds), now() - started)

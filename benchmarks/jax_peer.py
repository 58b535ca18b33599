"""JAX as a contender: all steps in one `lax.scan`, all networks in one `vmap`, compiled by `jit`.

Its networks start from the same weights and rows as everybody's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import torch
from jax import lax, nn
from jax import numpy as jnp

from benchmarks.tasks import Task, Trained, accuracy

Weights = dict[str, Any]


def mlp(w: Weights, x: Any) -> Any:
    """Dense layers 0, 2 and 4 of torch's nn.Sequential."""
    for layer in ("0", "2"):
        x = nn.relu(x @ w[f"{layer}.weight"].T + w[f"{layer}.bias"])
    return x @ w["4.weight"].T + w["4.bias"]


def convnet(w: Weights, x: Any) -> Any:
    """Two convolutions of 3x3 with pooling of 2x2, channels last, and a read-out.

    The convolution is one product with all patches. `lax.conv_general_dilated` gives the same,
    and in this loop took nine times as long on a CPU (jax 0.10.2).
    """
    x = jnp.moveaxis(x, 1, -1)
    for layer in ("0", "3"):
        kernel = w[f"{layer}.weight"]
        high, wide = x.shape[1] - 2, x.shape[2] - 2
        shifted = [x[:, i : i + high, j : j + wide] for i in range(3) for j in range(3)]
        patches = jnp.stack(shifted, -1).reshape(len(x), high, wide, -1)
        x = nn.relu(patches @ kernel.reshape(len(kernel), -1).T + w[f"{layer}.bias"])
        high, wide = high // 2, wide // 2
        quads = x[:, : 2 * high, : 2 * wide].reshape(len(x), high, 2, wide, 2, -1)
        x = quads.max((2, 4))
    flat = jnp.moveaxis(x, -1, 1).reshape(len(x), -1)
    return flat @ w["7.weight"].T + w["7.bias"]


def lstm(w: Weights, x: Any) -> Any:
    """torch's nn.LSTM (gates: input, forget, cell, output) and a read-out of the last output."""
    into = x @ w["recurrent.weight_ih_l0"].T + w["recurrent.bias_ih_l0"] + w["recurrent.bias_hh_l0"]

    def step(carry: Any, now: Any) -> Any:
        hidden, cell = carry
        i, f, g, o = jnp.split(now + hidden @ w["recurrent.weight_hh_l0"].T, 4, axis=-1)
        cell = nn.sigmoid(f) * cell + nn.sigmoid(i) * jnp.tanh(g)
        return (nn.sigmoid(o) * jnp.tanh(cell), cell), None

    zeros = jnp.zeros((len(x), w["recurrent.weight_hh_l0"].shape[1]))
    (hidden, _), _ = lax.scan(step, (zeros, zeros), jnp.swapaxes(into, 0, 1))
    return hidden @ w["readout.weight"].T + w["readout.bias"]


NETWORKS: dict[str, Callable[[Weights, Any], Any]] = {"mlp": mlp, "convnet": convnet, "lstm": lstm}
_COMPILED: dict[Any, tuple[Any, float]] = {}


def train(task: Task, seeds: Sequence[int], device: str) -> Trained:
    """All networks at once, on the CPU; seconds of compiling are told apart."""
    problems = [task.problem(seed, "cpu") for seed in seeds]
    members = task.members(seeds)
    rows = task.material(members).rows(members, "cpu", torch.float32)
    assert rows is not None
    settings = problems[0].settings
    table = rows.inputs.numpy(), rows.targets.numpy().astype(np.int32)
    weights = _stacked([p.model for p in problems])

    def orders() -> Any:
        return _orders([s["train"] for s in rows.splits], seeds, settings.epochs, settings.batch)

    key = (task.name, len(members), *settings.items())
    if key not in _COMPILED:
        _COMPILED[key] = _compile(task.name, settings, (weights, *table, orders()))
    call, compile_seconds = _COMPILED[key]
    started = time.process_time()
    trained = jax.block_until_ready(call(weights, *table, orders()))
    seconds = time.process_time() - started
    for i, problem in enumerate(problems):  # back into torch's modules: one yardstick for all
        own = {n: torch.from_numpy(np.array(v[i])) for n, v in trained.items()}
        problem.model.load_state_dict(own)
    told = tuple(accuracy(p.model, p.test) for p in problems)
    return Trained(task.steps * len(members), seconds, told, compile_seconds)


def _stacked(models: list[torch.nn.Module]) -> Weights:
    """torch's weights by name, [N, ...]."""
    named = [dict(m.named_parameters()) for m in models]
    return {
        name: jnp.asarray(np.stack([n[name].detach().numpy() for n in named])) for name in named[0]
    }


def _orders(rows: list[torch.Tensor], seeds: Sequence[int], epochs: int, batch: int) -> Any:
    """Row numbers [N, steps, B]: each network's own order in each epoch, full batches only."""
    orders = []
    for own, seed in zip(rows, seeds, strict=True):
        generator, full = np.random.default_rng(seed), len(own) // batch * batch
        orders.append([generator.permutation(own.numpy())[:full] for _ in range(epochs)])
    return np.array(orders, np.int32).reshape(len(orders), -1, batch)


def _compile(name: str, settings: Any, arguments: tuple[Any, ...]) -> tuple[Any, float]:
    """The whole training for arguments of these shapes, and CPU seconds that compiling took."""
    network = NETWORKS[name]

    def loss(weights: Weights, x: Any, y: Any) -> Any:
        told = nn.log_softmax(network(weights, x))
        return -jnp.take_along_axis(told, y[:, None], 1).mean()

    def all_steps(weights: Weights, inputs: Any, targets: Any, order: Any) -> Any:
        def step(carry: Any, rows: Any) -> Any:
            weights, velocity = carry
            slope = jax.grad(loss)(weights, inputs[rows], targets[rows])
            velocity = jax.tree.map(lambda v, g: settings.momentum * v + g, velocity, slope)
            weights = jax.tree.map(lambda w, v: w - settings.rate * v, weights, velocity)
            return (weights, velocity), None

        still = jax.tree.map(jnp.zeros_like, weights)
        return lax.scan(step, (weights, still), order)[0][0]

    started = time.process_time()
    together = jax.jit(jax.vmap(all_steps, in_axes=(0, None, None, 0)))
    return together.lower(*arguments).compile(), time.process_time() - started

"""The networks that are tried: ours for tables and for trials, or a person's own modules.

B batch, F features, T steps of time, C channels, K outputs.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from pilotlight.core.errors import PilotlightError, UsageError
from pilotlight.core.settings import Settings
from pilotlight.nets.dense import mlp


@dataclass(frozen=True)
class Coded:
    """A row of a table with embedded columns: so many features, then an index for each column.

    `kinds` says how many indices each of these columns has, 0 (not seen in training) among them.
    """

    features: int
    kinds: tuple[int, ...]


class Padded(NamedTuple):
    """Trials of unequal length: (T, C), whose last channel is 1 where a step is there, else 0."""

    steps: int
    channels: int


Inputs = int | tuple[int, int] | Coded | Padded
"""What a network sees of a row: F features, (T, C) for trials, or features and indices."""

LARGEST_EMBEDDING = 16
EMBEDDING_SPREAD = 0.5
"""Standard deviation of a new embedding; features have 1."""

EXAMPLE = """
    class Net(nn.Module):
        def __init__(self, inputs, outputs):   # inputs: features, or (time, channels)
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, outputs))

        def forward(self, x):                  # [batch, inputs] -> [batch, outputs]
            return self.layers(x)
"""


@dataclass(frozen=True)
class Network:
    """A kind of network: how it is made, its sizes to choose among, how dear a step of it is."""

    name: str
    make: Callable[[Inputs, int, Settings], nn.Module]
    widths: tuple[int, ...] = (0,)
    depths: tuple[int, ...] = (0,)
    cost: int = 1  # of its candidates only one in so many is tried
    own: bool = False


def plain_inputs(inputs: Inputs) -> Any:
    """As JSON has it; read back by `inputs_from`."""
    if isinstance(inputs, Coded):
        return {"features": inputs.features, "kinds": list(inputs.kinds)}
    if isinstance(inputs, Padded):
        return {"steps": inputs.steps, "channels": inputs.channels}
    return inputs


def inputs_from(plain: Any) -> Inputs:
    """What `plain_inputs` was given."""
    if isinstance(plain, Mapping) and "steps" in plain:
        return Padded(plain["steps"], plain["channels"])
    if isinstance(plain, Mapping):
        return Coded(plain["features"], tuple(plain["kinds"]))
    return plain if isinstance(plain, int) else (plain[0], plain[1])


class Embedded(nn.Module):
    """A dense network whose columns of categories go through a table of embeddings each.

    Source: Guo and Berkhahn (2016), Entity embeddings of categorical variables.
    """

    def __init__(self, inputs: Coded, outputs: int, width: int, depth: int) -> None:
        super().__init__()
        sizes = [embedding_size(n) for n in inputs.kinds]
        self.features = inputs.features
        tables = [nn.Embedding(n, size) for n, size in zip(inputs.kinds, sizes, strict=True)]
        for table in tables:
            nn.init.normal_(table.weight, std=EMBEDDING_SPREAD)
            nn.init.zeros_(table.weight[0])
        self.tables = nn.ModuleList(tables)
        self.layers = mlp(inputs.features + sum(sizes), [width] * depth, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[B, features + columns] -> [B, K]."""
        codes = x[:, self.features :].long()
        looked_up = [table(codes[:, i]) for i, table in enumerate(self.tables)]
        found: Tensor = self.layers(torch.cat([x[:, : self.features], *looked_up], dim=1))
        return found


def embedding_size(kinds: int) -> int:
    """Numbers that stand for a category: half as many as there are, at most 16."""
    return min(LARGEST_EMBEDDING, (kinds + 1) // 2)


class ConvNet(nn.Module):
    """Convolutions over time, each followed by ReLU, then the mean over time: [B, T, C] -> [B, K].

    Kernels of 5 steps; from the second layer on they see every second step. Padding is 0 behind
    each layer, as it is at the edges, and left out of the mean.
    """

    def __init__(self, inputs: tuple[int, int], outputs: int, width: int, depth: int) -> None:
        super().__init__()
        self.padded = isinstance(inputs, Padded)
        layers: list[nn.Module] = []
        channels = inputs[1]
        for i in range(depth):
            stride = 2 if i else 1
            layers += [nn.Conv1d(channels, width, 5, stride=stride, padding=2), nn.ReLU()]
            channels = width
        self.layers = nn.Sequential(*layers)
        self.readout = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of classes, or one number."""
        found = x.transpose(1, 2)
        there = found[:, -1:] if self.padded else torch.ones_like(found[:, -1:])
        for layer in self.layers:
            found = layer(found)
            if isinstance(layer, nn.Conv1d):
                there = there[:, :, :: layer.stride[0]]
            elif self.padded:
                found = found * there
        read: Tensor = self.readout(mean_there(found.transpose(1, 2), there.transpose(1, 2)))
        return read


class Recurrent(nn.Module):
    """A GRU (Cho et al. 2014) over time, read out from the mean of its states."""

    def __init__(self, inputs: tuple[int, int], outputs: int, width: int) -> None:
        super().__init__()
        self.padded = isinstance(inputs, Padded)
        self.cell = nn.GRU(inputs[1], width, batch_first=True)
        self.readout = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] -> [B, K]."""
        found: Tensor = self.cell(x)[0]
        there = x[:, :, -1:] if self.padded else torch.ones_like(found[:, :, :1])
        read: Tensor = self.readout(mean_there(found, there))
        return read


def mean_there(found: Tensor, there: Tensor) -> Tensor:
    """The mean over the steps that are there: [B, T, W] and [B, T, 1] -> [B, W]."""
    return (found * there).sum(1) / there.sum(1).clamp(min=1)


def usual(trials: bool) -> tuple[Network, ...]:
    """A dense network for tables; a convolution over time and a GRU for trials."""
    if not trials:
        return (Network("mlp", _mlp, widths=(64,), depths=(1, 2)),)
    return (
        Network("convnet", _convnet, widths=(16, 48), depths=(2,)),
        Network("gru", _gru, widths=(24,), cost=8),
    )


def _mlp(inputs: Inputs, outputs: int, settings: Settings) -> nn.Module:
    if isinstance(inputs, Coded):
        return Embedded(inputs, outputs, settings.width, settings.depth)
    assert isinstance(inputs, int)
    return mlp(inputs, [settings.width] * settings.depth, outputs)


def _convnet(inputs: Inputs, outputs: int, settings: Settings) -> nn.Module:
    assert isinstance(inputs, tuple)
    return ConvNet(inputs, outputs, settings.width, settings.depth)


def _gru(inputs: Inputs, outputs: int, settings: Settings) -> nn.Module:
    assert isinstance(inputs, tuple)
    return Recurrent(inputs, outputs, settings.width)


def own_networks(models: Mapping[str, Callable[..., nn.Module]]) -> tuple[Network, ...]:
    """A person's modules by name; each is made as `Module(inputs, outputs)`.

    Of several class targets `outputs` is the number of all classes: a block for each target, in
    the order of the targets.

    Raises:
        UsageError: something that makes no module.
    """
    wrong = [n for n, made in models.items() if not callable(made) or isinstance(made, nn.Module)]
    if wrong or not models:
        raise UsageError(
            f"model: {', '.join(wrong) or 'nothing'} is no class of networks. Give the class "
            f"itself, which is made afresh for each fold:{EXAMPLE}"
        )
    return tuple(
        Network(name, lambda i, o, s, made=made: made(i, o), own=True)  # type: ignore[misc]
        for name, made in models.items()
    )


def load_networks(path: str | Path) -> tuple[Network, ...]:
    """The modules that a file defines: its `models`, a mapping, or else all its nn.Modules.

    Raises:
        UsageError: no such file, an error in it, or no module.
    """
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"--model {path}: there is no such file.")
    spec = importlib.util.spec_from_file_location(f"own_networks_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UsageError(f"--model {path}: a Python file is needed, such as net.py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"--model {path}: {type(error).__name__}: {error}") from error
    models = getattr(module, "models", None) or _modules_in(module)
    if not models:
        raise UsageError(f"--model {path} defines no nn.Module. One looks so:{EXAMPLE}")
    return own_networks(models)


def _modules_in(module: Any) -> dict[str, type[nn.Module]]:
    """Those that can be made of inputs and outputs; parts of networks usually cannot."""
    found = {}
    for name, value in vars(module).items():
        ours = isinstance(value, type) and issubclass(value, nn.Module)
        if ours and value.__module__ == module.__name__:
            words = list(inspect.signature(value).parameters)
            if words[:2] == ["inputs", "outputs"]:
                found[name] = value
    return found


def _shape(inputs: Inputs) -> tuple[int, ...]:
    """Two rows."""
    if isinstance(inputs, Coded):
        return (2, inputs.features + len(inputs.kinds))
    return (2, inputs) if isinstance(inputs, int) else (2, *inputs)


def try_out(network: Network, settings: Settings, inputs: Inputs, outputs: int) -> None:
    """Make a network and send two rows through it, so that it fails now and not in an hour.

    Raises:
        UsageError: it cannot be made, or puts out another shape; says what was expected.
    """
    shape = _shape(inputs)
    expected = f"Given {list(shape)} it is to put out [2, {outputs}]."
    try:
        with torch.random.fork_rng(devices=[]):
            model = network.make(inputs, outputs, settings).eval()
        with torch.no_grad():
            found = tuple(model(torch.zeros(shape)).shape)
    except PilotlightError:
        raise
    except Exception as error:
        raise UsageError(
            f"network {network.name!r} fails: {type(error).__name__}: {error}. It is made as "
            f"{network.name}(inputs={inputs}, outputs={outputs}). {expected}"
        ) from error
    if found != (2, outputs) and not (outputs == 1 and found == (2,)):
        raise UsageError(f"network {network.name!r} puts out {list(found)}. {expected}")

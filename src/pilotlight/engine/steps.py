"""What a training is made of: phases over a stream of batches.

    phase(model, batch, settings, state) -> loss, metrics, state

A phase is an ordinary function of an ordinary `nn.Module`. It draws nothing at random (noise comes
in `batch.noise`), takes no Python decision on a tensor's value and returns what it wants to
remember in `state`. So many networks go through it at once, and each gets what it would alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Generator, Tensor, nn
from torch.nn import functional

from pilotlight.core.drawing import Said
from pilotlight.core.settings import Settings
from pilotlight.engine.losses import quick
from pilotlight.engine.optim import Optimizer

State = dict[str, Any]
"""Named tensors (or nested mappings of them) that a training remembers from step to step."""

PhaseFunction = Callable[[Any, Any, Any, State], tuple[Tensor, dict[str, Tensor], State]]

Order = Callable[[int, Any, Generator], Tensor]
"""(rows, settings, generator) -> positions [rows], from 0."""


class Noise(NamedTuple):
    """One tensor of noise per step: "normal" (mean 0, sd 1) or "uniform" (0 to 1)."""

    kind: str
    shape: tuple[int, ...]


def normal(*shape: int) -> Noise:
    """Standard normal noise of this shape, fresh at every step, from a member's own generator."""
    return Noise("normal", shape)


def uniform(*shape: int) -> Noise:
    """Uniform noise on [0, 1) of this shape, fresh at every step, as `normal`."""
    return Noise("uniform", shape)


@dataclass(frozen=True)
class Phase:
    """One player's move in a step: a loss, the parameters it moves, their optimizer, when it runs.

    `moves` is the beginning of the names of the parameters that this phase's loss moves
    ("generator"); empty means all. `when(step, settings)` says whether it runs at this step.
    """

    loss: PhaseFunction
    moves: str = ""
    optimizer: Optimizer | None = None
    when: Callable[[int, Settings], bool] | None = None


class Stage(NamedTuple):
    """A stretch of training on one part of the rows, for so many epochs."""

    part: str
    epochs: int


@dataclass(frozen=True)
class Training:
    """Phases, and where their batches come from.

    With data, batches are rows of the current stage's part: `batch.inputs`, `batch.targets`.
    Without data a lab declares the settings `steps` and `measure_every`.

    Attributes:
        evaluate: (model, batch, settings, state) -> metrics. With data, a value per row [B], for
            each part in `parts` (named "test_accuracy"); without, a scalar each.
        reference: (model, batch, settings, state) -> named tensors. Called before each evaluation
            on all rows of "train"; `evaluate` and `snapshot` find it in `batch.reference`: a linear
            read-out of codes, their centres, neighbours to ask. Its rows never test. Of another
            part with `reference_part`: what the validation rows choose, the other parts find.
        noise: settings -> named noise for every step, found in `batch.noise`.
        evaluation_noise: the same for evaluations; one draw per member, kept for the whole run.
        start: (model, settings) -> the first state.
        collect: (model, batch, settings, state) -> mapping, state. Makes what the phases find in
            `batch`, without gradient: a policy acts here, and learns from its own actions.
        stages: settings -> stretches, one after another; one on "train" unless given.
        order: (rows, settings, generator) -> positions [rows], from 0, in which an epoch reads the
            rows of its part; a new random order of all unless given. `settings` holds those that
            networks of a cohort share.
        between: (model, batch, settings, state) -> state, after each stage, on all its rows.
        snapshot: (model, batch, settings, state) -> named tensors, kept to draw a movie from; at
            every evaluation, or each `snapshot_every`-th and the last, of the run's first
            `snapshot_seeds` seeds; once more of the weights that early stopping goes back to.
            `batch` is as in evaluations; with data it holds up to 512 rows of the last part.
        kinds: by the names of what `snapshot` keeps, how it is drawn, where its form does not tell:
            "points" of a plane [P, 2], a "grid" of tables [G, R, C], or the Scene of a path in a
            world, which is a mapping of "seen" [M, S], "actions" [M] and "steps" [M].
    """

    phases: Sequence[Phase]
    evaluate: Callable[[Any, Any, Any, State], dict[str, Tensor]]
    parts: tuple[str, ...] = ("train", "test")
    noise: Callable[[Settings], Mapping[str, Noise]] | None = None
    evaluation_noise: Callable[[Settings], Mapping[str, Noise]] | None = None
    start: Callable[[Any, Any], State] | None = None
    collect: Callable[[Any, Any, Any, State], tuple[Any, State]] | None = None
    stages: Callable[[Settings], Sequence[Stage]] | None = None
    order: Order | None = None
    between: Callable[[Any, Any, Any, State], State] | None = None
    snapshot: Callable[[Any, Any, Any, State], dict[str, Tensor]] | None = None
    snapshot_seeds: int = 1
    snapshot_every: int = 1
    kinds: Mapping[str, Said] = field(default_factory=dict)
    reference: Callable[[Any, Any, Any, State], dict[str, Tensor]] | None = None
    reference_part: str = "train"


def supervised(
    loss: Callable[..., Tensor],
    parts: tuple[str, ...] = ("train", "test"),
    snapshot: Callable[[Any, Any, Any, State], dict[str, Tensor]] | None = None,
    order: Order | None = None,
) -> Training:
    """Learn targets from inputs: `loss(model(inputs), targets)` over minibatches.

    `loss` is one of torch.nn.functional's (cross_entropy, mse_loss, ...), which takes `reduction`.
    Classes are also measured by accuracy. `snapshot` and `order` are as in `Training`.
    """

    form = quick(loss)

    def fit(model: nn.Module, batch: Any, settings: Any, state: State) -> Any:
        return form(model(batch.inputs), batch.targets), {}, state

    def evaluate(model: nn.Module, batch: Any, settings: Any, state: State) -> dict[str, Tensor]:
        outputs = model(batch.inputs)
        losses = form(outputs, batch.targets, reduction="none")
        rows = {"loss": losses.flatten(1).mean(1) if losses.dim() > 1 else losses}
        if loss is functional.cross_entropy:
            rows["accuracy"] = (outputs.argmax(1) == batch.targets).to(outputs.dtype)
        return rows

    return Supervised((Phase(fit),), evaluate, parts, snapshot=snapshot, order=order, loss=loss)


@dataclass(frozen=True)
class Supervised(Training):
    """A Training that `supervised` made; its plain script writes the loss out in the loop."""

    loss: Callable[..., Tensor] = functional.cross_entropy

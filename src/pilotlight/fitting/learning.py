"""What the engine trains for a study: networks, losses, when each stops; and their predictions.

B batch, R rows, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softmax

from pilotlight.core.lab import Lab
from pilotlight.core.settings import Setting, Settings
from pilotlight.data.columns import Array
from pilotlight.data.table import Data
from pilotlight.engine import losses
from pilotlight.engine.optim import adamw
from pilotlight.engine.steps import Phase, Training
from pilotlight.fitting.question import Heads, Scale, Task, blocks
from pilotlight.fitting.study import Study

PER_MEMBER = ("rate", "weight_decay", "stop", "place", "inner", "share", "candidate")


def lab_of(study: Study, stage: str) -> Lab:
    """A study's networks as the engine takes them: all that a Lab has, and no claims."""
    made = {network.name: network.make for network in study.networks}
    outputs = study.question.outputs

    def model(settings: Settings) -> nn.Module:
        return made[settings.network](study.seen, outputs, settings)

    return Lab(
        area="fit",
        seconds=0,
        text="",
        data=Data(study.question.name, _nothing),
        model=model,
        train=training(
            study.question.task,
            "validation" if stage == "search" else "train",
            study.question.heads,
        ),
        optimizer=adamw,
        schedule=until_stop,
        settings=_declared(),
    )


def _nothing() -> tuple[Tensor, Tensor]:
    raise AssertionError("rows come by the layout")


def _declared() -> dict[str, Setting]:
    whole = {n: Setting(1, "whole") for n in ("width", "depth", "batch", "epochs", "epoch_steps")}
    per_member = {n: Setting(0.0, "linear") for n in PER_MEMBER}
    return {**whole, **per_member, "network": Setting("", "choice")}


def until_stop(step: int, steps: int, settings: Any) -> Any:
    """1 up to the end of the epoch `settings.stop`, then 0: the network stays as it is.

    So networks that train for fewer epochs go along with the others.
    """
    return torch.where(torch.as_tensor(settings.stop * steps > step * settings.epochs), 1.0, 0.0)


def training(task: Task, part: str, heads: Heads = ()) -> Training:
    """Minibatches of the training rows; the loss of each row of `part` after every epoch.

    Of several class targets `heads` says how many classes each has.
    """
    row_losses = _of_heads(heads) if len(heads) > 1 else LOSSES[task]

    def fit(model: nn.Module, batch: Any, settings: Any, state: Any) -> Any:
        return row_losses(model(batch.inputs), batch.targets).mean(), {}, state

    def evaluate(model: nn.Module, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
        return {"loss": row_losses(model(batch.inputs), batch.targets)}

    return Training((Phase(fit),), evaluate, (part,))


def _cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return losses.cross_entropy(outputs, targets, reduction="none")


def _of_heads(heads: Heads) -> Callable[[Tensor, Tensor], Tensor]:
    """The mean of the class targets' cross-entropies, each of its own block of outputs, [R]."""

    def row_losses(outputs: Tensor, targets: Tensor) -> Tensor:
        each = zip(blocks(heads), targets.unbind(1), strict=True)
        return torch.stack([_cross_entropy(outputs[:, block], own) for block, own in each]).mean(0)

    return row_losses


def _squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return _of_rows((_flat(outputs) - targets) ** 2)


def _poisson(outputs: Tensor, targets: Tensor) -> Tensor:
    """Negative log-likelihood of counts, up to a constant; the output is a rate's logarithm."""
    logs = _flat(outputs)
    return _of_rows(logs.exp() - targets * logs)


def _flat(outputs: Tensor) -> Tensor:
    """[R] for one target, [R, K] for several."""
    return outputs[:, 0] if outputs.dim() == 2 and outputs.shape[1] == 1 else outputs


def _of_rows(loss: Tensor) -> Tensor:
    """The mean over targets [R]; their scales are equal."""
    return loss.mean(1) if loss.dim() == 2 else loss


LOSSES: dict[Task, Callable[[Tensor, Tensor], Tensor]] = {
    "classification": _cross_entropy,
    "regression": _squared,
    "counts": _poisson,
}


@torch.no_grad()
def predict(
    task: Task,
    model: nn.Module,
    inputs: Tensor,
    scale: Scale,
    heads: Heads = (),
    chunk: int = 4096,
) -> Array:
    """Probabilities [R, K], numbers or rates [R] or [R, K], that a trained network gives.

    Of several class targets the probabilities lie side by side: a block for each of `heads`.
    """
    model.eval()
    parts = [inputs[i : i + chunk] for i in range(0, len(inputs), chunk)]
    outputs = torch.cat([model(part) for part in parts]).double()
    if task == "classification":
        parts = [outputs[:, block] for block in blocks(heads)] or [outputs]
        return torch.cat([softmax(part, dim=1) for part in parts], dim=1).numpy()
    found = _flat(outputs) if task == "regression" else _flat(outputs).exp()
    return np.asarray(found.numpy() * scale[1] + scale[0])

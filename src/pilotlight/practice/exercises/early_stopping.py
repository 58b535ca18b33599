"""Early stopping: train until the validation loss no longer falls.

The training loss falls as long as you train. The validation loss falls, too, at first; then the
network begins to learn its training rows by heart, and on rows that it has not seen it gets worse.
Early stopping looks at the validation loss after every epoch and does three things:

    it keeps the weights of the best epoch so far, the one with the lowest loss;
    it stops when `patience` epochs in a row have not been better than the best;
    at the end, however it came, it puts the best epoch's weights back into the model.

Better is a loss that is lower than the best so far: an equal one is not, and nan is not. Weights
are everything in model.state_dict(), buffers such as batch norm's statistics too.
"""

import copy
import math
from collections.abc import Callable

from torch import nn


def train_with_patience(
    model: nn.Module,
    train_epoch: Callable[[], None],
    validate: Callable[[], float],
    patience: int,
    epochs: int,
) -> list[float]:
    """Train for at most `epochs` epochs, 1 or more. Calling `train_epoch` changes the model.

    Returns the validation loss of each epoch that was trained; the model is left at its best.
    """
    # --- solution ---
    best, waited, losses = math.inf, 0, []
    for _ in range(epochs):
        train_epoch()
        losses.append(validate())
        waited += 1
        if losses[-1] < best:
            best, waited = losses[-1], 0
            kept = copy.deepcopy(model.state_dict())
        if waited == patience:
            break
    model.load_state_dict(kept)
    return losses
    # --- end ---


# --- checks ---
import io
from typing import Any

import torch

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import tensor


class Counter(nn.Module):
    """Its weight and its buffer are the number of epochs that it has been trained for."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(tensor([0]))
        self.statistic = nn.Buffer(tensor([0]))
        self.held = self.weight  # as an optimizer holds it
        self.trained = 0

    def train_epoch(self) -> None:
        """One more."""
        self.trained += 1
        for value in (self.weight.data, *self.buffers()):
            value.fill_(self.trained)


def trained(answer: Any, curve: list[float], patience: int, epochs: int = 99) -> Any:
    """What comes of a training whose validation losses would be this curve."""
    model, losses = Counter(), iter(curve)
    returned = answer.train_with_patience(
        model, model.train_epoch, lambda: next(losses), patience, min(epochs, len(curve))
    )
    return {
        "losses": returned,
        "epochs trained": model.trained,
        "epoch of the weights": int(model.weight),
    }


def stops(answer: Any) -> Any:
    """With patience 2 it stops at the second epoch in a row that is not better."""
    return trained(answer, [5, 4, 3, 3.5, 3.2, 2, 1], 2)


def by_hand() -> Any:
    """The third epoch is best, the fifth the last."""
    return {"losses": [5, 4, 3, 3.5, 3.2], "epochs trained": 5, "epoch of the weights": 3}


def waits(answer: Any) -> Any:
    """A better epoch starts the count anew: three worse ones in all, never two in a row."""
    return trained(answer, [5, 6, 4, 7, 3, 8, 2, 2.5, 2.4, 1], 2)


def of_the_best(answer: Any) -> Any:
    """Every loss is compared with the best so far, not with the one before."""
    return trained(answer, [1, 5, 4, 3, 2, 0.5], 3)


def equal(answer: Any) -> Any:
    """An equal loss is no better: on a plateau it stops, and keeps the first of the best epochs."""
    return trained(answer, [3, 2, 2, 2, 2, 1], 3)


def not_a_number(answer: Any) -> Any:
    """A loss that is nan is no better, whatever it is compared with."""
    return trained(answer, [3, 2, math.nan, 2.5, math.nan, 1], 3)


def end(answer: Any) -> Any:
    """Where the epochs run out first, the best weights are put back all the same."""
    return trained(answer, [3, 1, 2, 2, 2, 2], 10, epochs=4)


def last_is_best(answer: Any) -> Any:
    """A loss that falls to the end trains all epochs, also with patience 1."""
    return trained(answer, [4, 3, 2, 1], 1)


def all_of_it(answer: Any) -> Any:
    """Buffers are put back with the weights, into the same tensors: others hold on to them."""
    model, losses = Counter(), iter([3, 1, 2, 2])
    answer.train_with_patience(model, model.train_epoch, lambda: next(losses), 2, 9)
    return {"epoch of the buffer": int(model.statistic), "weight seen by others": int(model.held)}


def second_epoch() -> Any:
    """The loss was lowest in epoch 2."""
    return dict.fromkeys(("epoch of the buffer", "weight seen by others"), 2)


def by_history(
    model: nn.Module,
    train_epoch: Callable[[], None],
    validate: Callable[[], float],
    patience: int,
    epochs: int,
) -> list[float]:
    """The same from the whole history: the best epoch is where the stored curve is lowest."""
    curve: list[float] = []
    snapshots = []
    best = 0
    while len(curve) < epochs and len(curve) - best < patience:
        train_epoch()
        curve.append(validate())
        snapshots.append([value.clone() for value in model.state_dict().values()])
        best = 1 + curve.index(min(loss for loss in curve if not math.isnan(loss)))
    with torch.no_grad():
        for value, then in zip(model.state_dict().values(), snapshots[best - 1], strict=True):
            value.copy_(then)
    return curve


def by_saving(
    model: nn.Module,
    train_epoch: Callable[[], None],
    validate: Callable[[], float],
    patience: int,
    epochs: int,
) -> list[float]:
    """Right as well: the best epoch's number is kept, and its weights as they go into a file."""
    losses: list[float] = []
    best_epoch, file = 0, io.BytesIO()
    for epoch in range(epochs):
        train_epoch()
        losses += [validate()]
        if epoch == 0 or losses[epoch] < losses[best_epoch]:
            best_epoch, file = epoch, io.BytesIO()
            torch.save(model.state_dict(), file)
        elif epoch - best_epoch >= patience:
            break
    file.seek(0)
    model.load_state_dict(torch.load(file))
    return losses


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any curve, of few values, so that some are equal."""
    curve = torch.randint(1, 9, (10,), generator=generator).double().tolist()
    patience, epochs = torch.randint(1, 7, (2,), generator=generator).tolist()
    return trained(answer, curve, patience, epochs)


KEEP = "copy.deepcopy(model.state_dict())"
PARAMETERS = "copy.deepcopy(dict(model.named_parameters()))"
PUT_BACK = "model.load_state_dict(kept)"

exercise = Exercise(
    area="regularization",
    needs=["training-loop", "split"],
    lab="early-stopping",
    minutes=20,
    hints=[
        "Three things change from epoch to epoch: the best loss so far (at first math.inf), the "
        "weights that gave it, and how many epochs have passed since.",
        "model.state_dict() does not copy: its tensors are the model's own, and training goes on "
        "changing them. copy.deepcopy(...) copies. model.load_state_dict(...) puts back.",
        "`loss < best` is false where the loss is equal to the best, and where it is nan. Begin "
        "with what is to happen if it is true.",
        "Leave the loop by `break`, not by `return`: the weights are put back after it, whichever "
        "way it ended.",
    ],
    tasks={
        "When it stops": [Check(stops, by_hand), waits, of_the_best, equal, not_a_number],
        "What is left": [last_is_best, end, Check(all_of_it, second_epoch)],
    },
    oracle={"train_with_patience": by_history},
    alternative={"train_with_patience": by_saving},
    sample=at_random,
    wrong=[
        Wrong(
            {KEEP: "model.state_dict()"},
            "The model is left as it was at the last epoch. Either nothing is put back, or what "
            "was kept are the model's own tensors: state_dict() does not copy, copy.deepcopy does.",
        ),
        Wrong(
            {"if losses[-1] < best:": "if len(losses) == 1 or losses[-1] < losses[-2]:"},
            "Each loss is compared with the one before: after a bad epoch one that is a little "
            "less bad counts as better. Compare with the best so far.",
        ),
        Wrong(
            {"best, waited = losses[-1], 0": "best = losses[-1]"},
            "The count does not start anew after a better epoch: it stops after so many worse ones "
            "in all. They are to come in a row.",
        ),
        Wrong(
            {"waited == patience": "waited > patience"},
            "It waits one epoch too long: with patience 2 the second epoch in a row that is no "
            "better is the last.",
        ),
        Wrong(
            {"waited == patience": "waited"},
            "It stops at the first epoch that is no better: the validation loss goes up and down "
            "by chance, and patience is for that.",
        ),
        Wrong(
            {"losses[-1] < best": "losses[-1] <= best"},
            "An equal loss counts as better: on a plateau it never stops, and keeps the last of "
            "the equal epochs.",
        ),
        Wrong(
            {"losses[-1] < best": "not losses[-1] >= best"},
            "nan counts as better: every comparison with nan is false, so `not loss >= best` is "
            "true. Ask for `loss < best`.",
        ),
        Wrong(
            {"break": "return model.load_state_dict(kept) and losses", PUT_BACK: "pass"},
            "The best weights are put back only if it stopped early: where the epochs run out "
            "first, the model is left as it was at the end.",
        ),
        Wrong(
            {KEEP: PARAMETERS, PUT_BACK: "model.load_state_dict(kept, strict=False)"},
            "Only the parameters are kept: buffers, as batch norm's statistics, are left as they "
            "were at the last epoch, and do not fit the weights. Keep the whole state_dict.",
        ),
    ],
)

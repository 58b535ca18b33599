"""A training loop, written whole.

Training in PyTorch is the same few lines everywhere: for each batch forget the old gradients, let
the model predict, measure the loss, go backward, take a step. Write them once yourself.

`train` goes through all batches `epochs` times. It puts the model into training mode first, and it
must not matter whether the model comes with gradients of something else. It returns one number per
epoch: the mean of the losses of its batches, each measured before its step.
"""

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.optim import Optimizer


def train(
    model: nn.Module,
    optimizer: Optimizer,
    loss_function: Callable[[Tensor, Tensor], Tensor],
    batches: Sequence[tuple[Tensor, Tensor]],
    epochs: int,
) -> list[float]:
    """Train `model` on `batches`, pairs of inputs and targets; return the loss of each epoch."""
    # --- solution ---
    model.train()
    history = []
    for _ in range(epochs):
        total = 0.0
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = loss_function(model(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()
        history.append(total / len(batches))
    return history
    # --- end ---


# --- checks ---
from typing import Any

import torch
from torch.nn.functional import mse_loss

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal

RATE = 0.1
CALLS = ("backward passes", "steps", "steps with a gradient")


class Watched(nn.Module):
    """A linear model that remembers in which mode it was used, and counts backward passes."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(normal(3, 1, seed=7))
        self.modes: list[bool] = []
        self.backward_passes = 0
        self.weight.register_hook(self._count)

    def _count(self, gradient: Tensor) -> None:
        self.backward_passes += 1

    def forward(self, inputs: Tensor) -> Tensor:
        self.modes.append(self.training)
        return inputs @ self.weight


class Counting(torch.optim.SGD):
    """Plain gradient descent that counts its steps, and those that found a gradient."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model.parameters(), lr=RATE)
        self.steps = self.with_gradient = 0

    def step(self, closure: Any = None) -> Any:
        self.steps += 1
        loss = super().step(closure)
        gradients = [p.grad for group in self.param_groups for p in group["params"]]
        self.with_gradient += any(g is not None and bool(g.any()) for g in gradients)
        return loss


def some_batches(count: int) -> list[tuple[Tensor, Tensor]]:
    """Four rows each."""
    return [(normal(4, 3, seed=i), normal(4, 1, seed=100 + i)) for i in range(count)]


def trained(answer: Any, batches: int, epochs: int) -> Any:
    """A model after training, with the losses that were returned."""
    model = Watched()
    history = answer.train(model, Counting(model), mse_loss, some_batches(batches), epochs)
    return {"weight": model.weight.detach(), "losses": history}


def one_step(answer: Any) -> Any:
    """One batch moves the weights one step against the gradient."""
    return trained(answer, 1, 1)


def batch_after_batch(answer: Any) -> Any:
    """Each step uses the gradient of its own batch only."""
    return trained(answer, 3, 1)


def epoch_after_epoch(answer: Any) -> Any:
    """Later epochs go on where the one before ended, and each gives one loss."""
    return trained(answer, 2, 3)


def calls(answer: Any) -> Any:
    """For every batch there is one backward pass, then one step that finds its gradient."""
    model = Watched()
    optimizer = Counting(model)
    answer.train(model, optimizer, mse_loss, some_batches(2), 2)
    return {
        "backward passes": model.backward_passes,
        "steps": optimizer.steps,
        "steps with a gradient": optimizer.with_gradient,
    }


def mode(answer: Any) -> Any:
    """The model trains in training mode, even if it was evaluated before."""
    model = Watched().eval()
    answer.train(model, Counting(model), mse_loss, some_batches(2), 1)
    return {"training mode": model.modes}


def old_gradients(answer: Any) -> Any:
    """Gradients that the model brings along do no harm."""
    model = Watched()
    model.weight.grad = torch.full_like(model.weight, 100.0)
    answer.train(model, Counting(model), mse_loss, some_batches(2), 1)
    return {"weight": model.weight.detach()}


def by_hand(
    model: nn.Module, optimizer: Optimizer, loss_function: Any, batches: Any, epochs: int
) -> list[float]:
    """The same without optimizer: gradients by torch.autograd.grad, steps by subtraction."""
    model.train()
    history = []
    for _ in range(epochs):
        losses = []
        for inputs, targets in batches:
            loss = loss_function(model(inputs), targets)
            parameters = list(model.parameters())
            gradients = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter.sub_(RATE * gradient)
            losses.append(loss.item())
        history.append(sum(losses) / len(losses))
    return history


def by_closure(
    model: nn.Module, optimizer: Optimizer, loss_function: Any, batches: Any, epochs: int
) -> list[float]:
    """Right as well: the optimizer asks for the loss itself."""
    model.train()

    def of(inputs: Tensor, targets: Tensor) -> float:
        def closure() -> Any:
            model.zero_grad(set_to_none=False)
            loss = loss_function(model(inputs), targets)
            loss.backward()
            return loss

        loss: Any = optimizer.step(closure)
        return loss.item()

    return [sum(of(*batch) for batch in batches) / len(batches) for _ in range(epochs)]


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Some batches, some epochs."""
    batches, epochs = (torch.randint(1, 4, (2,), generator=generator)).tolist()
    model = Watched().eval()
    model.weight.grad = torch.ones_like(model.weight)
    data = torch.randn(batches, 5, 4, generator=generator, dtype=torch.float64)
    pairs = [(rows[:, :3], rows[:, 3:]) for rows in data]
    losses = answer.train(model, Counting(model), mse_loss, pairs, epochs)
    return {"losses": losses, "weight": model.weight.detach(), "modes": model.modes}


exercise = Exercise(
    area="training",
    needs=["dataset", "cross-entropy"],
    lab="minibatch",
    minutes=15,
    hints=[
        "Two loops, one in the other: epochs outside, batches inside. A number that adds up the "
        "losses starts at 0 in every epoch.",
        "In the inner loop stand five lines: optimizer.zero_grad(), the prediction and its loss, "
        "loss.backward(), optimizer.step(), and the sum of the losses.",
        "A loss is a tensor that remembers how it was computed. loss.item() is the bare number.",
        "model.train() comes before everything: dropout and batch norm ask for it.",
    ],
    tasks={
        "One batch": [one_step, Check(calls, lambda: dict.fromkeys(CALLS, 4))],
        "Many batches": [batch_after_batch, epoch_after_epoch],
        "Before the first batch": [mode, old_gradients],
    },
    oracle={"train": by_hand},
    alternative={"train": by_closure},
    sample=at_random,
    wrong=[
        Wrong(
            {"optimizer.zero_grad()": "pass"},
            "The old gradients are never forgotten: PyTorch adds each new gradient to what is "
            "there, so every step goes by the sum of all batches so far. Call zero_grad.",
        ),
        Wrong(
            {"loss.backward()": "pass"},
            "Nothing goes backward: without loss.backward() there is no gradient, and the steps "
            "have nothing to go by.",
        ),
        Wrong(
            {"optimizer.step()": "pass"},
            "No step is taken: the gradients are computed, but nobody moves the weights. Call "
            "optimizer.step().",
        ),
        Wrong(
            {"optimizer.step()": "optimizer.zero_grad()\noptimizer.step()"},
            "There is no gradient left when the step is taken: first zero_grad, then backward, "
            "then step, with nothing between.",
        ),
        Wrong(
            {"total = 0.0": "total = 0.0\noptimizer.zero_grad()", "optimizer.zero_grad()": "pass"},
            "The gradients are forgotten once per epoch only: within an epoch they pile up. "
            "Forget them for every batch.",
        ),
        Wrong(
            {
                "optimizer.zero_grad()": "pass",
                "optimizer.step()": "optimizer.step()\noptimizer.zero_grad()",
            },
            "The gradients are forgotten after each step, so those that the model brought along "
            "went into the first step. Forget them before backward.",
        ),
        Wrong(
            {"loss.item()": "loss"},
            "The losses are still tensors, each with the whole graph it came from: memory fills "
            "up as training goes on. Take loss.item().",
        ),
        Wrong(
            {"model.train()": "pass"},
            "The model was never put into training mode: a model that was evaluated before trains "
            "without dropout, and its batch norm stands still. Call model.train() first.",
        ),
        Wrong(
            {"total / len(batches)": "total"},
            "The losses of an epoch are added up, not averaged: the number grows with the number "
            "of batches.",
        ),
        Wrong(
            {"total / len(batches)": "loss.item()"},
            "Only the last batch's loss is returned; the mean over all batches of the epoch is "
            "asked for.",
        ),
        Wrong(
            {"history.append(total / len(batches))": "return [total / len(batches)]"},
            "It returns after the first epoch: `return` stands inside the loop.",
        ),
    ],
)

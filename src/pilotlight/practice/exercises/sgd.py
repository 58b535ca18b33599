"""A step of stochastic gradient descent.

The loss that training is to lower is a mean over all rows, and its gradient would need them all for
every step. Stochastic gradient descent takes a few rows drawn at random, a minibatch, and goes by
the mean of their gradients:

    weight  <-  weight - rate * (mean over the batch of the gradient of each row's loss)

That is right on average, and a step costs the same however many rows there are. As it is a mean,
not a sum, the same rate fits small batches and large ones.

Write one such step for a list of parameters, all moved in place. You get the losses of the rows,
computed from the parameters: autograd knows the way back. A gradient that a parameter brings along
from before does not count, and a parameter that the losses do not depend on stays where it is.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def sgd_step(parameters: Sequence[Tensor], losses: Tensor, rate: float) -> None:
    """Move `parameters`, leaves that require gradients, by the losses (batch,) of a minibatch."""
    # --- solution ---
    for parameter in parameters:
        parameter.grad = None
    losses.mean().backward()
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter -= rate * parameter.grad
    # --- end ---


# --- checks ---
from itertools import combinations
from typing import Any

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor

INPUTS, TARGETS = tensor([[1, 2], [0, 1], [-1, 3], [2, 0]]), tensor([1, -1, 0, 3])


def a_line() -> list[Tensor]:
    """Weight and bias of a linear model."""
    return [tensor([0.5, -1]).requires_grad_(), tensor(0.25).requires_grad_()]


def half_squares(parameters: Sequence[Tensor], rows: Sequence[int]) -> Tensor:
    """Half the squared error of each row: its gradient is the error times the input."""
    weight, bias = parameters
    wanted = list(rows)
    return (INPUTS[wanted] @ weight + bias - TARGETS[wanted]) ** 2 / 2


def after(answer: Any, rows: Sequence[int], rate: float = 0.1) -> list[Tensor]:
    """Weight and bias after one step by these rows."""
    parameters = a_line()
    answer.sgd_step(parameters, half_squares(parameters, rows), rate)
    return [p.detach() for p in parameters]


def one_row(answer: Any) -> Any:
    """A batch of one row moves weight and bias against the gradient of its loss."""
    weight, bias = after(answer, [0])
    return {"weight": weight, "bias": bias}


def by_hand() -> Any:
    """Error 0.5 - 2 + 0.25 - 1 = -2.25; a tenth of it, times the input (1, 2), is added."""
    return {"weight": tensor([0.5 + 0.225, -1 + 0.45]), "bias": tensor(0.25 + 0.225)}


def batch(answer: Any) -> Any:
    """A batch moves them by the mean of its rows' gradients."""
    weight, bias = after(answer, [0, 1, 2])
    return {"weight": weight, "bias": bias}


def any_size(answer: Any) -> Any:
    """A batch in which every row comes five times gives the same step."""
    weight, bias = after(answer, [1, 3] * 5)
    return {"weight": weight, "bias": bias}


def right_on_average(answer: Any) -> Any:
    """Over all batches of two out of four rows, the mean step is that of all rows at once."""
    steps = [after(answer, pair) for pair in combinations(range(4), 2)]
    weights, biases = zip(*steps, strict=True)
    return {"mean weight": sum(weights) / len(steps), "mean bias": sum(biases) / len(steps)}


def all_rows() -> Any:
    """Least squares: the gradient is X^T (X w + b - t) / n."""
    weight, bias = (p.detach() for p in a_line())
    error = INPUTS @ weight + bias - TARGETS
    return {
        "mean weight": weight - 0.1 * INPUTS.T @ error / 4,
        "mean bias": bias - 0.1 * error.mean(),
    }


def old_gradients(answer: Any) -> Any:
    """What a parameter brings along as gradient does not count."""
    parameters = a_line()
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, 100.0)
    answer.sgd_step(parameters, half_squares(parameters, [0, 2]), 0.1)
    return {"parameters": [p.detach() for p in parameters]}


def not_used(answer: Any) -> Any:
    """A parameter that the losses do not depend on stays, and does no harm."""
    parameters, other = a_line(), normal(2).requires_grad_()
    answer.sgd_step([other, *parameters], half_squares(parameters, [0, 2]), 0.1)
    return {"other": other.detach(), "parameters": [p.detach() for p in parameters]}


def many_steps(answer: Any) -> Any:
    """The parameters stay leaves that require gradients: step follows step."""
    parameters = a_line()
    for i in range(5):
        answer.sgd_step(parameters, half_squares(parameters, [i % 4, (i + 1) % 4]), 0.2)
    leaves = [p.is_leaf for p in parameters]
    return {"parameters": parameters, "leaves": leaves}


class Torch:
    """The same by torch.optim.SGD."""

    @staticmethod
    def sgd_step(parameters: Sequence[Tensor], losses: Tensor, rate: float) -> None:
        """As in the task."""
        optimizer = torch.optim.SGD(parameters, lr=rate)
        optimizer.zero_grad()
        losses.mean().backward()
        optimizer.step()


def row_by_row(parameters: Sequence[Tensor], losses: Tensor, rate: float) -> None:
    """Right as well: each row's gradient on its own, by autograd.grad."""
    rows = [
        torch.autograd.grad(
            loss, list(parameters), retain_graph=True, allow_unused=True, materialize_grads=True
        )
        for loss in losses
    ]
    for parameter, gradients in zip(parameters, zip(*rows, strict=True), strict=True):
        parameter.data = parameter.data - rate * torch.stack(gradients).mean(dim=0)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Two steps from old gradients, with any batch and rate."""
    parameters = [p.detach().requires_grad_() for p in torch.randn(3, 4, generator=generator)]
    for _ in range(2):
        x = torch.randn(int(torch.randint(1, 5, (1,), generator=generator)), 4, generator=generator)
        losses = (x @ parameters[0] + x.cos() @ parameters[1]) ** 2
        answer.sgd_step(parameters, losses, float(torch.rand(1, generator=generator)))
    return {"parameters": parameters}


OVER_ALL = "no_grad():\n    for parameter in parameters:"

exercise = Exercise(
    area="optimizers",
    needs=["training-loop"],
    lab="minibatch",
    minutes=10,
    hints=[
        "losses.mean().backward() puts the mean gradient of the rows into each parameter's .grad: "
        "it adds to what is there, so forget that first.",
        "A leaf that requires gradients may be changed in place only `with torch.no_grad():`; the "
        "step itself is not part of the model.",
        "`p = p - ...` gives the name p to a new tensor; `p -= ...` changes the tensor itself. A "
        "parameter that was not used has .grad None.",
    ],
    tasks={
        "One step": [Check(one_row, by_hand), batch],
        "A mean": [any_size, Check(right_on_average, all_rows)],
        "With other parameters and steps": [old_gradients, not_used, many_steps],
    },
    oracle={"sgd_step": Torch.sgd_step},
    alternative={"sgd_step": row_by_row},
    sample=at_random,
    wrong=[
        Wrong(
            {"losses.mean()": "losses.sum()"},
            "The gradients of the rows are added up, not averaged: a batch twice as large takes "
            "steps twice as long, and needs another rate.",
        ),
        Wrong(
            {"losses.mean()": "losses[0]"},
            "Only the first row of the batch counts: the others were computed for nothing.",
        ),
        Wrong(
            {"parameter -= rate": "parameter += rate"},
            "The step goes uphill: the gradient points to where the loss grows, so it is "
            "subtracted.",
        ),
        Wrong(
            {"parameter -= rate * parameter.grad": "parameter = parameter - rate * parameter.grad"},
            "The moved parameter is a new tensor that nobody sees: the model's own stays where it "
            "was. Change it in place.",
        ),
        Wrong(
            {"with torch.no_grad():": "if True:"},
            "The step is taken as part of the graph, and PyTorch refuses to change a leaf like "
            "that. Take it under torch.no_grad().",
        ),
        Wrong(
            {"parameter.grad = None": "pass"},
            "The old gradients are not forgotten: backward adds to them, and the step goes by the "
            "sum.",
        ),
        Wrong(
            {"if parameter.grad is not None:": "if True:"},
            "A parameter that the losses do not depend on has no gradient, .grad is None, and the "
            "step fails there. Leave it out.",
        ),
        Wrong(
            {OVER_ALL: OVER_ALL.replace("in parameters", "in parameters[:1]")},
            "Only the first parameter moves: the step is for all of them.",
        ),
        Wrong(
            {"parameter -= rate * parameter.grad": "parameter -= rate * parameter.grad.sign()"},
            "Only the sign of the gradient counts: all steps are equally long, also where the "
            "slope is gentle.",
        ),
        Wrong(
            {"rate * parameter.grad": "rate * parameter.grad / parameter.grad.norm()"},
            "The gradient is brought to length 1 first: the steps do not become shorter near the "
            "minimum. Subtract the gradient as it is.",
        ),
    ],
)

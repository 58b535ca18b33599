"""Momentum: a step that remembers the steps before it.

Plain gradient descent looks at the present gradient only. With momentum it also keeps a velocity,
a running sum of the gradients so far, in which the older ones fade:

    velocity  <-  momentum * velocity + gradient
    weight    <-  weight - rate * velocity

Write one such step. The optimizer keeps the two tensors, so change them in place.
"""

from torch import Tensor


def momentum_step(
    weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float
) -> None:
    """Change `velocity`, then `weight`, in place. All three tensors have the same shape."""
    # --- solution ---
    velocity.mul_(momentum).add_(gradient)
    weight.sub_(rate * velocity)
    # --- end ---


# --- checks ---
from typing import Any

import torch

from pilotlight.practice.exercise import Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def steps(answer: Any, weight: Tensor, gradients: Tensor, rate: float, momentum: float) -> Any:
    """Take one step for each gradient, from rest."""
    velocity = torch.zeros_like(weight)
    for gradient in gradients:
        answer.momentum_step(weight, gradient, velocity, rate, momentum)
    return {"weight": weight, "velocity": velocity}


def from_rest(answer: Any) -> Any:
    """From rest, the first step is that of plain gradient descent."""
    return steps(answer, tensor([1, -2, 3]), tensor([[0.5, 1, -1]]), 0.1, 0.9)


def remembers(answer: Any) -> Any:
    """The second step goes on in the direction of the first, less far."""
    return steps(answer, tensor([1, -2]), tensor([[1, 4], [0, 0]]), 0.1, 0.5)


def fades(answer: Any) -> Any:
    """After fifty steps the gradients at the start hardly count any more."""
    return steps(answer, normal(2, 3), normal(50, 2, 3, seed=1), 0.03, 0.8)


def without(answer: Any) -> Any:
    """With momentum 0 every step is that of plain gradient descent."""
    return {"weight": steps(answer, normal(4), normal(3, 4, seed=1), 0.2, 0.0)["weight"]}


def gradient_stays(answer: Any) -> Any:
    """The gradient is read, not changed: the optimizer does not own it."""
    gradient, velocity = tensor([1, 2]), tensor([3, 4])
    returned = answer.momentum_step(tensor([0, 0]), gradient, velocity, 0.1, 0.9)
    return {"gradient": gradient, "returned": returned}


def torch_step(
    weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float
) -> None:
    """The same by torch.optim.SGD."""
    optimizer = torch.optim.SGD([weight], lr=rate, momentum=momentum)
    optimizer.state[weight]["momentum_buffer"] = velocity
    weight.grad = gradient.clone()
    optimizer.step()
    weight.grad = None


def one_by_one(
    weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float
) -> None:
    """The same, number by number."""
    for i in range(weight.numel()):
        v = momentum * velocity.view(-1)[i] + gradient.reshape(-1)[i]
        velocity.view(-1)[i] = v
        weight.view(-1)[i] -= rate * v


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Three steps with any rate and momentum."""
    rate, momentum = torch.rand(2, generator=generator).tolist()
    drawn = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    return steps(answer, drawn[0].clone(), drawn[1:], rate, momentum)


VELOCITY = "velocity.mul_(momentum).add_(gradient)"

exercise = Exercise(
    area="optimizers",
    needs=["sgd"],
    lab="momentum",
    minutes=10,
    hints=[
        "Two lines are enough: first the velocity, then the weight, as in the formulas.",
        "`x = x + 1` gives the name x to a new tensor; the caller's tensor stays as it was. "
        "`x += 1`, `x.add_(1)` and `x.copy_(...)` change the tensor itself.",
        "velocity.mul_(momentum) fades the old velocity. What is added to it then?",
    ],
    tasks={
        "One step": [from_rest, gradient_stays],
        "Step after step": [remembers, without, fades],
    },
    oracle={"momentum_step": torch_step},
    alternative={"momentum_step": one_by_one},
    sample=at_random,
    wrong=[
        Wrong(
            {"weight.sub_(": "weight.add_("},
            "The step goes uphill: the gradient points to where the loss grows, so it is "
            "subtracted.",
        ),
        Wrong(
            {".add_(gradient)": ".add_((1 - momentum) * gradient)"},
            "The gradient is weighted by 1 - momentum: that is an average of gradients, and its "
            "steps are shorter by that factor. Momentum adds the whole gradient.",
        ),
        Wrong(
            {VELOCITY: "velocity = momentum * velocity + gradient"},
            "The new velocity is a new tensor: the caller's stays at rest, and every step forgets "
            "the ones before it. Change it in place.",
        ),
        Wrong(
            {"weight.sub_(rate * velocity)": "weight = weight - rate * velocity"},
            "The new weight is a new tensor that nobody sees: the caller's weight has not moved. "
            "Change it in place.",
        ),
        Wrong(
            {"weight.sub_(rate * velocity)": "weight.sub_(rate * gradient)"},
            "The weight moves by the gradient, not by the velocity: that is plain gradient "
            "descent, and the velocity is for nothing.",
        ),
        Wrong(
            {
                VELOCITY: "weight.sub_(rate * velocity)",
                "weight.sub_(rate * velocity)": VELOCITY,
            },
            "The weight moves by the old velocity: each step comes one gradient too late. Update "
            "the velocity first.",
        ),
        Wrong(
            {".add_(gradient)": ".add_(rate * gradient)"},
            "The rate counts twice, in the velocity and in the step.",
        ),
        Wrong(
            {".mul_(momentum)": ""},
            "The old velocity does not fade: without the factor momentum it grows for ever.",
        ),
        Wrong(
            {".mul_(momentum)": ".mul_(1 - momentum)"},
            "The old velocity is kept by 1 - momentum. At 0.9 nine tenths of it are to stay.",
        ),
        Wrong(
            {VELOCITY: "velocity.copy_(gradient.add_(velocity, alpha=momentum))"},
            "The gradient itself was changed. It belongs to the caller: change the velocity only.",
        ),
    ],
)

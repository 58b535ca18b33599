"""Gradient clipping by the global norm.

Where a loss has a cliff, as recurrent networks have many, the gradient is suddenly a thousand times
as long as usual, and one step throws away what a thousand steps have learned. Clipping limits its
length. All gradients of the network are seen as one long vector, and where that is longer than
`most`, all of them are multiplied by the same factor:

    norm      =  sqrt( sum of the squares of all numbers in all gradients )
    gradient  <-  gradient * most / norm     where norm is above most

One factor for all: so the vector becomes shorter, but keeps its direction. Cut tensor by tensor, or
number by number, it would point somewhere else.

Write it. It is called between loss.backward() and optimizer.step(), as a rule with
model.parameters(), which can be gone through only once. A parameter without a gradient (its .grad
is None) is left out.
"""

import math
from collections.abc import Iterable

from torch import Tensor


def clip_gradients(parameters: Iterable[Tensor], most: float) -> float:
    """Limit the global norm of the gradients to `most`, above 0; return what it was before."""
    # --- solution ---
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))
    if norm > most:
        for gradient in gradients:
            gradient.mul_(most / norm)
    return norm
    # --- end ---


# --- checks ---
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.utils import clip_grad_norm_

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor

NEARLY = 1e-5
"""Torch divides by norm + 1e-6, and who does the same is right as well."""


def with_gradients(gradients: Sequence[Tensor | None]) -> list[Tensor]:
    """Parameters that have these gradients, and are themselves something else."""
    made = []
    for seed, gradient in enumerate(gradients):
        shape = (1,) if gradient is None else gradient.shape
        made.append(7 * normal(*shape, seed=50 + seed))
        made[-1].requires_grad_().grad = None if gradient is None else gradient.clone()
    return made


def clipped(answer: Any, gradients: Sequence[Tensor | None], most: float) -> Any:
    """What is returned, and the gradients after it."""
    parameters = with_gradients(gradients)
    returned = answer.clip_gradients(parameters, most)
    return {"returned": returned, "gradients": [p.grad for p in parameters]}


def one_tensor(answer: Any) -> Any:
    """The gradient (100, 100) is limited to length 1: each number becomes 1 / sqrt(2)."""
    return clipped(answer, [tensor([100, 100])], 1.0)


def by_hand() -> Any:
    """Its length was 100 sqrt(2)."""
    return {"returned": 100 * math.sqrt(2), "gradients": [tensor([1, 1]) / math.sqrt(2)]}


def several(answer: Any) -> Any:
    """The gradients of several parameters are shortened by one factor, as one long vector."""
    return clipped(answer, [normal(2, 3), normal(4, seed=1), 10 * normal(1, seed=2)], 3.0)


def three_and_four(answer: Any) -> Any:
    """Gradients of length 3 and 4 have together the length 5: a limit of 2.5 halves both."""
    gradients = tensor([3, 0]), tensor([[0], [-4]])
    return {str(most): clipped(answer, gradients, most) for most in (5.0, 2.5)}


def short(answer: Any) -> Any:
    """Gradients that are short enough stay as they are, and are not made longer."""
    return clipped(answer, [0.1 * normal(3), 0.1 * normal(2, seed=1)], 10.0)


def zero(answer: Any) -> Any:
    """Where all gradients are 0 they stay 0."""
    return clipped(answer, [tensor([0, 0]), tensor([0])], 1.0)


def none(answer: Any) -> Any:
    """A parameter without a gradient is left out."""
    return clipped(answer, [None, tensor([30, 40]), None], 10.0)


def no_list(answer: Any) -> Any:
    """The parameters may come one after another, as from model.parameters()."""
    parameters = with_gradients([tensor([6]), tensor([8])])
    returned = answer.clip_gradients(iter(parameters), 5.0)
    return {"returned": returned, "gradients": [p.grad for p in parameters]}


def weights_stay(answer: Any) -> Any:
    """The parameters themselves do not change: only the step after it moves them."""
    parameters = with_gradients([tensor([60]), tensor([80])])
    answer.clip_gradients(parameters, 5.0)
    return {"parameters": [p.detach() for p in parameters]}


class Torch:
    """The same by torch."""

    @staticmethod
    def clip_gradients(parameters: Iterable[Tensor], most: float) -> float:
        """As in the task."""
        return clip_grad_norm_(parameters, most).item()


def as_one_vector(parameters: Iterable[Tensor], most: float) -> float:
    """Right as well: the long vector is made, and the factor is never above 1."""
    found = [p for p in parameters if p.grad is not None]
    vector = torch.cat([p.grad.flatten() for p in found if p.grad is not None])
    norm = float(torch.linalg.vector_norm(vector))
    for p in found:
        p.grad = p.grad * min(1.0, most / (norm + 1e-6)) if p.grad is not None else None
    return norm


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any gradients, about as long as the limit."""
    gradients = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    return clipped(answer, [*gradients, None], float(torch.rand(1, generator=generator)) * 7)


GRADIENTS = "[p.grad for p in parameters if p.grad is not None]"
NORM = "math.sqrt(sum(g.square().sum().item() for g in gradients))"
LOOP = "for gradient in gradients:\n    gradient.mul_(most / norm)"
AGAIN = "for p in parameters:\n    if p.grad is not None:\n        p.grad.mul_(most / norm)"

exercise = Exercise(
    area="training",
    needs=["training-loop"],
    minutes=10,
    hints=[
        "Put the gradients into a list first: you need them twice, for the norm and for the "
        "factor, and parameters may be gone through only once.",
        "The norm is not the sum of the tensors' norms: add up the squares of all numbers, over "
        "all tensors, then take one root.",
        "gradient.mul_(factor) changes a gradient in place. Only where norm > most: otherwise "
        "short gradients would be made longer.",
    ],
    tasks={
        "One gradient": [Check(one_tensor, by_hand, within=NEARLY)],
        "Several": [Check(several, within=NEARLY), Check(three_and_four, within=NEARLY)],
        "When to leave them": [short, zero],
        "In a network": [Check(none, within=NEARLY), Check(no_list, within=NEARLY), weights_stay],
    },
    oracle={"clip_gradients": Torch.clip_gradients},
    alternative={"clip_gradients": as_one_vector},
    sample=at_random,
    wrong=[
        Wrong(
            {LOOP: "for gradient in gradients:\n    gradient.mul_(min(1, most / gradient.norm()))"},
            "Each tensor is clipped on its own: long gradients shrink and short ones stay, so the "
            "step points somewhere else. One factor for all, from the global norm.",
        ),
        Wrong(
            {LOOP: "for gradient in gradients:\n    gradient.clamp_(-most, most)"},
            "Each number is cut off at the limit: the vector points somewhere else then, and may "
            "still be too long. Multiply all by one factor.",
        ),
        Wrong(
            {"if norm > most:": "if True:"},
            "Short gradients are made longer: near a minimum the steps would never become short. "
            "Only a norm above the limit is changed.",
        ),
        Wrong(
            {NORM: "sum(g.norm().item() for g in gradients)"},
            "The norms of the tensors are added up: lengths 3 and 4 make 5, not 7. Add up the "
            "squares and take one root.",
        ),
        Wrong(
            {NORM: "max(g.norm().item() for g in gradients)"},
            "The longest tensor alone decides: all of them together are longer. Add up the squares "
            "of all numbers.",
        ),
        Wrong(
            {NORM: "sum(g.square().sum().item() for g in gradients)"},
            "The root is missing: this is the square of the norm.",
        ),
        Wrong(
            {"p.grad for p in parameters if p.grad is not None": "p.grad for p in parameters"},
            "A parameter without a gradient is not left out: its .grad is None, and None has no "
            "square.",
        ),
        Wrong(
            {LOOP: AGAIN},
            "The parameters are gone through twice: model.parameters() has nothing left the second "
            "time, and nothing is clipped. Put what you need into a list.",
        ),
        Wrong(
            {GRADIENTS: GRADIENTS.replace("p.grad for", "p.data for")},
            "The weights themselves are limited, and the gradients stay as long as they were: take "
            "p.grad.",
        ),
        Wrong(
            {"most / norm": "norm / most"},
            "The factor is upside down: gradients that are too long are made longer still.",
        ),
        Wrong(
            {"return norm": "return min(norm, most)"},
            "What is returned is the norm after clipping: it can never be above the limit, and "
            "would not show that something exploded. Return what it was before.",
        ),
        Wrong(
            {"gradient.mul_(most / norm)": "gradient = gradient * (most / norm)"},
            "The shortened gradient is a new tensor that nobody sees: .grad stays as long as it "
            "was. Change it in place.",
        ),
    ],
)

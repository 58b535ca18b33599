"""L1 by the soft threshold: weights that are exactly 0.

The L1 penalty, strength * (sum of |weight|), is there to find the few weights that matter: all
others are to become 0. Put into the loss it does not do that. Its slope is +strength or -strength
right up to 0, so the steps jump to and fro across 0, and no weight ever comes to lie on it.

The proximal step does the two things one after the other. First a plain step by the gradient of
the loss alone, then each weight is drawn towards 0 by rate * strength; what would cross 0 stops
there:

    soft(x, threshold)  =  x - threshold  where x is above threshold
                           x + threshold  where x is below -threshold
                           0              between

    weight  <-  soft(weight - rate * gradient, rate * strength)

Write both: the function, and the step, which changes the weight in place.
"""

import torch
from torch import Tensor


def soft_threshold(x: Tensor, threshold: float) -> Tensor:
    """Each number of `x`, of any shape, drawn towards 0 by `threshold`, 0 or more."""
    # --- solution ---
    return x.sign() * (x.abs() - threshold).clamp(min=0)
    # --- end ---


def proximal_step(weight: Tensor, gradient: Tensor, rate: float, strength: float) -> None:
    """Change `weight` in place; `gradient` is that of the loss without the penalty."""
    # --- solution ---
    weight.copy_(soft_threshold(weight - rate * gradient, rate * strength))
    # --- end ---


# --- checks ---
from typing import Any

from torch.nn.functional import softshrink

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def by_hand(answer: Any) -> Any:
    """With threshold 1, 3 becomes 2 and -3 becomes -2; what is no larger than 1 becomes 0."""
    return {"result": answer.soft_threshold(tensor([-3, -1, -0.5, 0, 0.5, 1, 3]), 1.0)}


def shapes(answer: Any) -> Any:
    """Shape and dtype stay, and what went in is not changed."""
    x = normal(2, 3, 4).float()
    before = x.clone()
    return {"result": answer.soft_threshold(x, 0.4), "x unchanged": bool((x == before).all())}


def nothing(answer: Any) -> Any:
    """With threshold 0 everything stays as it is."""
    return {"result": answer.soft_threshold(tensor([-2, 0, 0.1]), 0.0)}


def one_step(answer: Any) -> Any:
    """The weight takes its step by the gradient, then it is drawn towards 0 by rate * strength."""
    weight = tensor([1, -1, 0.1, -0.1, 0])
    returned = answer.proximal_step(weight, tensor([2, 2, 0, 1, -4]), 0.1, 2.0)
    return {"weight": weight, "returned": returned}


def step_by_hand() -> Any:
    """After the plain step: 0.8, -1.2, 0.1, -0.2, 0.4. The threshold is 0.2."""
    return {"weight": tensor([0.6, -1, 0, 0, 0.2]), "returned": None}


def no_penalty(answer: Any) -> Any:
    """With strength 0 it is a step of plain gradient descent."""
    weight = normal(5)
    answer.proximal_step(weight, normal(5, seed=1), 0.3, 0.0)
    return {"weight": weight}


def a_problem() -> tuple[Tensor, Tensor]:
    """Inputs with orthogonal columns of mean square 1; targets from two weights of six."""
    inputs = torch.linalg.qr(normal(40, 6))[0] * 40**0.5
    return inputs, inputs @ tensor([2, 0, 0, -1.5, 0, 0]) + 0.3 * normal(40, seed=1)


def fitted(answer: Any, rate: float) -> Tensor:
    """The weights after a hundred proximal steps on half the mean squared error."""
    inputs, targets = a_problem()
    weight = normal(6, seed=2)
    for _ in range(100):
        gradient = inputs.T @ (inputs @ weight - targets) / len(targets)
        answer.proximal_step(weight, gradient, rate, 0.25)
    return weight


def finds(answer: Any) -> Any:
    """Step after step it finds the two weights that matter; the other four are exactly 0."""
    weight = fitted(answer, 0.5)
    return {"weight": weight, "exactly 0": int((weight == 0).sum())}


def least_squares() -> dict[str, Any]:
    """With orthogonal inputs the minimum is the least squares solution, each weight drawn to 0."""
    inputs, targets = a_problem()
    plain = torch.linalg.lstsq(inputs, targets[:, None]).solution[:, 0]
    return {"weight": softshrink(plain, 0.25), "exactly 0": 4}


def any_rate(answer: Any) -> Any:
    """Where it ends does not depend on the rate."""
    return {"weight": fitted(answer, 0.2)}


def torch_step(weight: Tensor, gradient: Tensor, rate: float, strength: float) -> None:
    """The same by torch's softshrink."""
    weight.sub_(rate * gradient)
    weight.copy_(softshrink(weight, rate * strength))


def by_cutting(x: Tensor, threshold: float) -> Tensor:
    """Right as well: what lies within the threshold is taken away."""
    return x - x.clamp(-threshold, threshold)


def in_two_halves(weight: Tensor, gradient: Tensor, rate: float, strength: float) -> None:
    """Right as well: the two signs apart."""
    weight.add_(gradient, alpha=-rate)
    above = (weight - rate * strength).relu()
    below = (-weight - rate * strength).relu()
    weight.copy_(above - below)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any weights, rate and strength."""
    weight, gradient = torch.randn(2, 8, generator=generator, dtype=torch.float64)
    rate, strength = torch.rand(2, generator=generator).tolist()
    result = answer.soft_threshold(weight, strength)
    answer.proximal_step(weight, gradient, rate, strength)
    return {"result": result, "weight": weight}


STEP = "weight.copy_(soft_threshold(weight - rate * gradient, rate * strength))"

exercise = Exercise(
    area="regularization",
    needs=["weight-penalty"],
    lab="weight-penalty",
    minutes=10,
    hints=[
        "|x| - threshold is how much is left of a number's size; below 0 nothing is left. The sign "
        "it keeps.",
        ".clamp(min=0) makes 0 of everything below. x.sign() is -1, 0 or 1.",
        "The step is one line with soft_threshold in it. weight.copy_(...) writes into the tensor "
        "that you were given.",
    ],
    tasks={
        "The function": [by_hand, shapes, nothing],
        "The step": [Check(one_step, step_by_hand), no_penalty],
        "Step after step": [
            Check(finds, least_squares),
            Check(any_rate, lambda: {"weight": least_squares()["weight"]}),
        ],
    },
    oracle={"soft_threshold": softshrink, "proximal_step": torch_step},
    alternative={"soft_threshold": by_cutting, "proximal_step": in_two_halves},
    sample=at_random,
    wrong=[
        Wrong(
            {"x.sign() * (x.abs() - threshold).clamp(min=0)": "x * (x.abs() > threshold)"},
            "This is the hard threshold: small numbers become 0, but large ones are not drawn "
            "towards 0. The L1 penalty draws on all of them.",
        ),
        Wrong(
            {".clamp(min=0)": ""},
            "What is smaller than the threshold crosses 0 and comes out with the other sign: stop "
            "at 0.",
        ),
        Wrong(
            {"x.sign() * (x.abs() - threshold)": "(x - threshold)"},
            "All negative numbers become 0: they are to be drawn towards 0 from below.",
        ),
        Wrong(
            {"x.sign() * ": ""},
            "The sign is lost: negative numbers come out positive.",
        ),
        Wrong(
            {"x.sign() * (x.abs() - threshold).clamp(min=0)": "x.clamp(-threshold, threshold)"},
            "Numbers are cut off at the threshold: small ones stay and large ones shrink. It is "
            "the other way round, x minus that.",
        ),
        Wrong(
            {"x.sign() * (x.abs() - threshold).clamp(min=0)": "x / (1 + threshold)"},
            "All numbers shrink by the same factor: that is the proximal step of L2, and nothing "
            "becomes 0.",
        ),
        Wrong(
            {"(x.abs() - threshold)": "x.abs_().sub_(threshold)"},
            "What went in was changed in place: it belongs to the caller.",
        ),
        Wrong(
            {"rate * strength": "strength"},
            "The threshold is the strength itself: with short steps the penalty would be far too "
            "strong. A step of the rate draws by rate * strength.",
        ),
        Wrong(
            {STEP: "weight.copy_(soft_threshold(weight, rate * strength) - rate * gradient)"},
            "The weight is drawn to 0 first and takes its step then: that carries it off 0 again. "
            "First the step.",
        ),
        Wrong(
            {STEP: "weight.sub_(rate * (gradient + strength * weight.sign()))"},
            "The slope of the penalty was added to the gradient: the weights jump to and fro "
            "across 0 and never lie on it. Use the soft threshold.",
        ),
        Wrong(
            {"weight - rate * gradient": "weight + rate * gradient"},
            "The step goes uphill: the gradient points to where the loss grows, so it is "
            "subtracted.",
        ),
        Wrong(
            {STEP: "weight = soft_threshold(weight - rate * gradient, rate * strength)"},
            "The new weight is a new tensor that nobody sees: the caller's weight has not moved. "
            "Change it in place.",
        ),
    ],
)

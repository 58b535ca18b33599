"""RMSprop: a step size for every weight.

One rate for all weights is hard to find: where one weight's gradients are a thousand times larger
than another's, a step that is right for the first hardly moves the second. RMSprop divides each
gradient by its own usual size, the root of a running mean of its squares:

    square  <-  decay * square + (1 - decay) * gradient^2
    weight  <-  weight - rate * gradient / (sqrt(square) + epsilon)

All of it number by number: each has a running mean of its own. epsilon keeps the step finite where
all gradients so far were 0. Write one such step. The optimizer keeps the two tensors, so change
them in place.
"""

from torch import Tensor


def rmsprop_step(
    weight: Tensor, gradient: Tensor, square: Tensor, rate: float, decay: float, epsilon: float
) -> None:
    """Change `square`, then `weight`, in place. All three tensors have the same shape."""
    # --- solution ---
    square.mul_(decay).add_((1 - decay) * gradient**2)
    weight.sub_(rate * gradient / (square.sqrt() + epsilon))
    # --- end ---


# --- checks ---
from typing import Any

import torch

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def steps(
    answer: Any, weight: Tensor, gradients: Tensor, decay: float = 0.9, epsilon: float = 1e-8
) -> Any:
    """Take one step at rate 0.1 for each gradient, from rest."""
    square = torch.zeros_like(weight)
    for gradient in gradients:
        answer.rmsprop_step(weight, gradient, square, 0.1, decay, epsilon)
    return {"weight": weight, "square": square}


def first_step(answer: Any) -> Any:
    """From rest the first step has the length rate / sqrt(1 - decay), whatever the gradient."""
    moved = steps(answer, tensor([0, 0, 0]), tensor([[1e-3, -1, 1e3]]), decay=0.75, epsilon=0.0)
    return {"weight": moved["weight"]}


def twice_the_rate() -> Any:
    """1 / sqrt(1 - 0.75) is 2: two tenths, against the gradient."""
    return {"weight": tensor([-0.2, 0.2, -0.2])}


def running_mean(answer: Any) -> Any:
    """After two steps `square` holds the new square by 1 - decay, the older one faded by decay."""
    moved = steps(answer, tensor([1, 2]), tensor([[2, -3], [1, 0]]), decay=0.8)
    return {"square": moved["square"]}


def faded() -> Any:
    """0.8 * 0.2 * 4 + 0.2 * 1, and 0.8 * 0.2 * 9."""
    return {"square": tensor([0.84, 1.44])}


def gradient_stays(answer: Any) -> Any:
    """The gradient is read, not changed: the optimizer does not own it."""
    gradient = tensor([1, 2])
    returned = answer.rmsprop_step(tensor([0, 0]), gradient, tensor([3, 4]), 0.1, 0.9, 1e-8)
    return {"gradient": gradient, "returned": returned}


def many_steps(answer: Any) -> Any:
    """Step after step, weight and running mean are those of torch's RMSprop."""
    return steps(answer, normal(2, 3), normal(40, 2, 3, seed=1))


def each_its_own(answer: Any) -> Any:
    """Two weights whose gradients differ by a factor of a million take the same way."""
    gradients = normal(20, 1, seed=2) * tensor([1, 1e6])
    return {"weight": steps(answer, tensor([0, 0]), gradients, epsilon=0.0)["weight"]}


def small_gradients(answer: Any) -> Any:
    """epsilon is added to the root: gradients far smaller than epsilon hardly move the weight."""
    return steps(answer, tensor([0, 0]), tensor([[1e-4, 1e-6], [0, 2e-6]]), epsilon=1e-3)


def no_gradient(answer: Any) -> Any:
    """A weight whose gradient was always 0 stays where it is."""
    return steps(answer, tensor([1, 2]), tensor([[0, 1], [0, 2]]))


def torch_step(
    weight: Tensor, gradient: Tensor, square: Tensor, rate: float, decay: float, epsilon: float
) -> None:
    """The same by torch.optim.RMSprop."""
    optimizer = torch.optim.RMSprop([weight], lr=rate, alpha=decay, eps=epsilon)
    optimizer.state[weight].update(step=torch.tensor(1.0), square_avg=square)
    weight.grad = gradient.clone()
    optimizer.step()
    weight.grad = None


def one_by_one(
    weight: Tensor, gradient: Tensor, square: Tensor, rate: float, decay: float, epsilon: float
) -> None:
    """Right as well: number by number, the mean as a step towards the new square."""
    for w, g, s in zip(weight.view(-1), gradient.reshape(-1), square.view(-1), strict=True):
        s += (1 - decay) * (g * g - s)
        w -= rate / (s**0.5 + epsilon) * g


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Three steps with any decay and epsilon."""
    decay, epsilon = torch.rand(2, generator=generator).tolist()
    drawn = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    return steps(answer, drawn[0].clone(), drawn[1:], decay, epsilon)


SQUARE = "square.mul_(decay).add_((1 - decay) * gradient**2)"
STEP = "weight.sub_(rate * gradient / (square.sqrt() + epsilon))"

exercise = Exercise(
    area="optimizers",
    needs=["sgd"],
    lab="rmsprop",
    minutes=10,
    hints=[
        "Two lines are enough: first the running mean, then the weight, as in the formulas.",
        "`x = ...` gives the name x to a new tensor; x.mul_(...), x.add_(...), x.sub_(...) change "
        "the tensor itself. tensor.sqrt() takes the root of each number.",
        "square.mul_(decay) fades the old mean. What is added to it then? epsilon is added to the "
        "root, outside of it.",
    ],
    tasks={
        "One step": [Check(first_step, twice_the_rate), gradient_stays],
        "Step after step": [Check(running_mean, faded), many_steps],
        "What it does": [each_its_own, small_gradients, no_gradient],
    },
    oracle={"rmsprop_step": torch_step},
    alternative={"rmsprop_step": one_by_one},
    sample=at_random,
    wrong=[
        Wrong(
            {"weight.sub_(": "weight.add_("},
            "The step goes uphill: the gradient points to where the loss grows, so it is "
            "subtracted.",
        ),
        Wrong(
            {"square.sqrt()": "square"},
            "The gradient is divided by its mean square, not by the root of it: large gradients "
            "would take tiny steps and small ones huge steps.",
        ),
        Wrong(
            {"square.sqrt() + epsilon": "(square + epsilon).sqrt()"},
            "epsilon is under the root: there 1e-8 counts as 1e-4. PyTorch adds it to the root.",
        ),
        Wrong(
            {" + epsilon": ""},
            "epsilon is missing: where all gradients so far were 0, it is 0 / 0, and the weight "
            "becomes nan.",
        ),
        Wrong(
            {"(1 - decay) * gradient**2": "gradient**2"},
            "The new square is added in full: that is a sum, not a mean, and all steps come out "
            "too short. Weight it by 1 - decay.",
        ),
        Wrong(
            {"mul_(decay)": "mul_(1 - decay)", "(1 - decay) *": "decay *"},
            "decay and 1 - decay are the wrong way round: at 0.9 nine tenths of the old mean are "
            "to stay.",
        ),
        Wrong(
            {"gradient**2": "gradient"},
            "The running mean is of the gradients, not of their squares: where they change sign, "
            "the root has no value.",
        ),
        Wrong(
            {"gradient**2": "gradient.square().mean()"},
            "All weights share one running mean: a weight with small gradients is divided by the "
            "size of the others'. Each number has its own.",
        ),
        Wrong(
            {SQUARE: STEP, STEP: SQUARE},
            "The weight moves by the old running mean: the first step is divided by epsilon alone. "
            "Update the mean first.",
        ),
        Wrong(
            {SQUARE: "square = decay * square + (1 - decay) * gradient**2"},
            "The new running mean is a new tensor: the caller's stays at 0, and every step forgets "
            "the ones before it. Change it in place.",
        ),
        Wrong(
            {STEP: "weight = weight - rate * gradient / (square.sqrt() + epsilon)"},
            "The new weight is a new tensor that nobody sees: the caller's weight has not moved. "
            "Change it in place.",
        ),
        Wrong(
            {"rate * gradient / (": "gradient.mul_(rate) / ("},
            "The gradient itself was changed. It belongs to the caller: change the running mean "
            "and the weight only.",
        ),
        Wrong(
            {"mul_(decay)": "mul_(1)", "(1 - decay) *": "1 *"},
            "The squares are added up and never fade: that is Adagrad, whose steps become shorter "
            "for ever.",
        ),
    ],
)

"""Adam: momentum and a step size for every weight.

Adam keeps two running means, one of the gradients (as momentum does) and one of their squares (as
RMSprop does), and divides the first by the root of the second:

    mean    <-  beta1 * mean   + (1 - beta1) * gradient
    square  <-  beta2 * square + (1 - beta2) * gradient^2

    weight  <-  weight - rate * m / (sqrt(s) + epsilon)

    with  m = mean / (1 - beta1^step)   and   s = square / (1 - beta2^step)

Both means start at 0, so at first they are too small, and not by the same factor. Dividing by
1 - beta^step mends that (the bias correction); without it the first steps have the wrong length.

Write the step with number `step`, counted from 1. The optimizer keeps weight, mean and square, so
change them in place; m and s are for this step only.
"""

from torch import Tensor


def adam_step(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    step: int,
    rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """Change `mean` and `square`, then `weight`, in place. All four tensors have the same shape."""
    # --- solution ---
    mean.mul_(beta1).add_((1 - beta1) * gradient)
    square.mul_(beta2).add_((1 - beta2) * gradient**2)
    m = mean / (1 - beta1**step)
    s = square / (1 - beta2**step)
    weight.sub_(rate * m / (s.sqrt() + epsilon))
    # --- end ---


# --- checks ---
from typing import Any

import torch

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def steps(
    answer: Any,
    gradients: Tensor,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
) -> dict[str, Tensor]:
    """Take one step at rate 0.1 for each gradient, from rest."""
    weight, mean, square = torch.zeros(3, *gradients.shape[1:], dtype=torch.float64)
    for step, gradient in enumerate(gradients, 1):
        answer.adam_step(weight, gradient, mean, square, step, 0.1, *betas, epsilon)
    return {"weight": weight, "mean": mean, "square": square}


def first_step(answer: Any) -> Any:
    """The first step has the length `rate`, whatever the gradient and the betas."""
    gradients = tensor([[1e-3, -1, 1e3]])
    return {
        "usual betas": steps(answer, gradients, epsilon=0.0)["weight"],
        "others": steps(answer, gradients, (0.5, 0.2), 0.0)["weight"],
    }


def a_tenth() -> Any:
    """One rate, against the gradient."""
    return dict.fromkeys(("usual betas", "others"), tensor([-0.1, 0.1, -0.1]))


def running_means(answer: Any) -> Any:
    """The running means are kept as they are, uncorrected."""
    kept = steps(answer, tensor([[2, -3], [1, 0]]), (0.5, 0.8))
    return {"mean": kept["mean"], "square": kept["square"]}


def faded() -> Any:
    """The new value by 1 - beta, the older one by beta (1 - beta)."""
    return {"mean": tensor([1, -0.75]), "square": tensor([0.84, 1.44])}


def gradient_stays(answer: Any) -> Any:
    """The gradient is read, not changed: the optimizer does not own it."""
    gradient, mean, square = tensor([1, 2]), tensor([3, 4]), tensor([5, 6])
    parts = (tensor([0, 0]), gradient, mean, square)
    returned = answer.adam_step(*parts, 3, 0.1, 0.9, 0.999, 1e-8)
    return {"gradient": gradient, "returned": returned}


def many_steps(answer: Any) -> Any:
    """Step after step, the weight and both means are those of torch's Adam."""
    return steps(answer, normal(60, 2, 3, seed=1), (0.9, 0.99))


def same_way(answer: Any) -> Any:
    """A loss that is a million times as large gives the same way."""
    gradients = normal(20, 3, seed=2)
    return {
        "as it is": steps(answer, gradients, epsilon=0.0)["weight"],
        "a million times": steps(answer, 1e6 * gradients, epsilon=0.0)["weight"],
    }


def small_gradients(answer: Any) -> Any:
    """epsilon is added to the corrected root: it counts the same in the first steps and later."""
    return {"weight": steps(answer, tensor([[1e-4, 1e-6], [1e-4, -2e-6]]), epsilon=1e-3)["weight"]}


def torch_step(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    step: int,
    rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """The same by torch.optim.Adam."""
    optimizer = torch.optim.Adam([weight], lr=rate, betas=(beta1, beta2), eps=epsilon)
    done = torch.tensor(float(step - 1))
    optimizer.state[weight].update(step=done, exp_avg=mean, exp_avg_sq=square)
    weight.grad = gradient.clone()
    optimizer.step()
    weight.grad = None


def as_steps_towards(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    step: int,
    rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """Right as well: the means move towards what is new; the corrections are folded together."""
    mean.lerp_(gradient, 1 - beta1)
    square.copy_(torch.lerp(square, gradient * gradient, 1 - beta2))
    root = (1 - beta2**step) ** 0.5
    length = rate * root / (1 - beta1**step)
    weight.addcdiv_(mean, square.sqrt() + epsilon * root, value=-length)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Three steps with any betas and epsilon."""
    beta1, beta2, epsilon = torch.rand(3, generator=generator).tolist()
    gradients = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    return steps(answer, gradients, (beta1, beta2), epsilon)


MEAN = "mean.mul_(beta1).add_((1 - beta1) * gradient)"
SQUARE = "square.mul_(beta2).add_((1 - beta2) * gradient**2)"
STEP = "weight.sub_(rate * m / (s.sqrt() + epsilon))"
KERAS = "rate * m * (1 - beta2**step) ** 0.5 / (square.sqrt() + epsilon)"

exercise = Exercise(
    area="optimizers",
    needs=["momentum", "rmsprop"],
    lab="adam",
    minutes=15,
    hints=[
        "Five lines: mean, square, m, s, weight, each as in its formula.",
        "mean.mul_(beta1) fades the old mean in place. m and s are new tensors: `mean / ...` makes "
        "one, `mean.div_(...)` would change what is kept.",
        "beta^step is beta1**step in Python. epsilon is added to the root of s, outside of it.",
    ],
    tasks={
        "The running means": [Check(running_means, faded), gradient_stays],
        "The step": [Check(first_step, a_tenth), many_steps],
        "What it does": [same_way, small_gradients],
    },
    oracle={"adam_step": torch_step},
    alternative={"adam_step": as_steps_towards},
    sample=at_random,
    wrong=[
        Wrong(
            {" / (1 - beta1**step)": "", " / (1 - beta2**step)": ""},
            "There is no bias correction: both means start at 0, and the first steps come out "
            "about three times too long at the usual betas. Divide by 1 - beta^step.",
        ),
        Wrong(
            {" / (1 - beta2**step)": ""},
            "Only the mean is corrected, not the square: the root is too small at first, and the "
            "first steps are far too long.",
        ),
        Wrong(
            {" / (1 - beta1**step)": ""},
            "Only the square is corrected, not the mean: the first steps are far too short.",
        ),
        Wrong(
            {"beta1**step": "beta1", "beta2**step": "beta2"},
            "The correction is the same at every step: it has to fade as the means fill, so beta "
            "is raised to the power `step`.",
        ),
        Wrong(
            {"beta1**step": "beta1 ** (step - 1)", "beta2**step": "beta2 ** (step - 1)"},
            "The correction is one step behind: steps count from 1, so at the first one beta^step "
            "is beta, not 1.",
        ),
        Wrong(
            {"m = mean / (": "m = mean.div_(", "s = square / (": "s = square.div_("},
            "The corrected means were written into what is kept: they are corrected again at every "
            "step. m and s are for this step only.",
        ),
        Wrong(
            {STEP: f"weight.sub_({KERAS})"},
            "epsilon is added before the correction, as in Keras: in the first steps it counts for "
            "more. PyTorch adds it to the root of the corrected square.",
        ),
        Wrong(
            {"s.sqrt() + epsilon": "(s + epsilon).sqrt()"},
            "epsilon is under the root: there 1e-8 counts as 1e-4. PyTorch adds it to the root.",
        ),
        Wrong(
            {"s.sqrt()": "s"},
            "The mean is divided by s, not by its root: small gradients would take huge steps.",
        ),
        Wrong(
            {MEAN: MEAN.replace("beta1", "beta2"), SQUARE: SQUARE.replace("beta2", "beta1")},
            "beta1 and beta2 are the wrong way round: the gradients fade by beta1, their squares "
            "by beta2.",
        ),
        Wrong(
            {"weight.sub_(": "weight.add_("},
            "The step goes uphill: the gradient points to where the loss grows, so it is "
            "subtracted.",
        ),
        Wrong(
            {"rate * m": "rate * gradient"},
            "The weight moves by the gradient, not by the running mean: that is RMSprop with bias "
            "correction, and the mean is for nothing.",
        ),
        Wrong(
            {MEAN: "mean = beta1 * mean + (1 - beta1) * gradient"},
            "The new mean is a new tensor: the caller's stays at 0, and every step forgets the "
            "gradients before it. Change it in place.",
        ),
        Wrong(
            {MEAN: "mean.copy_(gradient.mul_(1 - beta1).add_(mean, alpha=beta1))"},
            "The gradient itself was changed. It belongs to the caller: change the means and the "
            "weight only.",
        ),
    ],
)

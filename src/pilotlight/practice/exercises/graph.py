"""A formula as a graph, forward and backward.

A network is one long formula, and training asks it for a gradient. The way to get one: take the
formula apart into simple steps, keep what each step gave on the way forward, and on the way back
multiply by the derivative of one step after another (the chain rule). Here is a formula of five
steps, for one number of x, y and z at a time:

    a = 2 * x * z     s = sin(y)     u = 1 + a / s     l = ln(u)     f = tanh(l)

Write `forward`, which keeps what is needed, and `backward`. To `backward` comes the gradient of
some loss by f; it returns the gradients of that loss by x, y and z. There is no autograd in NumPy:
this is what PyTorch does for you, done once by hand.
"""

import numpy as np


class Formula:
    """f(x, y, z) = tanh(ln(1 + z * 2x / sin(y))), for each number of the arrays."""

    def forward(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Arrays of one shape, float64, where 1 + z * 2x / sin(y) is above 0; returns f."""
        # --- solution ---
        self.x, self.y, self.z = x, y, z
        self.a = 2 * x * z
        self.s = np.sin(y)
        self.u = 1 + self.a / self.s
        self.f = np.tanh(np.log(self.u))
        return self.f
        # --- end ---

    def backward(self, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`gradient` is the loss's by f, at the last forward; returns those by x, y and z."""
        # --- solution ---
        by_l = gradient * (1 - self.f**2)
        by_u = by_l / self.u
        by_a = by_u / self.s
        by_s = by_u * -self.a / self.s**2
        return by_a * 2 * self.z, by_s * np.cos(self.y), by_a * 2 * self.x
        # --- end ---


# --- checks ---
from typing import Any

import torch
from torch import Tensor

from pilotlight.practice.exercise import Check, Exercise, Wrong

Arrays = tuple[np.ndarray, ...]


def points(count: int, seed: int = 0) -> list[np.ndarray]:
    """Points x, y, z where the formula has a value."""
    generator = np.random.default_rng(seed)
    return [generator.uniform(0.3, 1.8, size=count) for _ in range(3)]


def there_and_back(formula: Any, inputs: Any, gradient: np.ndarray) -> Any:
    """The value and the three gradients."""
    value = formula.forward(*inputs)
    return {"f": value} | named(formula.backward(gradient))


def named(gradients: Arrays) -> dict[str, np.ndarray]:
    """The gradients with their names."""
    return dict(zip(("df/dx", "df/dy", "df/dz"), gradients, strict=True))


def value(answer: Any) -> Any:
    """Forward gives the value of the formula."""
    return {"f": answer.Formula().forward(*points(4))}


def sizes(answer: Any) -> Any:
    """Arrays of any shape go in; the value and each gradient have their shape."""
    inputs = [p.reshape(2, 3) for p in points(6, seed=1)]
    return there_and_back(answer.Formula(), inputs, np.ones((2, 3)))


def by_formula(answer: Any) -> Any:
    """At x = y = z = 1 value and gradients are those that calculus on paper gives."""
    inputs = np.ones((3, 1))
    return there_and_back(answer.Formula(), inputs, np.ones(1))


def on_paper() -> Any:
    """tanh(ln u) = (u^2 - 1) / (u^2 + 1), and its derivative by u is 4u / (u^2 + 1)^2."""
    sine, cosine = np.sin(np.ones(1)), np.cos(np.ones(1))
    u = 1 + 2 / sine
    by_u = 4 * u / (u * u + 1) ** 2
    gradients = by_u * 2 / sine, by_u * -2 * cosine / (sine * sine), by_u * 2 / sine
    return {"f": (u * u - 1) / (u * u + 1)} | named(gradients)


def many_points(answer: Any) -> Any:
    """At points of all kinds, also where sin(y), x and z are negative, the gradients are right."""
    x, y, z = points(6, seed=2)
    signs = np.array([1, -1, 1, -1, 1, 1])
    inputs = (x * signs, y * np.array([1, 1, -1, -1, 1, 1]), z * np.array([1, -1, -1, 1, 1, 1]))
    return there_and_back(answer.Formula(), inputs, np.ones(6))


def goes_on(answer: Any) -> Any:
    """The gradient that comes from above is passed on: three times as much gives three times."""
    return there_and_back(answer.Formula(), points(3, seed=3), np.array([3.0, 0.0, -0.5]))


def its_own(answer: Any) -> Any:
    """Each formula goes back by what it kept itself, in its last forward."""
    first, second = answer.Formula(), answer.Formula()
    first.forward(*points(2, seed=4))
    first.forward(*points(2, seed=5))
    second.forward(*points(2, seed=6))
    return named(first.backward(np.ones(2)))


def twice(answer: Any) -> Any:
    """Nothing that goes in is changed, nor what was kept: going back again gives the same."""
    formula, inputs, gradient = answer.Formula(), points(2, seed=7), np.ones(2)
    formula.forward(*inputs)
    formula.backward(gradient)
    again = formula.backward(gradient)
    return {"inputs": inputs, "gradient from above": gradient} | named(again)


class ByAutograd:
    """The same by torch's autograd."""

    def forward(self, *inputs: np.ndarray) -> np.ndarray:
        self.inputs = [torch.tensor(i, requires_grad=True) for i in inputs]
        x, y, z = self.inputs
        self.f: Tensor = torch.tanh(torch.log(1 + z * 2 * x / torch.sin(y)))
        return self.f.detach().numpy().copy()

    def backward(self, gradient: np.ndarray) -> Arrays:
        above = torch.tensor(gradient)
        found = torch.autograd.grad(self.f, self.inputs, above, retain_graph=True)
        return tuple(g.numpy() for g in found)


class InOneGo:
    """Right as well: the local derivatives are multiplied on the way forward."""

    def forward(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        ratio = 2 * z * x / np.sin(y)
        above = 1 / np.cosh(np.log1p(ratio)) ** 2 / (1 + ratio)
        self.derivatives = (
            above * 2 * z / np.sin(y),
            -above * ratio / np.tan(y),
            above * 2 * x / np.sin(y),
        )
        return np.tanh(np.log1p(ratio))

    def backward(self, gradient: np.ndarray) -> Arrays:
        return tuple(gradient * d for d in self.derivatives)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any point, any gradient from above."""
    drawn = torch.rand(3, 4, generator=generator, dtype=torch.float64) * 1.5 + 0.2
    gradient = torch.randn(4, generator=generator, dtype=torch.float64)
    return there_and_back(answer.Formula(), drawn.numpy(), gradient.numpy())


exercise = Exercise(
    area="training",
    needs=[],
    lab="backprop",
    minutes=20,
    hints=[
        "Forward: five lines, one for each step, kept as self.a, self.s and so on. Which of them, "
        "and which inputs, do the derivatives need?",
        "Derivatives of the steps: tanh(l) has 1 - f^2, ln(u) has 1 / u, 1 + a / s has 1 / s by a "
        "and -a / s^2 by s, sin(y) has cos(y), and 2 * x * z has 2 * z by x.",
        "Backward, from the end: by_l = gradient * (1 - self.f**2), by_u = by_l / self.u. From u "
        "two ways lead on, one to a and one to s.",
    ],
    tasks={
        "Forward": [value],
        "Backward": [sizes, Check(by_formula, on_paper), many_points],
        "One part of something larger": [goes_on, its_own, twice],
    },
    oracle={"Formula": ByAutograd},
    alternative={"Formula": InOneGo},
    sample=at_random,
    wrong=[
        Wrong(
            {"gradient * (1 - self.f**2)": "1 - self.f**2"},
            "The gradient that comes from above is not used: the formula could only stand at the "
            "very end. The chain starts with it.",
        ),
        Wrong(
            {"gradient * (1 - self.f**2)": "gradient * (1 - np.tanh(self.f) ** 2)"},
            "tanh is taken twice: the derivative of tanh(l) is 1 - tanh(l)^2, and f is tanh(l) "
            "already.",
        ),
        Wrong(
            {"by_l / self.u": "by_l"},
            "The step of the logarithm is left out on the way back: ln(u) has the derivative "
            "1 / u, and every step gives its factor.",
        ),
        Wrong(
            {"by_l / self.u": "by_l / (self.a / self.s)"},
            "The logarithm's derivative is taken at a / s. It is taken at what went into the "
            "logarithm: u, with the 1.",
        ),
        Wrong(
            {"by_u * -self.a": "by_u * self.a"},
            "The gradient by y has the wrong sign: 1 / s falls when s grows, so its derivative is "
            "-1 / s^2.",
        ),
        Wrong(
            {"self.a / self.s**2": "self.a / self.s"},
            "The derivative of a / s by s is divided by s once. It is -a / s^2.",
        ),
        Wrong(
            {"by_s * np.cos(self.y)": "by_s"},
            "This is the gradient by sin(y), one step short of y: the sine gives the factor "
            "cos(y).",
        ),
        Wrong(
            {"np.cos(self.y)": "np.cos(self.s)"},
            "The cosine is taken of sin(y): a step's derivative is taken at what went into that "
            "step, here y.",
        ),
        Wrong(
            {"by_a * 2 * self.z": "by_a * 2 * self.x", "by_a * 2 * self.x": "by_a * 2 * self.z"},
            "The gradients by x and z are the wrong way round: what x is multiplied by, z, is the "
            "derivative by x.",
        ),
        Wrong(
            {"by_a * 2 * self.z": "by_a * self.z", "by_a * 2 * self.x": "by_a * self.x"},
            "The 2 is lost on the way back: the derivative of 2 * x * z by x is 2 * z.",
        ),
        Wrong(
            {"1 + self.a / self.s": "self.a / self.s"},
            "The 1 inside the logarithm is missing in forward: this is another formula, without a "
            "value where a / s is negative.",
        ),
        Wrong(
            {"self.x, self.y, self.z = x, y, z": "Formula.x, Formula.y, Formula.z = x, y, z"},
            "What forward kept belongs to the class, not to the object: the next formula's forward "
            "overwrites it. Keep it on self.",
        ),
        Wrong(
            {"by_l = gradient * (": "by_l = gradient\nby_l *= ("},
            "The gradient from above was changed in place: it belongs to the caller, who may need "
            "it again. Make a new array.",
        ),
    ],
)

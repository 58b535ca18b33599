"""Twice: a number doubled.

Multiply what you are given by two, whatever it is: a number or a tensor, in its own dtype. Do it
as often as `times` says, and do it once in a class as well.

    twice(x)  =  2 x
"""

from torch import Tensor


def helper(x: Tensor) -> Tensor:
    """Given."""
    return x


def twice(x: Tensor, times: int = 1) -> Tensor:
    """Two times x."""
    # --- solution ---
    for _ in range(times):
        x = x * 2
    return x
    # --- end ---


class Twice:
    """As an object."""

    def __init__(self) -> None:
        # --- solution ---
        self.factor = 2
        # --- end ---

    def of(self, x: Tensor) -> Tensor:
        """Two times x."""
        # --- solution ---
        return x * self.factor
        # --- end ---


# --- checks ---
from pilotlight.practice.exercise import Check, Exercise, Wrong, at_most
from pilotlight.practice.inputs import normal, tensor


def by_function(answer):
    """The function doubles."""
    return {"doubled": answer.twice(tensor([1, 2])), "four times": answer.twice(tensor(3), 2)}


def by_object(answer):
    """The object doubles."""
    return {"doubled": answer.Twice().of(tensor([1, 2]))}


def small(answer):
    """Zero stays small."""
    return {"zero": float(answer.twice(tensor(0)))}


def add(x, times=1):
    for _ in range(times):
        x = x + x
    return x


class Add:
    def of(self, x):
        return x + x


def at_random(answer, generator):
    """Any number."""
    return {"doubled": answer.twice(normal(3, seed=generator.initial_seed()))}


exercise = Exercise(
    area="training",
    needs=[],
    minutes=5,
    hints=[
        "Think of two, and of [brackets],",
        "x * 2",
    ],
    tasks={
        "Function": [by_function, Check(small, lambda: {"zero": at_most(0.5)})],
        "Object": [by_object],
    },
    oracle=dict(twice=add, Twice=Add),
    alternative=dict(twice=add, Twice=Add),
    sample=at_random,
    wrong=[
        Wrong(
            {"x = x * 2": "x = x * 3"},
            "It multiplies by three, and two was asked for.",
        ),
        Wrong(
            {"x = x * 2": "x = x * 2 + 1"},
            "It adds one, and nothing was to be added.",
        ),
        Wrong(
            {"self.factor = 2": "self.factor = 4"},
            "The object multiplies by four, and two was asked for.",
        ),
        Wrong(
            {"for _ in range(times):\nx = x * 2": "x = x * 2"},
            "It doubles once, however many times were asked for.",
        ),
    ],
)

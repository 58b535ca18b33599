"""What an exercise is. One file; the line `# --- checks ---` cuts it in two.

Above the line is what the learner gets: the task as the docstring, imports, and what is to be
written, with the reference solution between the marks `# --- solution ---` and `# --- end ---`.
Below the line are the checks and one `exercise = Exercise(...)`.

A check is a function `check(answer) -> {name: value}`: it uses what was written and returns what
came of it. Its docstring is the one sentence that a learner reads. The same function is called
with the oracle, in a process that has never seen the learner's code, and the two mappings are
compared: kind, shape, dtype, device, gradient flag, then values. It is also called with each
known wrong answer: whoever gets what a wrong answer gets, is told its message.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AREAS = (
    "training",
    "optimizers",
    "networks",
    "regularization",
    "convolution",
    "sequences",
    "attention",
    "generative",
    "representation",
    "reinforcement",
    "continual",
)
"""The areas, in the order in which the map shows them."""

Observe = Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Bound:
    """What a behaviour must keep to: a number from `low` to `high`, both allowed."""

    low: float = -math.inf
    high: float = math.inf


def at_least(low: float) -> Bound:
    """The rule "this much or more", for a number that depends on chance."""
    return Bound(low=low)


def at_most(high: float) -> Bound:
    """The rule "this much or less"."""
    return Bound(high=high)


def between(low: float, high: float) -> Bound:
    """The rule "from this to that"."""
    return Bound(low, high)


@dataclass(frozen=True)
class Check:
    """A check with something of its own; a plain function will do where there is nothing.

    `expect` returns what is right, under the same names, where calling the oracle is not the way:
    a closed form, finite differences, a `Bound`. Numbers a and b are equal when
    |a - b| <= within * max(1, |b|).
    """

    observe: Observe
    expect: Callable[[], Mapping[str, Any]] | None = None
    within: float = 1e-9

    @property
    def name(self) -> str:
        """The function's name."""
        return self.observe.__name__

    @property
    def means(self) -> str:
        """The docstring as one line."""
        return " ".join((inspect.getdoc(self.observe) or "").split())


@dataclass(frozen=True)
class Wrong:
    """A usual mistake: pieces of the solution's text to change, and what to tell who makes it.

    Each piece stands exactly once between the marks. The message says what was done and what
    comes of it, in one or two sentences.
    """

    change: Mapping[str, str]
    message: str


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """How what was written is checked. `area`, `needs`, `lab` and `minutes` are literals: lists
    read them as text, without importing the file.

    `tasks` maps the parts of the task to their checks, in the order in which they make sense.
    `oracle` and `alternative` map the names of what is to be written to objects of the same
    signature: the oracle comes from torch or a closed form and is never the solution; the
    alternative is right as well but written another way, so that no check asks for one way only.
    `sample(answer, generator)` uses what was written on inputs drawn at random; it tells which
    random changes of the solution change what it does.
    """

    area: str
    needs: Sequence[str] = ()  # names of exercises to do before
    lab: str = ""  # the lab that shows what this is good for
    minutes: int = 15
    hints: Sequence[str]
    tasks: Mapping[str, Sequence[Observe | Check]]
    oracle: Mapping[str, Any]
    alternative: Mapping[str, Any]
    sample: Callable[[Any, Any], Mapping[str, Any]]
    wrong: Sequence[Wrong]

    @property
    def checks(self) -> Iterator[tuple[str, Check]]:
        """Task and check, in order."""
        for task, checks in self.tasks.items():
            for check in checks:
                yield task, check if isinstance(check, Check) else Check(check)

"""What a lab is: one question, a network, comparisons, claims fixed before running, exhibits.

A lab file reads like a methods section: a docstring that asks the question, ordinary PyTorch, and
one `lab = Lab(...)`. Nothing here trains or measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pilotlight.core.settings import Setting, as_setting

SUPPORTED, REFUTED, UNDECIDED = "supported", "refuted", "undecided"
Verdict = Literal["supported", "refuted", "undecided"]
ClaimKind = Literal["compare", "no-effect", "rate", "trend"]


@dataclass(frozen=True)
class Metric:
    """A number per network and what is good about it.

    `worst` is what a diverged network counts as; None means the worst value seen in the run.
    `of`, when given, computes the metric from the network's curves: a mapping from metric name
    (and "epoch", "step") to the values at each evaluation. None from it means "never": the worst.
    """

    unit: str = ""
    better: Literal["higher", "lower"] = "higher"
    worst: float | None = None
    of: Callable[[Mapping[str, Sequence[float]]], float | None] | None = None


@dataclass(frozen=True)
class Claim:
    """A statement that a run can support or refute, fixed before running.

    The effect is always `left - right` (or `left` alone when there is no `right`), paired by seed.
    Exactly one bound is given: `at_least` (the effect is this large or larger), `at_most` (this
    small or smaller), or `within` (it lies in +-within: no effect worth the name).
    With `success`, each network only succeeds or fails and the effect is one of success rates.
    With `trend`, a mapping from comparison to a number, the effect is the slope of the metric
    over that number.
    """

    statement: str
    left: str = ""
    right: str | None = None
    metric: str = "test_accuracy"
    at_least: float | None = None
    at_most: float | None = None
    within: float | None = None
    success: Callable[[float], bool] | None = None
    trend: Mapping[str, float] | None = None
    test: Literal["t", "rank"] = "t"
    diverged: Literal["worst", "left out"] = "worst"
    expected: str = UNDECIDED
    scope: str = ""

    @property
    def kind(self) -> ClaimKind:
        """Which row of the verdict table decides it."""
        if self.success is not None:
            return "rate"
        if self.trend is not None:
            return "trend"
        return "no-effect" if self.within is not None else "compare"

    @property
    def comparisons(self) -> tuple[str, ...]:
        """The comparisons whose networks it reads."""
        if self.trend is not None:
            return tuple(self.trend)
        return (self.left,) if self.right is None else (self.left, self.right)


@dataclass(frozen=True)
class Exhibit:
    """An exact demonstration: a function that returns its error against an outside oracle.

    The function returns a float, or a pair of the error and a mapping of named values to show.
    """

    function: Callable[[], float | tuple[float, Mapping[str, Any]]]
    tolerance: float

    @property
    def id(self) -> str:
        """The function's name."""
        return self.function.__name__

    @property
    def statement(self) -> str:
        """The first line of the function's docstring."""
        return (self.function.__doc__ or self.id).strip().splitlines()[0]


def exhibit(tolerance: float) -> Callable[[Callable[[], Any]], Exhibit]:
    """Make an exhibit of a function: passed when the error it returns is at most `tolerance`."""
    return lambda function: Exhibit(function, tolerance)


@dataclass(frozen=True, kw_only=True)
class Lab:
    """One question and all that is needed to answer it. See CONTRIBUTING.md for a whole example.

    Literal fields (`area`, `week`, `systems`, `needs`, `seconds`, and `expected` in each claim)
    are also read as text, without importing the file, so they are written as literals.

    `effects` gives, for each setting, a value that must change some network in a short run; where
    that takes other settings too, a mapping that holds them all: dict(patience=0, epochs=9). The
    lab's page offers them to try.

    `short` holds settings of the short runs that `check_lab` makes, where its usual two epochs or
    twenty steps do not do: dict(rows=64) for many small batches, or where training is chaotic.
    """

    area: str
    week: int = 0
    systems: Sequence[int] = ()
    needs: Sequence[str] = ()
    seconds: float
    text: str

    data: Any = None  # data.Data; None for worlds, games and exact labs
    split: Any = None  # data.Split rule; None for the usual holdout
    model: Callable[[Any], Any] | None = None  # settings -> nn.Module
    train: Any = None  # engine.steps.Training
    optimizer: Any = None  # engine.optim.Optimizer, for phases that name none
    schedule: Callable[..., Any] | None = None  # (step, steps, settings) -> factor on the rate
    settings: Mapping[str, Any] = field(default_factory=dict)
    compare: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seeds: int = 12
    quick: Mapping[str, Any] = field(default_factory=dict)  # settings of `--quick`

    claims: Mapping[str, Claim] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    exhibits: Sequence[Exhibit] = ()
    scope: str = ""
    effects: Mapping[str, Any] = field(default_factory=dict)  # see below
    short: Mapping[str, Any] = field(default_factory=dict)  # see below
    picture: Callable[[Any, Any], None] | None = None  # (report, matplotlib figure) -> None
    movie: Callable[[Any, Any, int], None] | None = None  # (report, figure, snapshot) -> None
    wrong: Mapping[str, str] = field(default_factory=dict)
    read_more: Sequence[str] = ()

    name: str = ""  # from the file's name
    question: str = ""  # from the file's docstring
    source: str = ""  # path of the file

    @property
    def declared(self) -> dict[str, Setting]:
        """All settings, bare literals read as settings."""
        return {name: as_setting(value) for name, value in self.settings.items()}

    @property
    def trains(self) -> bool:
        """Whether it trains networks; an exact lab has exhibits only."""
        return self.model is not None

"""Settings: what a lab lets a person change, with its range, and the values of one network.

A setting that is a number or a switch may differ from member to member of one cohort. A whole
number or a choice (batch, epochs, width) decides shapes, so it splits members into cohorts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pilotlight.core.errors import UsageError, raise_all, unknown

Value = float | int | bool | str
Scale = Literal["log", "linear", "whole", "switch", "choice"]


@dataclass(frozen=True)
class Setting:
    """One declared setting: its default, its allowed range and how it is drawn on a control."""

    default: Value
    scale: Scale
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()

    @property
    def per_member(self) -> bool:
        """Whether members of one cohort may differ in it; otherwise it splits cohorts."""
        return self.scale in ("log", "linear", "switch")

    @property
    def allowed(self) -> str:
        """The allowed values in words, for messages and help."""
        if self.scale == "switch":
            return "true or false"
        if self.scale == "choice":
            return "one of " + ", ".join(self.choices)
        what = "a whole number" if self.scale == "whole" else "a number"
        if self.low == -math.inf and self.high == math.inf:
            return what
        if self.high == math.inf:
            return f"{what}, {self.low:g} or more"
        return f"{what} from {self.low:g} to {self.high:g}"

    def problem(self, name: str, value: Any) -> str | None:
        """One sentence when `value` does not fit, else None."""
        return None if self._fits(value) else f"{name}={value}: {name} is {self.allowed}."

    def _fits(self, value: Any) -> bool:
        if self.scale == "switch":
            return isinstance(value, bool)
        if self.scale == "choice":
            return value in self.choices
        if isinstance(value, bool) or not isinstance(
            value, int if self.scale == "whole" else int | float
        ):
            return False
        return math.isfinite(value) and self.low <= value <= self.high

    def parse(self, text: str) -> Value:
        """Read a value typed by a person; what cannot be read comes back as the text itself."""
        if self.scale == "choice":
            return text
        if self.scale == "switch":
            return {
                "true": True,
                "false": False,
                "yes": True,
                "no": False,
                "1": True,
                "0": False,
            }.get(text.strip().lower(), text)
        try:
            number = float(text)
        except ValueError:
            return text
        is_whole = self.scale == "whole" and number.is_integer()
        return int(number) if is_whole else number


def log(low: float, high: float, default: float) -> Setting:
    """A positive number whose factors matter (a rate): its control moves on a logarithmic scale."""
    return Setting(default, "log", low, high)


def linear(low: float, high: float, default: float) -> Setting:
    """A number between two bounds, both allowed."""
    return Setting(default, "linear", low, high)


def unit(default: float) -> Setting:
    """A share between 0 and 1, both allowed."""
    return Setting(default, "linear", 0.0, 1.0)


def whole(low: int, high: int, default: int) -> Setting:
    """A whole number; it decides shapes or lengths, so it splits cohorts."""
    return Setting(default, "whole", low, high)


def switch(default: bool) -> Setting:
    """On or off; members of one cohort may differ in it."""
    return Setting(default, "switch")


def choice(default: str, *others: str) -> Setting:
    """One word out of several; it splits cohorts."""
    return Setting(default, "choice", choices=(default, *others))


def as_setting(value: Setting | Value) -> Setting:
    """Read a bare literal in a lab as a setting: 15 is a whole number from 1, 0.1 a number, ..."""
    if isinstance(value, Setting):
        return value
    if isinstance(value, bool):
        return switch(value)
    if isinstance(value, int):
        return Setting(value, "whole", min(1, value), math.inf)
    if isinstance(value, float):
        return Setting(value, "linear")
    return choice(value)


class Settings(Mapping[str, Any]):
    """The values of one network, read as attributes: `settings.rate`.

    In a phase a per-member setting is a scalar tensor; elsewhere it is a plain number.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(unknown("setting", name, self._values)) from None

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return "Settings(" + ", ".join(f"{k}={v!r}" for k, v in self._values.items()) + ")"


def resolve(
    declared: Mapping[str, Setting],
    changes: Mapping[str, Any],
    overrides: Mapping[str, Any],
    where: str,
) -> Settings:
    """The settings of one comparison: defaults, a person's changes, then the comparison's own.

    A comparison may give a function of the settings below it, such as a rate ten times larger.

    Raises:
        UsageError: all unknown names and all values out of range, at once; names that mean
            something else in Python, such as `items`, as `settings.items` is a method.
    """
    problems = [f"{n}: a setting cannot be called so." for n in declared if hasattr(Settings, n)]
    problems += [
        unknown("setting", n, declared) for n in [*changes, *overrides] if n not in declared
    ]
    raise_all(problems)
    base = Settings({n: s.default for n, s in declared.items()} | dict(changes))
    raise_all([p for n, v in base.items() if (p := declared[n].problem(n, v))])
    own: dict[str, Any] = {}
    problems = []
    for name, value in overrides.items():
        try:
            own[name] = value(base) if callable(value) else value
        except ArithmeticError as error:
            problems.append(f"{name} cannot be computed from {base}: {error}.")
            continue
        if problem := declared[name].problem(name, own[name]):
            problems.append(problem)
    raise_all([f"comparison {where!r}: {p}" for p in problems])
    return Settings(dict(base) | own)


def parse_changes(pairs: Mapping[str, str], declared: Mapping[str, Setting]) -> dict[str, Value]:
    """Read `--set name=value` texts; unknown names and wrong values are said together.

    Raises:
        UsageError: all problems at once.
    """
    problems = [unknown("setting", n, declared) for n in pairs if n not in declared]
    values = {n: declared[n].parse(t) for n, t in pairs.items() if n in declared}
    problems += [p for n, v in values.items() if (p := declared[n].problem(n, v))]
    raise_all(problems, UsageError)
    return values

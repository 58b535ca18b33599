"""Events: what happened during a run, one at a time. The engine yields them and calls nobody.

Recorded events go into the journal, one JSON object a line. Passing events (progress, the tensors
of a checkpoint) are acted on and forgotten. A resumed run may yield an event that the journal
already holds; `identity` tells the two are one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(frozen=True)
class Event:
    """One thing that happened. Subclasses are the whole list."""

    recorded: ClassVar[bool] = True
    unrecorded_fields: ClassVar[tuple[str, ...]] = ()

    @property
    def kind(self) -> str:
        """The event's name in the journal."""
        return type(self).__name__.lower()

    @property
    def identity(self) -> tuple[Any, ...]:
        """Equal for two events that tell of the same thing."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        return (self.kind, *(own.get(k) for k in ("cohort", "step", "member", "id", "text")))

    def to_json(self) -> dict[str, Any]:
        """A plain mapping without NaN: what is not finite becomes null."""
        own = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name not in self.unrecorded_fields
        }
        return {"kind": self.kind, **plain(own)}


@dataclass(frozen=True)
class Note(Event):
    """Something a person should know: a network that cannot be stacked, an early end."""

    text: str


@dataclass(frozen=True)
class Progress(Event):
    """How far training is, in steps summed over members."""

    recorded: ClassVar[bool] = False
    done: int
    total: int
    cohort: int = 0


@dataclass(frozen=True)
class Measured(Event):
    """All members of a cohort were evaluated: `values[metric][i]` belongs to `members[i]`.

    A value of a member that diverged or has stopped is None. `step` counts the members' own
    updates, `epoch` is step / steps per epoch.
    """

    cohort: int
    step: int
    epoch: float
    members: tuple[int, ...]
    values: Mapping[str, tuple[float | None, ...]]
    final: bool = False

    @property
    def identity(self) -> tuple[Any, ...]:
        """The final measurement may fall on the step of an ordinary one."""
        return (self.kind, self.cohort, self.step, self.final)


@dataclass(frozen=True)
class Probed(Event):
    """Per layer of each member: norms of activations and gradients. `values[probe][layer][i]`."""

    cohort: int
    step: int
    members: tuple[int, ...]
    values: Mapping[str, Mapping[str, tuple[float | None, ...]]]


@dataclass(frozen=True)
class Snapshot(Event):
    """What is kept to draw of some members along the way: `values[name][i]`.

    Each is a drawing (`core.drawing`) as a mapping that says its kind, or a lab's own nested lists.
    The `final` one is of the weights that early stopping goes back to.
    """

    cohort: int
    step: int
    epoch: float
    members: tuple[int, ...]
    values: Mapping[str, tuple[Any, ...]]
    final: bool = False

    @property
    def identity(self) -> tuple[Any, ...]:
        """The final one may fall on the step of an ordinary one."""
        return (self.kind, self.cohort, self.step, self.final)


@dataclass(frozen=True)
class Diverged(Event):
    """A member's loss or measurement is no longer finite; it counts as the worst from here on."""

    cohort: int
    step: int
    member: int


@dataclass(frozen=True)
class Stopped(Event):
    """Early stopping: the member goes back to its weights of `best_step`."""

    cohort: int
    step: int
    member: int
    best_step: int


@dataclass(frozen=True)
class Checkpoint(Event):
    """Everything needed to go on from here: named tensors and a JSON-able mapping beside them."""

    recorded: ClassVar[bool] = False
    cohort: int
    step: int
    tensors: Mapping[str, Any]
    about: Mapping[str, Any]


@dataclass(frozen=True)
class CohortDone(Event):
    """A cohort is trained. `weights` maps "member/parameter name" to tensors; kept beside."""

    unrecorded_fields: ClassVar[tuple[str, ...]] = ("weights",)
    cohort: int
    seconds: float
    weights: Mapping[str, Any]


@dataclass(frozen=True)
class Exhibited(Event):
    """An exact demonstration was shown."""

    id: str
    error: float
    tolerance: float
    passed: bool
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Finished(Event):
    """The run is complete. Seconds are of training, over all its parts if it was resumed."""

    seconds: float


def plain(value: Any) -> Any:
    """Only what JSON has: mappings, lists, texts, finite numbers, null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


_KINDS: dict[str, type[Event]] = {c.__name__.lower(): c for c in Event.__subclasses__()}


def from_json(line: Mapping[str, Any]) -> Event | None:
    """The event of a journal line; None for a kind this version does not know."""
    values = dict(line)
    cls = _KINDS.get(values.pop("kind", ""))
    if cls is None:
        return None
    known = {f.name for f in fields(cls)}
    values = {k: _tuples(v) for k, v in values.items() if k in known}
    for missing in cls.unrecorded_fields:
        values.setdefault(missing, {})
    return cls(**values)


def _tuples(value: Any) -> Any:
    """Lists, as JSON has them, as the tuples that events hold."""
    if isinstance(value, Mapping):
        return {k: _tuples(v) for k, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value

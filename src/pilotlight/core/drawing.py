"""Drawings: what is kept along the way to be looked at. Each says its kind, so nobody guesses.

A lab may also keep bare tensors: what they are is told from their form, here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal

Kind = Literal["points", "grid", "curve", "confusion", "surface", "path"]


@dataclass(frozen=True)
class Drawing:
    """Something to look at. Subclasses are the whole list."""

    kind: ClassVar[Kind]

    def to_json(self) -> dict[str, Any]:
        """A plain mapping that says its kind."""
        return {"kind": self.kind, **vars(self)}


@dataclass(frozen=True)
class Points(Drawing):
    """Points of a plane: the first number to the right, the second upwards."""

    kind = "points"
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Grid(Drawing):
    """Tables of numbers, `grids[table][row][column]`, each drawn as a picture of greys."""

    kind = "grid"
    grids: tuple[tuple[tuple[float, ...], ...], ...]


@dataclass(frozen=True)
class Curve(Drawing):
    """What a network of one number says, `y[i]` at `x[i]`."""

    kind = "curve"
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Confusion(Drawing):
    """How many held-out rows of each class were taken for which: `counts[class][taken for]`.

    `samples` are (class, taken for, numbers of a few such rows in the table of the network's seed).
    """

    kind = "confusion"
    counts: tuple[tuple[int, ...], ...]
    samples: tuple[tuple[int, int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Surface(Drawing):
    """The winning class and its chance at `side` by `side` places of a plane.

    `x` and `y` are the lowest and the highest place. `cells` is base64: a byte for each place, x
    first, from the lowest y on. A byte is `class * levels + level` with `levels = 256 // classes`;
    level 0 is a chance of 1 / classes, the last level a chance of 1.
    """

    kind = "surface"
    x: tuple[float, float]
    y: tuple[float, float]
    side: int
    classes: int
    cells: str


@dataclass(frozen=True)
class Scene:
    """A world as a person sees it: its name, what the agent sees of it, what the agent can do."""

    world: str
    sees: tuple[str, ...]
    does: tuple[str, ...]


@dataclass(frozen=True)
class Path(Drawing):
    """Moments of one episode: what the agent saw `[moment][what]`, what it did, after which step.

    `actions` are numbers of what `scene.does` lists; -1 at the end, where nothing was done.
    """

    kind = "path"
    scene: Scene
    seen: tuple[tuple[float, ...], ...]
    actions: tuple[int, ...]
    steps: tuple[int, ...]


Said = Literal["points", "grid"] | Scene
"""What a lab may say of what it keeps; a Scene stands for a path in that world."""

KINDS: Mapping[str, type[Drawing]] = {c.kind: c for c in Drawing.__subclasses__()}


def said(how: Said, value: Any) -> dict[str, Any]:
    """A lab's own value as a drawing of the kind that the lab says. A path's is a mapping."""
    if isinstance(how, Scene):
        return {"kind": "path", "scene": asdict(how), **value}
    return {"kind": how, "points" if how == "points" else "grids": value}


def drawing_of(value: Any) -> dict[str, Any] | None:
    """What was kept as a drawing; None for what this version cannot draw.

    Of a bare list: rows of two numbers, more than four, are points; other numbers, rows or tables
    of them are grids.
    """
    if isinstance(value, Mapping):
        known = KINDS.get(value.get("kind", ""))
        whole = known is not None and {f.name for f in fields(known)} <= set(value)
        return dict(value) if whole else None
    if _is_table(value) and len(value) > 4 and len(value[0]) == 2:
        return {"kind": "points", "points": value}
    for grids in ([[value]], [value], value):
        if _is_full(grids) and all(_is_table(table) for table in grids):
            return {"kind": "grid", "grids": grids}
    return None


def _is_full(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0


def _is_row(value: Any) -> bool:
    return _is_full(value) and all(isinstance(v, int | float) for v in value)


def _is_table(value: Any) -> bool:
    """Rows of numbers, all of one length."""
    return (
        _is_full(value) and all(_is_row(row) for row in value) and len({len(r) for r in value}) == 1
    )

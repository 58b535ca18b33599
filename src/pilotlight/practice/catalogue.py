"""What exercises there are, read from their files as text: none is imported, torch is not touched.

Only the docstring and the literal fields of `exercise = Exercise(...)` are parsed, so that a list
of many appears at once.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotlight.core.errors import UsageError, unknown
from pilotlight.core.needs import depth
from pilotlight.core.parsing import literal
from pilotlight.labs.catalogue import name_of
from pilotlight.practice import source
from pilotlight.practice.exercise import AREAS, Exercise

HOME = Path(__file__).parent / "exercises"
CALL = "\nexercise = Exercise(\n"
FIELD = r"^    ({names})=(.*?),\n(?=    \w+=|\))"
"""A field and its value, up to the next field."""
DEFAULTS: dict[str, Any] = {"needs": (), "lab": "", "minutes": 15}


@dataclass(frozen=True)
class Entry:
    """One exercise as its file tells it. `minutes` is how long it takes a learner, roughly."""

    name: str
    title: str
    area: str
    needs: tuple[str, ...]
    lab: str
    minutes: int
    path: Path

    @property
    def file(self) -> str:
        """The name of a learner's file."""
        return f"{self.name.replace('-', '_')}.py"

    @property
    def text(self) -> str:
        """The whole exercise file."""
        return self.path.read_text("utf-8")

    @property
    def hints(self) -> tuple[str, ...]:
        """The hints, from a nudge to almost all."""
        return tuple(_fields(self.path, self.text, "hints").get("hints", ()))

    @property
    def mistakes(self) -> int:
        """How many wrong answers it knows."""
        return self.text.partition(CALL)[2].count("\n        Wrong(")


def entries() -> list[Entry]:
    """All exercises, by area; within an area what an exercise needs comes before it."""
    found = [read(path) for path in _files()]
    needs = {entry.name: entry.needs for entry in found}
    return sorted(found, key=lambda e: (AREAS.index(e.area), depth(e.name, needs), e.name))


def find(name: str) -> Entry:
    """The exercise of this name, or in this file of a person's own (a path that ends in .py).

    Raises:
        UsageError: there is none, or it cannot be read as one.
    """
    if name.endswith(".py"):
        return read(Path(name))
    known = {name_of(path): path for path in _files()}
    if name not in known:
        raise UsageError(unknown("exercise", name, known))
    return read(known[name])


def load(entry: Entry) -> Exercise:
    """Import an exercise.

    Raises:
        UsageError: its `exercise` is not an Exercise.
    """
    if entry.path.parent == HOME:
        module = importlib.import_module(f"pilotlight.practice.exercises.{entry.path.stem}")
    else:
        spec = importlib.util.spec_from_file_location(f"exercise_{entry.path.stem}", entry.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    exercise = getattr(module, "exercise", None)
    if not isinstance(exercise, Exercise):
        raise UsageError(f"{entry.path}: `exercise` is of type {type(exercise).__name__}.")
    return exercise


def read(path: Path) -> Entry:
    """The entry of a file.

    Raises:
        UsageError: it is not there, or what a list needs is missing or not a literal.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    title, _ = source.task(text)
    if not title or CALL not in text:
        raise UsageError(f"{path}: a docstring and `exercise = Exercise(` make an exercise.")
    fields = DEFAULTS | _fields(path, text, "area|needs|lab|minutes")
    if fields.get("area") not in AREAS:
        raise UsageError(f"{path}: {unknown('area', str(fields.get('area')), AREAS)}")
    fields["needs"] = tuple(fields["needs"])
    return Entry(name=name_of(path), title=title, path=path, **fields)


def _fields(path: Path, text: str, names: str) -> dict[str, Any]:
    """The fields of these names, separated by `|`, as literals."""
    pattern = re.compile(FIELD.format(names=names), re.MULTILINE | re.DOTALL)
    found = pattern.findall(text.partition(CALL)[2])
    return {name: _literal(path, name, value) for name, value in found}


def _literal(path: Path, name: str, value: str) -> Any:
    try:
        return literal(value)
    except (ValueError, SyntaxError):
        raise UsageError(f"{path}: write {name} out as a literal, not as {value}.") from None


def _files() -> list[Path]:
    return sorted(path for path in HOME.glob("*.py") if not path.name.startswith("_"))

"""The words of `core` as TypeScript, so that the page and the server cannot mean different things.

Numbers that are not finite travel as null, so a number that training made may be null.
"""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pilotlight.core.command import FitCommand, RunCommand
from pilotlight.core.drawing import Drawing, Scene
from pilotlight.core.event import Event
from pilotlight.core.report import ClaimResult, ExhibitResult, MemberRow, Report
from pilotlight.core.settings import Setting

NOTE = "// Made by docs/generate.py from pilotlight.core. Change the code, then say: make docs"
RECORDS: tuple[Any, ...] = (
    Setting,
    RunCommand,
    FitCommand,
    ClaimResult,
    ExhibitResult,
    MemberRow,
    Report,
    Scene,
)
SIMPLE: dict[Any, str] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    Any: "unknown",
    type(None): "null",
}


def types_page() -> str:
    """The text of types.ts."""
    told = [kind for kind in Event.__subclasses__() if kind.recorded]
    drawn = Drawing.__subclasses__()
    parts = [
        NOTE,
        *(_interface(record, {}) for record in RECORDS),
        *(_interface(kind, {"kind": f'"{kind.__name__.lower()}"'}) for kind in told),
        _one_of("RecordedEvent", "A line of a run's journal.", told),
        *(_interface(kind, {"kind": f'"{kind.kind}"'}) for kind in drawn),
        _one_of("Drawing", "Something that was kept along the way to be looked at.", drawn),
    ]
    return "\n\n".join(parts) + "\n"


def _one_of(name: str, told: str, kinds: Sequence[type]) -> str:
    names = " | ".join(kind.__name__ for kind in kinds)
    return f"/** {told} */\nexport type {name} = {names};"


def _interface(record: Any, first: Mapping[str, str]) -> str:
    hints = get_type_hints(record)
    left_out = getattr(record, "unrecorded_fields", ())
    fields = dict(first) | {
        field.name: type_of(hints[field.name])
        for field in dataclasses.fields(record)
        if field.name not in left_out
    }
    lines = [f"  readonly {name}: {kind};" for name, kind in fields.items()]
    return "\n".join([*_comment(record), f"export interface {record.__name__} {{", *lines, "}"])


def _comment(record: Any) -> Iterator[str]:
    words = textwrap.wrap((inspect.getdoc(record) or "").partition("\n\n")[0], 94)
    if len(words) == 1:
        yield f"/** {words[0]} */"
        return
    yield from ("/**", *(f" * {line}" for line in words), " */")


def type_of(hint: Any) -> str:
    """A Python type as TypeScript."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    if dataclasses.is_dataclass(hint):
        return str(hint.__name__)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join(f'"{value}"' for value in arguments)
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(type_of(argument) for argument in arguments))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"Readonly<Record<string, {type_of(arguments[1])}>>"
    if origin is tuple and arguments[-1] is not Ellipsis:
        return f"readonly [{', '.join(map(type_of, arguments))}]"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        inner = type_of(arguments[0])
        return f"readonly ({inner})[]" if " " in inner else f"readonly {inner}[]"
    raise TypeError(f"{hint} has no TypeScript form here.")

"""What a browser sends, checked at the door: JSON with known fields of known kinds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from pilotlight.core.command import FitCommand, RunCommand
from pilotlight.core.errors import did_you_mean

MOST_BYTES = 4 * 2**20
"""Of a JSON body; what a person wrote in an editor is the largest."""
MOST_ROWS, MOST_DIGITS = 24, 10
"""Of numbers in an address."""

Fits = Callable[[Any], bool]


class BadRequest(HTTPException):
    """What was sent is no JSON, or not what this address takes."""

    def __init__(self, *problems: str, status: int = 400) -> None:
        super().__init__(status)
        self.problems = problems


def text(value: Any) -> bool:
    """A text."""
    return isinstance(value, str)


def flag(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


def whole(value: Any) -> bool:
    """A whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def number(value: Any) -> bool:
    """A number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def texts(value: Any) -> bool:
    """A list of texts."""
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def values(value: Any) -> bool:
    """Names with a number, a switch or a text each."""
    return isinstance(value, dict) and all(isinstance(v, str | int | float) for v in value.values())


def named_texts(value: Any) -> bool:
    """Names with a text each."""
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())


def whole_or_text(value: Any) -> bool:
    """A whole number or a text."""
    return whole(value) or text(value)


RUN: Mapping[str, Fits] = {
    "lab": text,
    "seeds": whole,
    "changes": values,
    "compare": texts,
    "device": text,
    "quick": flag,
    "jobs": whole,
}
FIT: Mapping[str, Fits] = {
    "data": text,
    "target": text,
    "group": text,
    "in_time": flag,
    "task": text,
    "types": named_texts,
    "leave_out": texts,
    "bin": number,
    "halving": flag,
    "folds": whole_or_text,
    "inner_folds": whole,
    "seeds": whole,
    "candidates": whole,
    "budget": text,
    "device": text,
    "jobs": whole,
}
NEEDED = ("lab", "data", "target", "text", "on")


async def body(request: Request, fields: Mapping[str, Fits]) -> dict[str, Any]:
    """The fields of a JSON object; those that are null count as not given.

    Raises:
        BadRequest: all that is wrong, at once.
    """
    given = {k: v for k, v in (await _object(request)).items() if v is not None}
    problems = [f"unknown field {n!r}. {did_you_mean(n, fields)}" for n in given if n not in fields]
    problems += [
        f"{n}: {(fits.__doc__ or '').rstrip('.').lower()} is needed here."
        for n, fits in fields.items()
        if (n in given and not fits(given[n])) or (n in NEEDED and n not in given)
    ]
    if problems:
        raise BadRequest(*problems)
    return given


async def _object(request: Request) -> dict[str, Any]:
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > MOST_BYTES:
            raise BadRequest(f"At most {MOST_BYTES // 2**20} MB can be sent here.", status=413)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise BadRequest("What was sent is not JSON.") from None
    if not isinstance(found, dict):
        raise BadRequest("What was sent is JSON, but not an object with fields.")
    return found


async def run_command(request: Request) -> RunCommand:
    """A run as it was asked for."""
    given = await body(request, RUN)
    return RunCommand(**given | {"compare": tuple(given.get("compare", ()))})


async def fit_command(request: Request) -> FitCommand:
    """A fit as it was asked for."""
    given = await body(request, FIT)
    return FitCommand(**given | {"leave_out": tuple(given.get("leave_out", ()))})


# What stands behind the question mark of an address


def whole_number(request: Request, name: str) -> int:
    """A whole number from 0 on.

    Raises:
        BadRequest: there is none.
    """
    return _number(name, request.query_params.get(name, ""))


def row_numbers(request: Request) -> list[int]:
    """A few numbers of rows, `rows=3,14,15`.

    Raises:
        BadRequest: there are none, or too many.
    """
    texts = request.query_params.get("rows", "").split(",")
    if len(texts) > MOST_ROWS:
        raise BadRequest(f"rows: {len(texts)} of them; at most {MOST_ROWS} can be asked for.")
    return [_number("rows", each) for each in texts]


def _number(name: str, text: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) < MOST_DIGITS):
        raise BadRequest(f"{name}={text[:MOST_DIGITS]!r}: a whole number is needed here.")
    return int(text)

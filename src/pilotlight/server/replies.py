"""Replies: JSON without NaN, downloads, and problems in words."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pilotlight.app.compact import json_text
from pilotlight.app.practice_desk import Changed
from pilotlight.app.uploads import TooLarge
from pilotlight.core.errors import LabError, PilotlightError, RecordError
from pilotlight.server.bodies import BadRequest
from pilotlight.server.trainings import Busy

STATUS: tuple[tuple[type[PilotlightError], int], ...] = (
    (Busy, 409),
    (Changed, 409),
    (TooLarge, 413),
    (RecordError, 409),
    (LabError, 422),
    (PilotlightError, 422),
)


class NotFound(HTTPException):
    """There is nothing at this address."""

    def __init__(self, *problems: str) -> None:
        super().__init__(404)
        self.problems = problems


def found(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json_text(value), status, media_type="application/json")


def download(content: bytes | str, name: str, media_type: str) -> Response:
    """A file to keep."""
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, media_type=media_type, headers=headers)


def problems(status: int, *told: str) -> Response:
    """What is wrong, in words."""
    return found({"problems": list(told)}, status)


async def refused(request: Request, error: Exception) -> Response:
    """What a person asked for cannot be done."""
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 422)
    return problems(status, *getattr(error, "problems", (str(error),)))


async def not_so(request: Request, error: Exception) -> Response:
    """An address that is not there, or a request of the wrong form."""
    if isinstance(error, BadRequest | NotFound):
        return problems(error.status_code, *error.problems)
    assert isinstance(error, HTTPException)
    words = {404: f"There is nothing at {request.url.path}.", 405: "That cannot be done here."}
    return problems(error.status_code, words.get(error.status_code, error.detail))

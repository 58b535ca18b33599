"""Practice: exercises, the learner's files, checks, hints and solutions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pilotlight.core.errors import UsageError
from pilotlight.server.bodies import body, flag, text
from pilotlight.server.laboratory import of
from pilotlight.server.replies import NotFound, download, found


async def listed(request: Request) -> Response:
    """All exercises and how far one is."""
    return found(await asyncio.to_thread(of(request).desk.overview))


async def one(request: Request) -> Response:
    """One exercise."""
    laboratory, name = of(request), _name(request)
    page = await asyncio.to_thread(laboratory.desk.page, name)
    return found(page | {"watched": name in laboratory.watching.names})


async def begin(request: Request) -> Response:
    """Put the stub into the practice folder."""
    return found(await _done(request, of(request).desk.begin))


async def save(request: Request) -> Response:
    """Keep what was written on the page in the learner's file."""
    laboratory, name = of(request), _name(request)
    given = await body(request, {"text": text, "base": text})
    saved = await asyncio.to_thread(laboratory.desk.save, name, given["text"], given.get("base"))
    laboratory.watching.saved_here(name)
    return found(saved)


async def check(request: Request) -> Response:
    """Check the learner's file."""
    return found(await _done(request, of(request).desk.check))


async def watch(request: Request) -> Response:
    """Begin or end to check the file at every save."""
    given = await body(request, {"on": flag})
    watching = of(request).watching
    watching.turn(_name(request), given["on"])
    return found({"watched": watching.names})


async def hint(request: Request) -> Response:
    """The next hint."""
    return found(await _done(request, of(request).desk.hint))


async def solution(request: Request) -> Response:
    """A solution."""
    return found(await _done(request, of(request).desk.solution))


async def notebook(request: Request) -> Response:
    """An exercise as a notebook."""
    content = await _done(request, of(request).desk.notebook)
    return download(content, f"{_name(request)}.ipynb", "application/x-ipynb+json")


async def _done(request: Request, function: Callable[[str], Any]) -> Any:
    return await asyncio.to_thread(function, _name(request))


def _name(request: Request) -> str:
    """The exercise that an address names.

    Raises:
        NotFound: there is none of this name.
    """
    name = str(request.path_params["exercise"])
    try:
        of(request).desk.path(name)
    except UsageError as error:
        raise NotFound(*error.problems) from None
    return name

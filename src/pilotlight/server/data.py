"""Own data: files that come through the browser, what they hold, and a look before a fit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from pilotlight.app.uploads import kinds, tables
from pilotlight.core.stamp import stamps_of
from pilotlight.server.bodies import fit_command
from pilotlight.server.laboratory import of
from pilotlight.server.replies import found


async def listed(request: Request) -> Response:
    """What there is to fit to."""
    uploads = of(request).uploads
    return found(
        {
            "folder": str(uploads.folder),
            "limit": uploads.limit,
            "tables": tables(),
            "kinds": kinds(),
            "files": await asyncio.to_thread(uploads.all),
        }
    )


async def upload(request: Request) -> Response:
    """Keep a file."""
    kept = await of(request).uploads.keep(request.path_params["name"], request.stream())
    return found(kept, 201)


async def delete(request: Request) -> Response:
    """Remove a file."""
    name = request.path_params["name"]
    await asyncio.to_thread(of(request).uploads.remove, name)
    return found({"name": name})


async def columns(request: Request) -> Response:
    """What a file holds."""
    laboratory, name = of(request), request.path_params["name"]
    path = await asyncio.to_thread(laboratory.uploads.find, name)
    answer = await laboratory.kept.ask("columns", stamps_of(Path(path)), data=path)
    return found({"name": name, **answer})


async def look(request: Request) -> Response:
    """What a fit would do, and what is to be warned of."""
    laboratory = of(request)
    command = await fit_command(request)
    path = await asyncio.to_thread(laboratory.uploads.find, str(command.data))
    return found(await laboratory.kept.ask("look", command=replace(command, data=path)))

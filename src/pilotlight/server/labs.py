"""Labs: the list, a lab's page, its script, and the run of it that comes along."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pilotlight.app.shipped import recorded, recorded_picture
from pilotlight.core.errors import UsageError
from pilotlight.core.stamp import stamps_of
from pilotlight.server.bodies import row_numbers, run_command, whole_number
from pilotlight.server.laboratory import Laboratory, of
from pilotlight.server.replies import NotFound, download, found


async def listed(request: Request) -> Response:
    """All labs, each with the last run of it."""
    laboratory = of(request)
    labs = await asyncio.to_thread(laboratory.labs.all)
    runs = await asyncio.to_thread(laboratory.shelf.all)
    last = {run["lab"]: run for run in reversed(runs) if run["kind"] == "lab"}
    for lab in labs:
        lab["last"] = _last(last.get(lab["name"]))
    areas = list(dict.fromkeys(lab["area"] for lab in labs))
    return found({"areas": areas, "labs": labs})


def _last(run: Mapping[str, Any] | None) -> dict[str, Any] | None:
    keys = ("run", "state", "evidence", "started", "verdicts")
    return {key: run[key] for key in keys} if run else None


async def one(request: Request) -> Response:
    """All that a lab declares."""
    laboratory = of(request)
    about = await _about(request)
    page = await _asked(laboratory, "lab_page", about["name"])
    exercises = await asyncio.to_thread(laboratory.desk.overview)
    by_name = {e["name"]: e for e in exercises["exercises"]}
    keys = ("name", "title", "minutes", "state")
    return found(
        page
        | {key: about[key] for key in ("own", "recorded", "leads_to")}
        | {"exercises": [{k: by_name[n][k] for k in keys} for n in about["exercises"]]}
    )


async def script(request: Request) -> Response:
    """A lab as a plain PyTorch program."""
    laboratory, about = of(request), await _about(request)
    comparison = request.query_params.get("comparison")
    return found(await _asked(laboratory, "lab_script", about["name"], comparison=comparison))


async def notebook(request: Request) -> Response:
    """A lab as a notebook."""
    about = await _about(request)
    text = await _asked(of(request), "notebook", about["name"])
    return download(text, f"{about['name']}.ipynb", "application/x-ipynb+json")


async def shipped(request: Request) -> Response:
    """The run of a lab that comes along."""
    name = (await _about(request))["name"]
    run = await asyncio.to_thread(recorded, name)
    if run is None:
        raise NotFound(f"No run of {name} comes along.")
    return found(run)


async def picture(request: Request) -> Response:
    """The main figure of the run that comes along."""
    name = (await _about(request))["name"]
    data = await asyncio.to_thread(recorded_picture, name)
    if data is None:
        raise NotFound(f"No picture of {name} comes along.")
    return Response(data, media_type="image/svg+xml")


async def rows(request: Request) -> Response:
    """Some rows that a network of a comparison and a seed is trained or tested on."""
    about = await _about(request)
    asked = {
        "comparison": request.query_params.get("comparison", ""),
        "seed": whole_number(request, "seed"),
        "numbers": row_numbers(request),
    }
    return found(await _asked(of(request), "lab_rows", about["name"], **asked))


async def planned(request: Request) -> Response:
    """What a command would train, and the words for it."""
    laboratory = of(request)
    command = await run_command(request)
    lab = await asyncio.to_thread(laboratory.labs.path, str(command.lab))
    return found(await laboratory.kept.ask("planned", command=replace(command, lab=lab)))


async def _about(request: Request) -> dict[str, Any]:
    """The lab that an address names.

    Raises:
        NotFound: there is none of this name.
    """
    try:
        return await asyncio.to_thread(of(request).labs.one, request.path_params["lab"])
    except UsageError as error:
        raise NotFound(*error.problems) from None


async def _asked(laboratory: Laboratory, question: str, name: str, **more: Any) -> Any:
    path, file = await asyncio.to_thread(laboratory.labs.place, name)
    return await laboratory.kept.ask(question, stamps_of(file), lab=path, **more)

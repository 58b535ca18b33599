"""Runs: the list, one run, start, pause, stop, resume, delete and undo, and what is in a folder."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from pilotlight.core.command import FitCommand, RunCommand
from pilotlight.core.errors import RecordError
from pilotlight.core.stamp import stamps_of
from pilotlight.server.bodies import fit_command, row_numbers, run_command, whole_number
from pilotlight.server.laboratory import Laboratory, of
from pilotlight.server.replies import NotFound, found
from pilotlight.server.trainings import folder_name

REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "frame-ancestors 'self'"
)
"""A report that was copied from elsewhere is a page that nobody here has read."""
FILES = ("config.json", "journal.jsonl", "result.json")


async def listed(request: Request) -> Response:
    """All runs, newest first, and those that were deleted."""
    laboratory = of(request)
    runs = await asyncio.to_thread(laboratory.shelf.all)
    for run in runs:
        run.update(laboratory.trainings.here(run["run"]))
    away = await asyncio.to_thread(laboratory.shelf.away)
    return found({"folder": str(laboratory.runs), "runs": runs, "deleted": away})


async def start(request: Request) -> Response:
    """Start a run of a lab."""
    laboratory = of(request)
    command = await run_command(request)
    lab = await asyncio.to_thread(laboratory.labs.path, str(command.lab))
    return await _started(laboratory, replace(command, lab=lab))


async def start_fit(request: Request) -> Response:
    """Start a fit of own data."""
    laboratory = of(request)
    command = await fit_command(request)
    data = await asyncio.to_thread(laboratory.uploads.find, str(command.data))
    return await _started(laboratory, replace(command, data=data))


async def _started(laboratory: Laboratory, command: RunCommand | FitCommand) -> Response:
    run = await laboratory.trainings.start(command, folder_name(command))
    return found({"run": run, "state": "running"}, 201)


async def one(request: Request) -> Response:
    """A run as it is now."""
    laboratory, folder = of(request), await folder_of(request)
    mark = stamps_of(*(folder / file for file in FILES))
    page = await laboratory.kept.ask("run_page", mark, folder=str(folder))
    about = await asyncio.to_thread(laboratory.shelf.about, folder.name)
    now = {"run": folder.name, "state": about["state"], **laboratory.trainings.here(folder.name)}
    return found(page | now)


async def pause(request: Request) -> Response:
    """End the training for now."""
    return await _ended(request, "paused")


async def stop(request: Request) -> Response:
    """End the training."""
    return await _ended(request, "stopped")


async def _ended(request: Request, wanted: str) -> Response:
    run = (await folder_of(request)).name
    await of(request).trainings.end(run, wanted)
    return found({"run": run, "state": wanted})


async def resume(request: Request) -> Response:
    """Go on with a run."""
    run = (await folder_of(request)).name
    await of(request).trainings.resume(run)
    return found({"run": run, "state": "running"})


async def delete(request: Request) -> Response:
    """Put a run away."""
    laboratory, run = of(request), (await folder_of(request)).name
    await asyncio.to_thread(laboratory.shelf.put_away, run)
    laboratory.hub.tell("runs")
    return found({"run": run})


async def restore(request: Request) -> Response:
    """Bring a deleted run back."""
    laboratory, run = of(request), request.path_params["run"]
    await asyncio.to_thread(laboratory.shelf.bring_back, run)
    laboratory.hub.tell("runs")
    return found({"run": run})


# What is in a folder


async def probes(request: Request) -> Response:
    """What flowed through each layer."""
    return found(await _asked(request, "probes"))


async def snapshots(request: Request) -> Response:
    """What was kept to draw under one name."""
    return found(await _asked(request, "snapshots", name=request.query_params.get("name")))


async def rows(request: Request) -> Response:
    """Some rows that a network was trained or tested on."""
    member = whole_number(request, "member")
    return found(await _asked(request, "rows", member=member, numbers=row_numbers(request)))


async def movie(request: Request) -> Response:
    """A lab's moving picture."""
    made = await _asked(request, "movie")
    if made is None:
        raise NotFound("This run has no moving picture.")
    frames, png = made
    return Response(png, media_type="image/png", headers={"X-Frames": str(frames)})


async def figure(request: Request) -> Response:
    """The main figure as it is now."""
    return Response(await _asked(request, "figure"), media_type="image/svg+xml")


async def report(request: Request) -> Response:
    """The run's page."""
    html = await _asked(request, "report_page")
    headers = {"Content-Security-Policy": REPORT_POLICY}
    return Response(html, media_type="text/html", headers=headers)


async def diagnosis(request: Request) -> Response:
    """What is wrong with the training."""
    return found(await _asked(request, "diagnosis"))


async def _asked(request: Request, question: str, **more: Any) -> Any:
    folder = await folder_of(request)
    mark = stamps_of(*(folder / file for file in FILES))
    return await of(request).kept.ask(question, mark, folder=str(folder), **more)


async def files(request: Request) -> Response:
    """The names of all files of a run."""
    folder = await folder_of(request)
    return found({"files": await asyncio.to_thread(_files, folder)})


def _files(folder: Path) -> list[dict[str, Any]]:
    listed = [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.startswith(".")]
    return [
        {"name": p.relative_to(folder).as_posix(), "bytes": p.stat().st_size}
        for p in listed
        if _inside(p, folder)
    ]


async def file(request: Request) -> Response:
    """One file of a run, to keep."""
    folder, name = await folder_of(request), request.path_params["name"]
    names = [each["name"] for each in await asyncio.to_thread(_files, folder)]
    if name not in names:
        raise NotFound(f"There is no file {name} in {folder.name}.")
    return FileResponse(
        folder / name, media_type="application/octet-stream", filename=Path(name).name
    )


def _inside(path: Path, folder: Path) -> bool:
    """A link may lead anywhere; what it leads to must be of this run."""
    return path.resolve().is_relative_to(folder.resolve())


async def folder_of(request: Request) -> Path:
    """The folder of the run that an address names.

    Raises:
        NotFound: there is none of this name.
    """
    try:
        return await asyncio.to_thread(of(request).shelf.find, request.path_params["run"])
    except RecordError as error:
        raise NotFound(*error.problems) from None

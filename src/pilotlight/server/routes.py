"""All addresses, and what stands behind each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

import pilotlight
from pilotlight.app.practising import practice_folder
from pilotlight.core.errors import PilotlightError
from pilotlight.server import data, labs, page, practice, predictions, replies, runs
from pilotlight.server.guard import Guard, Keys
from pilotlight.server.laboratory import Laboratory, of
from pilotlight.server.replies import found
from pilotlight.server.trainings import MOST


async def about(request: Request) -> Response:
    """What this server is."""
    laboratory = of(request)
    return found(
        {
            "version": pilotlight.__version__,
            "runs": str(laboratory.runs),
            "practice": str(practice_folder().absolute()),
            "cores": os.cpu_count(),
            "most_runs": MOST,
            "upload_limit": laboratory.upload_limit,
            "page": page.is_built(),
        }
    )


async def events(request: Request) -> Response:
    """What happens, from now on or from where a listener was."""
    after = request.headers.get("last-event-id") or request.query_params.get("after")
    return StreamingResponse(
        of(request).hub.stream(after),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},  # a proxy would hold it back
    )


def _route(method: str, path: str, endpoint: object) -> Route:
    return Route(path, endpoint, methods=[method])  # type: ignore[arg-type]


_get, _post, _put, _delete = (partial(_route, m) for m in ("GET", "POST", "PUT", "DELETE"))


ROUTES = [
    _get("/api/app", about),
    _get("/api/events", events),
    _get("/api/labs", labs.listed),
    _get("/api/labs/{lab}", labs.one),
    _get("/api/labs/{lab}/script", labs.script),
    _get("/api/labs/{lab}/notebook", labs.notebook),
    _get("/api/labs/{lab}/recorded", labs.shipped),
    _get("/api/labs/{lab}/picture", labs.picture),
    _get("/api/labs/{lab}/rows", labs.rows),
    _post("/api/commands", labs.planned),
    _get("/api/runs", runs.listed),
    _post("/api/runs", runs.start),
    _get("/api/runs/{run}", runs.one),
    _delete("/api/runs/{run}", runs.delete),
    _post("/api/runs/{run}/pause", runs.pause),
    _post("/api/runs/{run}/stop", runs.stop),
    _post("/api/runs/{run}/resume", runs.resume),
    _post("/api/runs/{run}/restore", runs.restore),
    _get("/api/runs/{run}/probes", runs.probes),
    _get("/api/runs/{run}/snapshots", runs.snapshots),
    _get("/api/runs/{run}/rows", runs.rows),
    _get("/api/runs/{run}/movie", runs.movie),
    _get("/api/runs/{run}/figure", runs.figure),
    _get("/api/runs/{run}/report", runs.report),
    _get("/api/runs/{run}/diagnosis", runs.diagnosis),
    _get("/api/runs/{run}/files", runs.files),
    _get("/api/runs/{run}/files/{name:path}", runs.file),
    _get("/api/runs/{run}/predictions/{data}", predictions.shown),
    _get("/api/runs/{run}/predictions/{data}/file", predictions.file),
    _get("/api/practice", practice.listed),
    _get("/api/practice/{exercise}", practice.one),
    _post("/api/practice/{exercise}/begin", practice.begin),
    _put("/api/practice/{exercise}/file", practice.save),
    _post("/api/practice/{exercise}/check", practice.check),
    _post("/api/practice/{exercise}/watch", practice.watch),
    _post("/api/practice/{exercise}/hint", practice.hint),
    _post("/api/practice/{exercise}/solution", practice.solution),
    _get("/api/practice/{exercise}/notebook", practice.notebook),
    _get("/api/data", data.listed),
    _put("/api/data/{name}", data.upload),
    _delete("/api/data/{name}", data.delete),
    _get("/api/data/{name}/columns", data.columns),
    _post("/api/fits/look", data.look),
    _post("/api/fits", runs.start_fit),
    _get("/", page.shown),
    _get("/{path:path}", page.shown),
]


def application(laboratory: Laboratory, keys: Keys) -> Starlette:
    """Everything behind the guard."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        work = asyncio.create_task(laboratory.work())
        yield
        work.cancel()
        await asyncio.wait([work])

    made = Starlette(
        routes=ROUTES,
        lifespan=lifespan,
        middleware=[
            Middleware(Guard, keys=keys),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
        ],
        exception_handlers={
            PilotlightError: replies.refused,
            HTTPException: replies.not_so,
        },
    )
    made.state.laboratory = laboratory
    return made

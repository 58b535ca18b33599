"""Predictions: what a fit says of new rows, looked at and taken home as CSV."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pilotlight.core.stamp import stamps_of
from pilotlight.server.laboratory import of
from pilotlight.server.replies import download, found
from pilotlight.server.runs import folder_of

MADE_FROM = ("config.json", "result.json", "weights.safetensors")


async def shown(request: Request) -> Response:
    """The first rows, and what is to be known of all of them."""
    said = await _asked(request, "predictions", keep=True)
    return found({"name": request.path_params["data"], **said})


async def file(request: Request) -> Response:
    """All rows, to keep."""
    text = await _asked(request, "predictions_file", keep=False)  # it may be large
    return download(text, f"predictions-{Path(request.path_params['data']).stem}.csv", "text/csv")


async def _asked(request: Request, question: str, keep: bool) -> Any:
    laboratory, folder = of(request), await folder_of(request)
    data = await asyncio.to_thread(laboratory.uploads.find, request.path_params["data"])
    mark = stamps_of(*(folder / name for name in MADE_FROM), Path(data))
    arguments = {"folder": str(folder), "data": data}
    return await laboratory.kept.ask(question, mark if keep else None, **arguments)

"""The page itself: files built from web/, and index.html for every address of the page."""

from __future__ import annotations

import asyncio
import html
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from pilotlight.server.replies import NotFound

HOME = Path(__file__).parent / "page"
INDEX = "index.html"
FOR_EVER = "public, max-age=31536000, immutable"
MISSING = """<!doctype html><meta charset="utf-8"><title>Pilotlight</title>
<body style="font: 1rem/1.5 system-ui; max-width: 36rem; margin: 4rem auto; padding: 0 1rem">
<h1>The page is not built yet</h1>
<p>Pilotlight is running, but its page is made when the package is built, and this is a clone.
In its folder say <code>make web</code>, then load this address again.</p>"""


def is_built() -> bool:
    """Whether there is a page to show."""
    return (HOME / INDEX).is_file()


async def shown(request: Request) -> Response:
    """A file of the page, or the page."""
    path = request.path_params.get("path", "")
    file = await asyncio.to_thread(_file, path)
    if file is not None and file.name != INDEX:
        kept = FOR_EVER if path.startswith("assets/") else "no-cache"
        return FileResponse(file, headers={"Cache-Control": kept})
    if path.startswith(("api/", "assets/")) or Path(path).suffix in (".js", ".css", ".map"):
        raise NotFound(f"There is nothing at /{path}.")
    if not is_built():
        return HTMLResponse(MISSING, 503)
    text = await asyncio.to_thread((HOME / INDEX).read_text, "utf-8")
    base = f'<base href="{html.escape(request.scope["root_path"])}/">'
    return HTMLResponse(text.replace("<head>", f"<head>{base}", 1))


def _file(path: str) -> Path | None:
    """A file within the page's folder, whatever the path says."""
    try:
        file = (HOME / path).resolve()
        inside = file.is_relative_to(HOME.resolve()) and file.is_file()
    except (OSError, ValueError):  # too long a name, a NUL in it
        return None
    return file if inside else None

"""`app`: the laboratory in a browser."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pilotlight.cli.codes import FINE


def open_app(
    labs: Sequence[str],
    port: int | None,
    browser: bool,
    runs: str | None,
    allow_hosts: Sequence[str],
    root_path: str | None,
) -> int:
    """Serve until Ctrl-C, which is the usual end."""
    from pilotlight.server.main import serve

    serve(
        labs,
        port=port,
        browser=browser,
        runs=runs or "runs",
        allow_hosts=allow_hosts,
        root_path=root_path or "",
        tell=partial(print, flush=True),
    )
    return FINE

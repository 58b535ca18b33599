"""Start the server, say where it is, open a browser."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

import uvicorn

from pilotlight.app import beside
from pilotlight.core.errors import UsageError, raise_all
from pilotlight.server import page
from pilotlight.server.guard import Keys
from pilotlight.server.laboratory import Laboratory
from pilotlight.server.routes import application

PORT = 8766
"""Where it is looked for first; when it is taken, the system names a free one."""
UPLOAD_LIMIT = 2**30


class _Server(uvicorn.Server):
    """Ends all streams first, or Ctrl-C would wait for browsers to close theirs."""

    def __init__(self, config: uvicorn.Config, laboratory: Laboratory) -> None:
        super().__init__(config)
        self._laboratory = laboratory

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._laboratory.hub.close()
        super().handle_exit(sig, frame)


def serve(
    labs: Sequence[str],
    *,
    port: int | None,
    browser: bool,
    runs: str,
    allow_hosts: Sequence[str],
    root_path: str,
    tell: Callable[[str], None],
) -> None:
    """Serve until Ctrl-C.

    Raises:
        UsageError: a port that is taken or out of range, a lab that cannot be read, a wrong path.
    """
    _refuse(port, runs, root_path)
    laboratory = Laboratory(Path(runs).absolute(), UPLOAD_LIMIT, labs)
    listener = listen(port)
    keys = Keys(listener.getsockname()[1], root_path.rstrip("/"), allow_hosts)
    beside.warm()
    tell(f"Pilotlight is at {keys.address}")
    tell("Only this machine can reach it. Ctrl-C ends it; runs can be resumed.")
    if not page.is_built():
        tell("Its page is not built yet. In a clone: make web")
    config = uvicorn.Config(
        application(laboratory, keys),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        lifespan="on",
    )
    if browser:
        threading.Timer(0.5, webbrowser.open, [keys.address]).start()
    try:
        with contextlib.suppress(KeyboardInterrupt):  # the usual end, told once more by uvicorn
            _Server(config, laboratory).run(sockets=[listener])
    finally:
        listener.close()


def _refuse(port: int | None, runs: str, root_path: str) -> None:
    problems = []
    if port is not None and not 0 <= port <= 65535:
        problems.append(f"--port {port}: a port is a number from 1 to 65535.")
    if Path(runs).exists() and not Path(runs).is_dir():
        problems.append(f"--runs {runs} is a file. Name a folder.")
    if root_path and not root_path.startswith("/"):
        problems.append(f"--root-path {root_path}: it begins with /, as in /user/me/proxy/8766.")
    raise_all(problems)


def listen(port: int | None) -> socket.socket:
    """A socket on this machine's own address."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", PORT if port is None else port))
    except OSError as error:
        if port is not None:
            listener.close()
            raise UsageError(
                f"--port {port} cannot be used ({error.strerror}). Leave it out, and a free one "
                "is found."
            ) from None
        listener.bind(("127.0.0.1", 0))
    listener.listen(128)  # who comes before the server is up waits, and is not turned away
    return listener

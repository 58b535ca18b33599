"""A laboratory at a real socket, a browser for it, and a listener to its stream."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from pilotlight.server.guard import Keys
from pilotlight.server.laboratory import Laboratory
from pilotlight.server.main import listen
from pilotlight.server.routes import application

RING = Path(__file__).parents[1] / "end_to_end" / "ring.py"


@contextmanager
def serving(laboratory: Laboratory, **known: Any) -> Iterator[tuple[httpx.Client, Keys]]:
    """A browser that was not let in, at a real socket of a laboratory."""
    listener = listen(0)
    keys = Keys(listener.getsockname()[1], **known)
    config = uvicorn.Config(application(laboratory, keys), log_level="warning", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.002)
        with httpx.Client(base_url=f"http://127.0.0.1:{keys.port}", timeout=60) as client:
            yield client, keys
    finally:
        laboratory.hub.close()
        server.should_exit = True
        thread.join()
        listener.close()


def let_in(client: httpx.Client, keys: Keys) -> httpx.Client:
    """The same browser with the cookie."""
    client.cookies.set(keys.cookie, keys.session)
    return client


class Listener:
    """Reads the stream of a served laboratory in a thread."""

    def __init__(self, client: httpx.Client, after: str | None = None) -> None:
        self.messages: list[dict[str, Any]] = []
        self.batches: list[tuple[float, str, int]] = []
        host = client.base_url.host, client.base_url.port
        self._connection = http.client.HTTPConnection(*host, timeout=60)
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        headers = {"Cookie": cookies} | ({"Last-Event-ID": after} if after else {})
        self._connection.request("GET", "/api/events", headers=headers)
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Listener:
        self._thread.start()
        self.wait(lambda m: m["kind"] in ("hello", "reset"))
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()

    def _read(self) -> None:
        number = ""
        with suppress(OSError, http.client.IncompleteRead):
            while line := self._answer.readline().decode():
                if line.startswith("id: "):
                    number = line[4:].strip()
                elif line.startswith("data: "):
                    found = json.loads(line[6:])
                    self.messages += found
                    self.batches.append((time.monotonic(), number, len(found)))

    def wait(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 60) -> dict[str, Any]:
        """The first message of this kind."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for message in list(self.messages):
                if wanted(message):
                    return message
            time.sleep(0.005)
        raise AssertionError(f"it did not come; there came {self.messages[-5:]}")

    def state(self, run: str, state: str) -> dict[str, Any]:
        """Wait until a run is said to be so."""
        return self.wait(lambda m: m["kind"] == "state" and m["run"] == run and m["state"] == state)


@dataclass
class Served:
    """A laboratory behind a real socket."""

    laboratory: Laboratory
    client: httpx.Client
    keys: Keys

    def listen(self, after: str | None = None) -> Listener:
        """A stream of what happens."""
        return Listener(self.client, after)

    def order(self, **settings: Any) -> str:
        """Start a run of the small lab; returns its name."""
        answer = self.client.post("/api/runs", json={"lab": "ring", "changes": settings})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["run"])

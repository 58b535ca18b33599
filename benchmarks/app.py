"""How quick the app is, and whether it stays small: measured on the real server.

python -m benchmarks.app              from Run to the first curve, to stopped, with ten listeners
python -m benchmarks.app memory 10    the server's memory while it streams for ten minutes
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LAB, REPEATS, LISTENERS = "momentum", 5, 10
RING = Path(__file__).parents[1] / "tests" / "end_to_end" / "ring.py"
"""A lab that is evaluated many times a second: as much to tell as there ever is."""


class App:
    """A running server and what its stream tells."""

    def __init__(self, address: str, pid: int) -> None:
        parts = urlsplit(address)
        self.pid, self.address = pid, address
        self._place = parts.hostname or "", parts.port or 0
        connection = http.client.HTTPConnection(*self._place)
        connection.request("GET", f"/?{parts.query}")
        self._cookie = connection.getresponse().headers["Set-Cookie"].partition(";")[0]
        connection.close()
        self.heard: list[tuple[float, dict[str, Any]]] = []
        self.listen(self.heard.append)

    def at(self, path: str) -> str:
        """The address of a page."""
        return self.address.partition("?")[0] + path

    def ask(self, method: str, path: str, value: Any = None) -> Any:
        """The answer to a request."""
        connection = http.client.HTTPConnection(*self._place, timeout=120)
        body = None if value is None else json.dumps(value)
        connection.request(method, path, body, {"Cookie": self._cookie})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def listen(self, hear: Callable[[tuple[float, dict[str, Any]]], object]) -> socket.socket:
        """Read the stream in a thread until the socket, which is returned, is shut down."""
        connection = http.client.HTTPConnection(*self._place)
        connection.request("GET", "/api/events", headers={"Cookie": self._cookie})
        opened = connection.sock
        answer = connection.getresponse()

        def read() -> None:
            with suppress(OSError, ValueError, http.client.HTTPException):
                while line := answer.readline():
                    if line.startswith(b"data: "):
                        now = time.monotonic()
                        for message in json.loads(line[6:]):
                            hear((now, message))

        threading.Thread(target=read, daemon=True).start()
        return opened

    def when(self, wanted: Callable[[dict[str, Any]], bool], since: float) -> float:
        """Seconds from then to the first such message."""
        while True:
            for now, message in list(self.heard):
                if now >= since and wanted(message):
                    return now - since
            time.sleep(0.001)

    def memory(self) -> float:
        """What the server itself has in memory, MB."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) / 1024

    def worked(self) -> tuple[float, float]:
        """Seconds of processor time: of the server itself, and of all processes it had so far."""
        below = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return _spent(self.pid, 13), sum(_spent(int(pid), 15) for pid in below)


def _spent(pid: int, first: int) -> float:
    """Two neighbouring fields of /proc/PID/stat, user and system time, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[first - 2 : first])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served() -> Iterator[App]:
    """A server of its own, warm."""
    typed = [sys.executable, "-m", "pilotlight", "app", "--no-browser", "--port", "0", str(RING)]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(typed, cwd=folder, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        app = App(process.stdout.readline().split()[-1], process.pid)
        app.ask("POST", "/api/commands", {"lab": LAB})  # waits until all is imported
        try:
            yield app
        finally:
            process.terminate()
            process.wait()


def state(run: str, word: str) -> Callable[[dict[str, Any]], bool]:
    """A message that says that a run is so."""
    return lambda m: m["kind"] == "state" and m["run"] == run and m["state"] == word


def started(app: App, **order: Any) -> tuple[str, float]:
    """A run, and when it was asked for."""
    begin = time.monotonic()
    return app.ask("POST", "/api/runs", {"lab": LAB, **order})["run"], begin


def quickness(app: App) -> None:
    """From Run to the curve's first two points; from Stop to stopped."""
    first, second, stop = [], [], []
    for _ in range(REPEATS):
        run, begin = started(app)

        def measured(m: dict[str, Any], step: int, run: str = run) -> bool:
            event = m.get("event", {})
            own = m.get("run") == run and event.get("kind") == "measured"
            return own and event["step"] >= step

        first.append(app.when(lambda m: measured(m, 0), begin))
        second.append(app.when(lambda m: measured(m, 1), begin))
        time.sleep(0.5)
        begin = time.monotonic()
        app.ask("POST", f"/api/runs/{run}/stop")
        stop.append(app.when(state(run, "stopped"), begin))
    for words, values in (
        ("Run to first measured", first),
        ("Run to first moving curve", second),
        ("Stop to stopped", stop),
    ):
        print(f"{words}: median {statistics.median(values):.2f} s, worst {max(values):.2f} s")


def burden(app: App) -> None:
    """A training with and without ten listeners, in turn; also by processor time.

    Seconds of a busy machine say little. What listeners cost the server's processor does not
    depend on what else the machine does.
    """
    found: dict[bool, list[tuple[float, float, float]]] = {False: [], True: []}
    batches = [0]

    def count(_: object) -> None:
        batches[0] += 1

    for turn in range(2 * REPEATS):
        heard = bool(turn % 2)
        listeners = [app.listen(count) for _ in range(LISTENERS if heard else 0)]
        server, below = app.worked()
        run, begin = started(app)
        app.when(state(run, "finished"), begin)
        server, below = app.worked()[0] - server, app.worked()[1] - below
        found[heard].append((app.ask("GET", f"/api/runs/{run}")["seconds"], server, below))
        for listener in listeners:
            listener.shutdown(socket.SHUT_RDWR)
    alone, with_ten = ([statistics.median(v) for v in zip(*found[h], strict=True)] for h in found)
    print(f"training alone {alone[0]:.2f} s, with {LISTENERS} listeners {with_ten[0]:.2f} s")
    extra = with_ten[1] - alone[1]
    print(f"processor: training {alone[2]:.2f} s, server {alone[1]:.2f} s alone, ", end="")
    print(
        f"{with_ten[1]:.2f} s with {LISTENERS}: {100 * extra / alone[2]:+.1f} % of the training's"
    )
    rate = batches[0] / LISTENERS / sum(seconds for seconds, _, _ in found[True])
    print(f"messages a second for each listener: {rate:.0f}")


def memory(app: App, minutes: float) -> None:
    """The server's memory while runs are told, and its slope after the first fifth."""
    begin, found, told = time.monotonic(), [], 0
    order = {"lab": "ring", "changes": {"epochs": 1000, "patience": 1000}, "jobs": 1}
    run, _ = started(app, **order)
    while (now := time.monotonic() - begin) < 60 * minutes:
        found.append((now / 60, app.memory()))
        heard = [message for _, message in app.heard]
        del app.heard[: len(heard)]
        told += len(heard)
        if any(state(run, "finished")(message) for message in heard):
            run, _ = started(app, **order)
        time.sleep(5)
    app.ask("POST", f"/api/runs/{run}/stop")
    later = [pair for pair in found if pair[0] > minutes / 5]
    slope = statistics.linear_regression(*zip(*later, strict=True)).slope
    print(f"memory: {found[0][1]:.1f} MB at first, {later[0][1]:.1f} MB after a fifth, ", end="")
    print(f"{later[-1][1]:.1f} MB at the end; slope {slope:+.3f} MB a minute")
    print(f"{told / 60 / minutes:.0f} messages a second were told")


def main(arguments: list[str]) -> None:
    """Measure and say."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with served() as app:
        if arguments[:1] == ["memory"]:
            memory(app, float(arguments[1]))
        else:
            quickness(app)
            burden(app)


if __name__ == "__main__":
    main(sys.argv[1:])

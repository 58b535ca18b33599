"""Worker processes: several jobs at once, each a stream of messages, from a preloaded server.

A forkserver imports what jobs need once; each worker then starts in hundredths of a second, without
this process's threads and locks, and does one job after another. Where there is no forkserver
(Windows) each worker imports afresh.

What it does not guard against: a worker that hangs. It is waited for until Ctrl-C.
"""

from __future__ import annotations

import importlib
import multiprocessing
import pickle
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from pilotlight.core.errors import PilotlightError

END = b""
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Job:
    """What a worker does: iterate over `function(**arguments)` of a module, and send each item."""

    module: str
    function: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Message:
    """An item that job number `job` has sent."""

    job: int
    item: Any


@dataclass(frozen=True)
class Died:
    """The worker of job number `job` ended before its work did: killed, or out of memory."""

    job: int
    exit_code: int | None


@dataclass
class _Worker:
    process: Any
    connection: Connection
    job: int = -1


class Workers:
    """At most `at_once` processes, each of which does one job after another.

    A worker that is done waits for the next job, also of a later stream: what it has imported and
    read is still there. Leaving the `with` ends them all.
    """

    def __init__(self, at_once: int, preload: Sequence[str] = ()) -> None:
        self._context = context(preload)
        self._at_once = at_once
        self._busy: list[_Worker] = []
        self._idle: list[_Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        workers = self._busy + self._idle
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()
            worker.connection.close()
        self._busy, self._idle = [], []

    def stream(self, jobs: Sequence[Job]) -> Iterator[Message | Died]:
        """What all jobs send, in order of arrival; each job's own messages in its order.

        Raises:
            Whatever a job raised; the other jobs are ended.
        """
        waiting = list(enumerate(jobs))
        while waiting or self._busy:
            while waiting and len(self._busy) < self._at_once:
                self._give(*waiting.pop(0))
            for worker in self._ready():
                yield from self._read(worker)

    def _give(self, number: int, job: Job) -> None:
        worker = self._idle.pop() if self._idle else self._start()
        worker.job = number
        self._busy.append(worker)
        with suppress(OSError):  # it died while it waited, which shows when it is read
            worker.connection.send_bytes(pickle.dumps(job))

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe(duplex=True)
        process = self._context.Process(target=_work, args=(theirs,), daemon=True)
        start(process)
        theirs.close()
        return _Worker(process, ours)

    def _ready(self) -> list[_Worker]:
        ready = wait([w.connection for w in self._busy])
        return [w for w in self._busy if w.connection in ready]

    def _read(self, worker: _Worker) -> Iterator[Message | Died]:
        try:
            sent = worker.connection.recv_bytes()
        except (EOFError, OSError):
            self._busy.remove(worker)
            worker.process.join()
            worker.connection.close()
            yield Died(worker.job, worker.process.exitcode)
            return
        if sent == END:
            self._busy.remove(worker)
            self._idle.append(worker)
            return
        item = pickle.loads(sent)  # from our own worker, over our own pipe
        if isinstance(item, BaseException):
            raise item
        yield Message(worker.job, item)


def context(preload: Sequence[str]) -> Any:
    """Where processes are started: from a server that has imported at least these modules.

    One that was started for other work and lacks some would import them anew in every process; it
    is replaced, unless processes of it are at work.
    """
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    server: Any = forkserver._forkserver
    known = [name for name in server._preload_modules if name != "__main__"]
    lacking = [name for name in preload if name not in known]
    if lacking:
        if not multiprocessing.active_children():
            server._stop()
        server.set_forkserver_preload([*known, *lacking])
    return multiprocessing.get_context("forkserver")


def warm(preload: Sequence[str]) -> None:
    """Start the server that processes come from, without waiting for its imports."""
    context(preload)
    if sys.platform != "win32":
        from multiprocessing.forkserver import ensure_running

        with main_left_out():
            ensure_running()


def start(process: Any) -> None:
    """Start a process, which will not run the person's own script."""
    with main_left_out():
        process.start()


@contextmanager
def main_left_out() -> Iterator[None]:
    """Keep a new process from running the person's own script once more.

    multiprocessing imports the main script in each worker, for functions defined there. Ours come
    from modules, and a script that trains at its top level, as people write them, would start over.
    """
    main = sys.modules["__main__"]
    with _one_at_a_time:
        names = [name for name in ("__file__", "__spec__") if hasattr(main, name)]
        hidden = {name: getattr(main, name) for name in names}
        for name in hidden:
            setattr(main, name, None)
        try:
            yield
        finally:
            for name, value in hidden.items():
                setattr(main, name, value)


def _work(connection: Connection) -> None:
    """In the worker: job after job, until the parent is gone. Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):
        while True:
            send_all(pickle.loads(connection.recv_bytes()), connection)


def send_all(job: Job, connection: Connection) -> None:
    """Send every item of a job, then the end, or the error that it raised."""
    try:
        function = getattr(importlib.import_module(job.module), job.function)
        for item in function(**job.arguments):
            connection.send_bytes(pickle.dumps(item))
    except BrokenPipeError:
        return  # the parent is gone, and with it whoever wanted this
    except PilotlightError as error:
        connection.send_bytes(pickle.dumps(error))
    except Exception as error:
        connection.send_bytes(pickle.dumps(_portable(error)))
    else:
        connection.send_bytes(END)


def _portable(error: Exception) -> Exception:
    """An error that can be sent; its traceback goes along as a note."""
    import traceback

    told = RuntimeError(f"{type(error).__name__}: {error}")
    told.add_note("".join(traceback.format_exception(error)))
    return told

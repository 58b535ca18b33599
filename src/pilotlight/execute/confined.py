"""One process that runs what nobody has read: with limits, in a group and a folder of its own.

What it sends comes back as JSON, never as pickle: bytes from such a process must not become
code in this one. What it prints goes into a file, apart from what it sends.

Guarded: time, memory, the size of a file and of all messages, processes left behind, files left
in its folder, an end without a word. Not guarded: files elsewhere on the disk, the network, a
process that leaves the group on purpose (`setsid`), a fork bomb, a disk filled with many files.
Memory is limited on Linux only; Windows limits time alone, and starts each process afresh.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotlight.execute.processes import Job, context, start

END, FAULT = "end", "fault"
MOST_FILES = 1024
"""Descriptors below it may have been inherited."""
MOST_BYTES = 64 * 2**20
"""Of all messages of one process together."""


@dataclass(frozen=True)
class Limits:
    """What a confined process may take; `start` holds until its first message."""

    start: float = 60.0  # seconds; the server that it is forked from may have to import torch
    silence: float = 10.0  # seconds between two messages
    total: float = 60.0  # seconds from the first message on
    memory: int = 2**30  # bytes beyond what it has when it starts
    file: int = 8 * 2**20  # bytes of a file, and of what it prints


@dataclass(frozen=True)
class Ended:
    """How it ended: "done", "time", "died" (with its exit code) or "fault" (an error of ours)."""

    how: str
    exit_code: int | None = None
    detail: str = ""


class Confined:
    """A job in a process of its own; leaving the `with` ends it and all that it started."""

    def __init__(self, job: Job, limits: Limits, preload: Sequence[str] = ()) -> None:
        self.ended: Ended | None = None
        self._job, self._limits, self._preload = job, limits, preload
        self._stack = ExitStack()
        self._arrived: queue.SimpleQueue[tuple[float, bytes | None]] = queue.SimpleQueue()

    def __enter__(self) -> Confined:
        with ExitStack() as stack:  # nothing is left where something fails on the way
            folder = tempfile.TemporaryDirectory(prefix="pilotlight-", ignore_cleanup_errors=True)
            place = stack.enter_context(folder)
            self._printed = stack.enter_context(Path(place, "printed").open("w+b"))
            made = context(self._preload)
            self._connection, theirs = made.Pipe(duplex=True)
            arguments = (self._job, theirs, place, self._printed.name, self._limits)
            self._process = made.Process(target=_work, args=arguments)
            start(self._process)
            self._stack = stack.pop_all()
        theirs.close()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        self._process.join()
        self._reader.join(1.0)
        if not self._reader.is_alive():  # else a process that left the group holds the pipe
            self._connection.close()
        self._stack.close()

    def messages(self) -> Iterator[Any]:
        """What it sends, as it comes; afterwards `ended` says how it ended.

        What came in time is given however late it is asked for.
        """
        deadline, patience = float("inf"), self._limits.start
        while self.ended is None:
            message = self._next(patience, deadline)
            if isinstance(message, Ended):
                self.ended = message
                return
            if deadline == float("inf"):
                deadline, patience = time.monotonic() + self._limits.total, self._limits.silence
            yield message

    def printed(self, most: int = 2000) -> str:
        """What it printed, from the beginning; at most so many characters."""
        self._printed.seek(0)
        return self._printed.read(most).decode("utf-8", "replace")

    def _next(self, patience: float, deadline: float) -> Any:
        until = min(time.monotonic() + patience, deadline)
        while True:
            left = until - time.monotonic()
            try:
                when, data = self._arrived.get(timeout=min(max(left, 0.0), 0.05))
                return self._understood(data) if when <= deadline else Ended("time")
            except queue.Empty:
                if left <= 0:
                    return Ended("time")
                if not self._process.is_alive():  # a child of its own may hold the pipe open
                    self._kill()
                    self._reader.join(1.0)
                    return self._last()

    def _last(self) -> Any:
        """What arrived before it died, if anything is left; else that it died."""
        with contextlib.suppress(queue.Empty):
            return self._understood(self._arrived.get_nowait()[1])
        return Ended("died", self._process.exitcode)

    def _understood(self, data: bytes | None) -> Any:
        if data is None:
            self._process.join(1.0)
            return Ended("died", self._process.exitcode)
        try:
            kind, value = json.loads(data)
        except (ValueError, TypeError, RecursionError):
            return Ended("died", None, "It sent what is not a message.")
        if kind == END:
            return Ended("done")
        return Ended(FAULT, None, str(value)) if kind == FAULT else value

    def _read(self) -> None:
        """In a thread: all that arrives, then None. A whole message may take forever to come."""
        left = MOST_BYTES
        with contextlib.suppress(EOFError, OSError):
            while left > 0:
                data = self._connection.recv_bytes(left)
                left -= len(data)
                self._arrived.put((time.monotonic(), data))
        self._arrived.put((time.monotonic(), None))

    def _kill(self) -> None:
        if hasattr(os, "killpg") and self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()


# In the process


def _work(job: Job, connection: Any, folder: str, printed: str, limits: Limits) -> None:
    """Send every item, then the end, then wait for the other side to be done with it."""
    pid, send, dumps = os.getpid(), connection.send_bytes, json.dumps
    try:
        function = getattr(importlib.import_module(job.module), job.function)
        _confine(connection.fileno(), folder, printed, limits)  # what it needs is imported by now
        for item in function(**job.arguments):
            if os.getpid() != pid:  # a child that the answer forked came back here
                os._exit(0)
            _flush()
            send(dumps(["", item]).encode())
        last = [END, None]
    except BrokenPipeError:
        os._exit(0)
    except BaseException:
        last = [FAULT, traceback.format_exc()]
    if os.getpid() == pid:
        with contextlib.suppress(EOFError, OSError):
            send(dumps(last).encode())
            connection.recv_bytes()
    os._exit(0)


def _confine(connection: int, folder: str, printed: str, limits: Limits) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if sys.platform != "win32":
        os.setsid()
        _forget(connection)
    os.chdir(folder)
    nothing = os.open(os.devnull, os.O_RDONLY)
    file = os.open(printed, os.O_WRONLY | os.O_APPEND)
    for theirs, ours in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(theirs, ours)
    sys.stdin = os.fdopen(0, closefd=False)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        setattr(sys, name, os.fdopen(descriptor, "w", 1, "utf-8", "replace", closefd=False))
    if sys.platform != "win32":
        _limit(limits)


def _forget(connection: int) -> None:
    """Close all that was inherited but the connection: by it the server could be brought down."""
    from multiprocessing import forkserver, resource_tracker

    os.closerange(3, connection)
    os.closerange(connection + 1, MOST_FILES)
    vars(forkserver._forkserver).update(
        _forkserver_alive_fd=None, _forkserver_address=None, _forkserver_pid=None
    )
    vars(resource_tracker._resource_tracker).update(_fd=None, _pid=None)


def _limit(limits: Limits) -> None:
    import resource

    def lower(what: int, value: int) -> None:
        hard = resource.getrlimit(what)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # some systems refuse some limits
            resource.setrlimit(what, (value, value))

    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_FSIZE, limits.file)
    lower(resource.RLIMIT_CPU, int(limits.total * (os.cpu_count() or 1)) + 1)
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        lower(resource.RLIMIT_AS, pages * resource.getpagesize() + limits.memory)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # it may be closed, full, or replaced by anything
            stream.flush()

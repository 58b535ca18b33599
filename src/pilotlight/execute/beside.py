"""One long job in a process beside this one, which can be ended at any moment.

Its items come through a pipe. It ends when it is told to, when its work is done, and also when
this process is gone, however it went: nothing is left that trains for nobody.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from pilotlight.execute.processes import END, Died, Job, context, send_all, start

GRACE_SECONDS = 0.15
"""How long it may take to end by itself, taking its own workers along, before it is killed."""


class Beside:
    """A job at work beside this process from the moment this is made."""

    def __init__(self, job: Job, preload: Sequence[str] = ()) -> None:
        made = context(preload)
        self._ours, theirs = made.Pipe(duplex=True)
        self._process: Any = made.Process(target=_work, args=(job, theirs))
        start(self._process)
        theirs.close()

    @property
    def pid(self) -> int:
        """The number of its process."""
        return int(self._process.pid)

    def items(self) -> Iterator[Any]:
        """What it sends, in order; the last is Died if it ended before its work did.

        Raises:
            Whatever the job raised.
        """
        while True:
            try:
                sent = self._ours.recv_bytes()
            except (EOFError, OSError):
                self._process.join()
                yield Died(0, self._process.exitcode)
                return
            if sent == END:
                self._process.join()
                return
            item = pickle.loads(sent)  # from our own process, over our own pipe
            if isinstance(item, BaseException):
                raise item
            yield item

    def end(self) -> None:
        """End it now, if it is still at work; returns when it has ended."""
        self._process.terminate()
        self._process.join(GRACE_SECONDS)
        if self._process.exitcode is None:  # one long step of torch does not hear the signal
            self._process.kill()
            self._process.join()


def _work(job: Job, connection: Any) -> None:
    """In the process: send every item, then the end. Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _leave())
    _share_server()
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    send_all(job, connection)


def _end_with_parent(connection: Any) -> None:
    """Nothing is ever sent to it, so what arrives is the end of the pipe."""
    try:
        connection.recv_bytes()
    except (EOFError, OSError):
        _leave()


def _leave() -> None:
    """End here and now, and the workers of this process with it. A run folder is made for that."""
    for worker in multiprocessing.active_children():
        worker.kill()
    os._exit(128 + signal.SIGTERM)


def _share_server() -> None:
    """Let this process start its own workers from the server that it came from itself.

    Python would start another one, which imports torch once more: a second, and the memory of it.
    """
    if sys.platform == "win32":
        return
    from multiprocessing import forkserver, resource_tracker

    server: Any = forkserver._forkserver
    if server._forkserver_address and not hasattr(server, "_forkserver_authkey"):
        server.ensure_running = resource_tracker.ensure_running

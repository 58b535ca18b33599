"""One process at a time trains into a run folder.

The lock is `flock` on a file that stays; the system releases it when its holder ends, however it
ends (children that the holder forked keep it until they end too). The file names the holder, for
messages only. Windows, and network disks without locks, give none: there nothing keeps two
processes apart, and a run in training is listed as stopped.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from pilotlight.core.errors import RecordError

LOCK = ".lock"
"""The name of the lock file in a run folder."""

if sys.platform == "win32":

    def _take(descriptor: int, *, shared: bool) -> bool:
        return True

    def _release(descriptor: int) -> None:
        pass

else:
    import fcntl

    def _take(descriptor: int, *, shared: bool) -> bool:
        try:
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # this disk has no locks
            return True
        return True

    def _release(descriptor: int) -> None:
        with suppress(OSError):  # this disk has no locks
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def acquire(path: Path) -> int:
    """Take the lock and return its descriptor, for `release`.

    Raises:
        RecordError: another process holds it; says which.
        OSError: the lock file cannot be written.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not _take_soon(descriptor):
            holder = os.read(descriptor, 200).decode(errors="replace") or "another process"
            raise RecordError(
                f"{path.parent} is being trained by {holder}. Wait until it is done or stop it."
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _take_soon(descriptor: int) -> bool:
    """Try for 0.1 s: a process that only asks (`held`) has the lock for microseconds."""
    for _ in range(10):
        if _take(descriptor, shared=False):
            return True
        time.sleep(0.01)
    return False


def release(descriptor: int) -> None:
    """Give the lock back, also for forked children that still know the descriptor."""
    _release(descriptor)
    os.close(descriptor)


def held(path: Path) -> bool:
    """Whether a process is training here now."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _take(descriptor, shared=True)
    finally:
        os.close(descriptor)

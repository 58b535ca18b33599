"""Ctrl-C while torch is imported: the process ends there and then."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pilotlight.cli.codes import STOPPED


@contextmanager
def at_once() -> Iterator[None]:
    """End the process on Ctrl-C while the body imports torch and all that comes with it.

    Raised inside such an import, KeyboardInterrupt is swallowed or comes out as another error.
    Nothing is lost: nothing has been trained yet. Later, when torch is there, nothing is changed.
    """
    usual = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if "torch" in sys.modules or usual is not signal.default_int_handler or not main:
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def _leave(*_: object) -> None:
    os.write(2, b"pilotlight: stopped.\n")
    os._exit(STOPPED)

"""Stop means stop: an interrupt that is neither lost nor breaks a step in two."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

GRACE_SECONDS = 1.0
"""How long a step may take to its end after the interrupt is pressed."""


class InterruptButton:
    """Ctrl-C or a notebook's interrupt button, held back until the step in hand is done.

    Raised in the middle of a step, KeyboardInterrupt is lost about once in ten times, for Python
    drops what is raised while it frees an object, and now and then it breaks torch's transforms.
    So a press waits for the next `heed`. A second press does not wait, nor does a long step.
    """

    def __init__(self) -> None:
        self.pressed = False
        self._usual = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        self._reaches_us = main and callable(self._usual)
        self._hurry = threading.Timer(GRACE_SECONDS, _interrupt, [threading.get_ident()])

    def __enter__(self) -> InterruptButton:
        if self._reaches_us:
            signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, *_: object) -> None:
        self._hurry.cancel()
        if self._reaches_us:
            signal.signal(signal.SIGINT, self._usual)

    def _press(self, *_: object) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True
        self._hurry.start()

    def heed(self) -> None:
        """Stop here if the button was pressed."""
        if self.pressed:
            raise KeyboardInterrupt


@contextmanager
def in_one_piece() -> Iterator[None]:
    """Hold an interrupt back until the body is done; not on Windows, which cannot.

    For imports: one that is broken off comes out as another error, and the compiled modules in it
    cannot be imported a second time.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


if sys.platform == "win32":

    def _interrupt(thread: int) -> None:
        _thread.interrupt_main()

else:

    def _interrupt(thread: int) -> None:
        signal.pthread_kill(thread, signal.SIGINT)  # unlike interrupt_main it ends a wait

"""One `pilotlight` command in a process of its own, forked from one that has imported torch.

It may be made to meet its end at a chosen call to the system: a signal as it makes its n-th call,
or files that must not grow beyond a size.
"""

from __future__ import annotations

import itertools
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

CALLS = ("open", "write", "fsync", "replace", "ftruncate", "unlink")
"""The calls by which a run folder is written."""


class Fault(NamedTuple):
    """Send this process a signal as it makes a call, counted from 0; a write is half done then."""

    call: int
    signal: int

    def arm(self) -> itertools.count:
        """From here on calls are counted; the counter is returned."""
        counter = itertools.count()
        for name in CALLS:
            setattr(os, name, self._watched(name, getattr(os, name), counter))
        return counter

    def _watched(self, name: str, real: Callable, counter: itertools.count) -> Callable:
        def function(*arguments, **options):
            if next(counter) == self.call:
                if name == "write" and self.signal == signal.SIGKILL:
                    real(arguments[0], memoryview(arguments[1])[: len(arguments[1]) // 2])
                os.kill(os.getpid(), self.signal)
            return real(*arguments, **options)

        return function


def run(
    typed: Sequence[str],
    folder: Path,
    out: Path,
    err: Path,
    checkpoint_seconds: float | None,
    fault: Fault | None,
    largest_file: int | None,
) -> None:
    """Do it and end the process with the command's exit code."""
    for path, descriptor in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.chdir(folder)
    import pilotlight.app.training as training
    from pilotlight.cli import main

    if checkpoint_seconds is not None:
        training.run = partial(training.run, checkpoint_seconds=checkpoint_seconds)
    if largest_file is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, hard))
    counter = fault.arm() if fault is not None else None
    code = main(list(typed))
    if counter is not None:
        print(f"{next(counter)} calls", file=sys.stderr)
    sys.exit(code)

"""A process that trains into a run folder and is killed; `test_kill.py` reads what is left.

    python toy_trainer.py random FOLDER COPIES SECONDS...   kill at these moments, resuming between
    python toy_trainer.py every FOLDER COPIES               kill at each call to the system in turn

torch is imported once; the processes that are killed are forks of this one.
"""

import itertools
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from pilotlight.core.event import Checkpoint, Measured
from pilotlight.record.folder import Folder

CALLS = ("open", "write", "fsync", "replace", "ftruncate", "unlink")
STEPS = 5


def train(path: Path, steps: int, size: int) -> None:
    """Go on from the checkpoint; every number follows from the step."""
    folder = Folder.open(path)
    with folder.lock():
        checkpoint = folder.load_checkpoints().get(0)
        first = 0 if checkpoint is None else checkpoint.step + 1
        for step in range(first, 0 if folder.finished else steps):
            folder.append(Measured(0, step, step / 10, (0, 1), {"loss": (step * 0.1, None)}))
            if step % 2 == 1:
                tensors = {"w": torch.full((size,), float(step)), "n": torch.tensor(step)}
                folder.save_checkpoint(Checkpoint(0, step, tensors, {"step": step}))
        folder.save_weights(0, {"0/w": torch.full((size,), float(steps))})
        folder.save_weights(1, {"1/w": torch.full((size,), float(-steps))})
        folder.finish({"steps": steps}, {"loss": np.arange(steps)})


def die_at(call: int) -> None:
    """Kill this process as it makes its `call`-th call; a write is half done by then."""
    counter = itertools.count()

    def deadly(name: str) -> Callable[..., object]:
        real = getattr(os, name)

        def function(*arguments, **options):
            if next(counter) == call:
                if name == "write":
                    real(arguments[0], memoryview(arguments[1])[: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return function

    for name in CALLS:
        setattr(os, name, deadly(name))


def fork(work: Callable[[], None]) -> int:
    """Start `work` in a process of its own; returns its number."""
    process = os.fork()
    if process == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    return process


def killed(process: int) -> bool:
    """Wait for the end; fails when it ended by an error."""
    _, status = os.waitpid(process, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("the trainer failed")
    return os.WIFSIGNALED(status)


def at_random(path: Path, copies: Path, moments: list[float]) -> None:
    """Each process resumes what the one before it left."""
    for number, seconds in enumerate(moments):
        process = fork(lambda: train(path, 10**9, size=100_000))
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
        assert killed(process)
        shutil.copytree(path, copies / str(number))


def at_every_call(path: Path, copies: Path) -> None:
    """Keep what each kill left, and what resuming made of it, until nothing is left to kill."""
    for call in itertools.count():
        work = copies / f"resumed-{call}"
        shutil.copytree(path, work)

        def doomed(work: Path = work, call: int = call) -> None:
            die_at(call)
            train(work, STEPS, size=100)

        was_killed = killed(fork(doomed))
        shutil.copytree(work, copies / f"killed-{call}")
        assert not killed(fork(lambda work=work: train(work, STEPS, size=100)))
        if not was_killed:
            return


if __name__ == "__main__":
    torch.set_num_threads(1)
    mode, folder, copies, *moments = sys.argv[1:]
    if mode == "random":
        at_random(Path(folder), Path(copies), [float(m) for m in moments])
    else:
        at_every_call(Path(folder), Path(copies))

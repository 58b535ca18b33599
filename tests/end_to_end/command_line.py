"""The command line in real processes, and what to look at in the folders it leaves.

Most commands are forked from a server that has imported torch once, so that each starts in a tenth
of a second; `cold` is `python -m pilotlight`, as a person types it.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import one_command

from pilotlight.core.event import CohortDone, Finished
from pilotlight.record.folder import Folder

RING = Path(__file__).with_name("ring.py")
PRELOAD = ["torch", "sklearn.datasets", "pilotlight.app.running", "pilotlight.app.writing"]
PRELOAD += ["pilotlight.app.reporting", "pilotlight.present.terminal"]


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit code (minus the signal that killed it) and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stdout holds: one JSON value without NaN and nothing else."""
        return json.loads(self.out, parse_constant=refuse)


def refuse(constant: str) -> None:
    """NaN and Infinity are not JSON, though Python reads them."""
    raise AssertionError(f"{constant} in JSON")


@dataclass
class Process:
    """A command at work."""

    process: Any
    out: Path
    err: Path

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)

    def wait(self, seconds: float = 120) -> Ended:
        """Its end, which must come."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, "it does not end"
        return Ended(
            self.process.exitcode, self.out.read_text("utf-8"), self.err.read_text("utf-8")
        )

    def poll(self) -> int | None:
        """Its exit code, None while it works."""
        return self.process.exitcode


class CommandLine:
    """`pilotlight`, typed in a new folder."""

    def __init__(self, place: Path) -> None:
        self.folder = place / "here"
        self.folder.mkdir()
        self._place = place  # what commands say is kept beside, so that they cannot trip over it
        self._context: Any = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOAD)
        self._started: list[Process] = []

    def start(
        self,
        *typed: object,
        checkpoint_seconds: float | None = None,
        fault: Any = None,
        largest_file: int | None = None,
    ) -> Process:
        """Type a command and do not wait for it."""
        number = len(self._started)
        out, err = (self._place / f"{number}.{name}" for name in ("out", "err"))
        words = [str(word) for word in typed]
        arguments = (words, self.folder, out, err, checkpoint_seconds, fault, largest_file)
        process = self._context.Process(target=one_command.run, args=arguments)
        process.start()
        self._started.append(Process(process, out, err))
        return self._started[-1]

    def __call__(self, *typed: object, **how: Any) -> Ended:
        """Type a command and wait for its end."""
        return self.start(*typed, **how).wait()

    def end(self) -> None:
        """Leave no process behind, whatever the test came to."""
        for started in self._started:
            if started.process.is_alive():
                started.process.kill()
            started.process.join()


def cold(folder: Path, *typed: object, new_session: bool = False) -> subprocess.Popen:
    """`python -m pilotlight ...`, as a person types it."""
    return subprocess.Popen(
        [sys.executable, "-m", "pilotlight", *map(str, typed)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=new_session,
    )


def wait_for(process: Process | subprocess.Popen, reached: Callable[[], bool]) -> None:
    """Wait until a process that is at work has come so far."""
    end = time.monotonic() + 60
    while not reached():
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < end, "it is too slow"
        time.sleep(0.002)


def lines(folder: Path) -> int:
    """How many lines the journal of a run has by now."""
    journal = folder / "journal.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def contents(folder: Path) -> dict[str, str]:
    """A hash of every file below a folder, to see that nothing was touched."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def longer(folder: Path, epochs: int) -> Path:
    """The lab with as many epochs as its own, so that there is time to stop it."""
    path = folder / "long_ring.py"
    text = RING.read_text("utf-8")
    text = text.replace("epochs=pl.whole(1, 1000, 6)", f"epochs=pl.whole(1, 1000, {epochs})")
    text = text.replace("patience=pl.whole(0, 1000, 4)", "patience=pl.whole(0, 1000, 1000)")
    path.write_text(text, "utf-8")
    return path


def timeless(events: list) -> list:
    """Events without what the clock says."""
    return [
        replace(event, seconds=0.0) if isinstance(event, CohortDone | Finished) else event
        for event in events
    ]


def assert_same_run(folder: Path, whole: Path, in_order: bool = True) -> None:
    """All numbers of a run are, bit for bit, those of one that was never interrupted.

    Its events are told once each; in the same order too, unless workers told them side by side.
    """
    ours, theirs = Folder.open(folder), Folder.open(whole)
    assert (ours.state, theirs.state) == ("finished", "finished")
    events, expected = timeless(ours.events()), timeless(theirs.events())
    if not in_order:
        events, expected = (sorted(told, key=repr) for told in (events, expected))
    assert events == expected
    assert {**ours.result, "seconds": 0} == {**theirs.result, "seconds": 0}
    for name in ("weights.safetensors", "history.npz"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name
    assert contents(folder).keys() == contents(whole).keys()

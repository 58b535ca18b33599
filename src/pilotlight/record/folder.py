"""The run folder: everything one run wrote, and all that is needed to resume or read it.

config.json              what was asked for, resolved, with the plan; written once
journal.jsonl            events, one a line, appended as they happen
checkpoint.safetensors   where each cohort in training goes on from; gone when the run is finished
weights-N.safetensors    the networks of cohort N when it is trained; gone when the run is finished
weights.safetensors      all networks of a finished run: "member/parameter name" to tensor
history.npz              curves as arrays
result.json              verdicts and all beside them; written last, so it says: finished
report.html, figures/    for reading
.lock                    held by the process that trains here

Every file but the journal appears whole or not at all. Nothing inside names the folder's own place,
so a copy opens anywhere. No file needs pickle.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pilotlight.core.errors import RecordError
from pilotlight.core.event import Checkpoint, Event
from pilotlight.record.atomic import damaged, not_written, replace_file
from pilotlight.record.config import CONFIG, FORMAT, json_bytes, json_mapping, read_config
from pilotlight.record.create import new_folder
from pilotlight.record.journal import Journal
from pilotlight.record.lock import LOCK, acquire, held, release

if TYPE_CHECKING:  # `pilotlight runs` should not wait for torch
    import numpy as np
    from torch import Tensor

JOURNAL = "journal.jsonl"
CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "weights.safetensors"
PARTS = "weights-*.safetensors"
HISTORY = "history.npz"
RESULT = "result.json"
OF = ":"

T = TypeVar("T")


class Folder:
    """One run on disk. Make it with `create` or `open`.

    All methods raise RecordError, in words for a person, when the disk is full, the folder cannot
    be written or read, or a file in it is damaged. What was there before is then unchanged.
    """

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.path = path
        self.config = config
        self._journal = Journal(path / JOURNAL)
        self._checkpoints: dict[int, Checkpoint] = {}

    @classmethod
    def create(
        cls,
        name: str,
        config: Mapping[str, Any],
        out: str | None = None,
        root: Path = Path("runs"),
    ) -> Folder:
        """A new run folder: `out`, which must be new or empty, or else root/NAME-DATE-ID.

        The format's version is added to `config`; what is not finite in it becomes null.

        Raises:
            RecordError: `out` is a file or not empty (says what is there), or cannot be written.
        """
        data = json_bytes({**config, "format": FORMAT})
        with new_folder(name, out, root) as path:
            replace_file(path / CONFIG, data)
        return cls(path, json_mapping(data))

    @classmethod
    def open(cls, path: str | Path) -> Folder:
        """The run folder at `path`, wherever it was made.

        Raises:
            RecordError: no such folder, no run folder, a damaged config.json, or a newer format.
        """
        return cls(Path(path), read_config(Path(path)))

    @property
    def finished(self) -> bool:
        """Whether the run is complete: its result is there."""
        return os.path.exists(self.path / RESULT)

    @property
    def state(self) -> Literal["finished", "running", "stopped"]:
        """Running while a process holds the lock; stopped runs can be resumed."""
        if self.finished:
            return "finished"
        return "running" if held(self.path / LOCK) else "stopped"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Train here, alone. The system gives the lock back even after `kill -9`.

        Files that a killed process was still writing are removed.

        Raises:
            RecordError: another process trains here; says which.
        """
        with self._writing(LOCK) as path:
            descriptor = acquire(path)
        try:
            self._tidy()
            yield
        finally:
            try:
                self._tidy()  # where `finish` was interrupted, nobody would come back for it
            finally:
                self._journal.close()
                release(descriptor)

    def events(self) -> list[Event]:
        """What happened so far, in order, each event once; unknown kinds are left out.

        Raises:
            RecordError: a line in the middle is broken; names it. Half a line at the end is the
                usual trace of a killed run and is left out.
        """
        try:
            return self._journal.events()
        except OSError as error:
            raise RecordError(f"{self._journal.path} cannot be read: {error.strerror}.") from error

    def append(self, event: Event) -> None:
        """Write an event into the journal; passing events (`recorded` is False) are not written."""
        if event.recorded:
            with self._writing(JOURNAL):
                self._journal.append(event)

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint of its cohort; those of other cohorts in training stay.

        The journal goes to the disk first: it never knows less.
        """
        from pilotlight.record.pack import pack_tensors

        self._checkpoints[checkpoint.cohort] = checkpoint
        tensors = {
            f"{cohort}{OF}{name}": tensor
            for cohort, kept in self._checkpoints.items()
            for name, tensor in kept.tensors.items()
        }
        about = [
            {"cohort": kept.cohort, "step": kept.step, "about": dict(kept.about)}
            for kept in self._checkpoints.values()
        ]
        with self._writing(JOURNAL):
            self._journal.sync()
        self._replace(CHECKPOINT, pack_tensors(tensors, {"cohorts": about}))

    def load_checkpoints(self) -> dict[int, Checkpoint]:
        """Where to go on from, by cohort. Tensors come back on the CPU, bit for bit.

        `about` comes back as JSON has it: tuples as lists, all keys as texts.
        """
        from pilotlight.record.pack import unpack_tensors

        if not os.path.exists(self.path / CHECKPOINT):
            return {}
        instead = "Copy the folder again, or delete this file: the run then starts over."
        tensors, found = self._read(CHECKPOINT, unpack_tensors, instead)
        groups: dict[str, dict[str, Tensor]] = {}
        for path, tensor in tensors.items():
            cohort, _, name = path.partition(OF)
            groups.setdefault(cohort, {})[name] = tensor
        self._checkpoints = {
            about["cohort"]: Checkpoint(tensors=groups.get(str(about["cohort"]), {}), **about)
            for about in found["cohorts"]
        }
        return dict(self._checkpoints)

    def save_weights(self, cohort: int, weights: Mapping[str, Tensor]) -> None:
        """Keep the networks of a trained cohort: "member/parameter name" to tensor.

        Call it before its CohortDone is appended, so that the journal never promises too much.
        """
        from pilotlight.record.pack import pack_tensors

        self._replace(PARTS.replace("*", str(cohort)), pack_tensors(weights))
        self._checkpoints.pop(cohort, None)

    def weights(self, cohorts: Sequence[int] | None = None) -> dict[str, Tensor]:
        """The networks of all cohorts trained so far: "member/parameter name" to tensor.

        `cohorts` asks for those of some; a finished run no longer knows which those were.
        """
        from pilotlight.record.pack import unpack_tensors

        merged = self.path / WEIGHTS
        files = [merged] if self.finished else sorted(self.path.glob(PARTS))
        if cohorts is not None:
            files = [self.path / PARTS.replace("*", str(cohort)) for cohort in cohorts]
        found: dict[str, Tensor] = {}
        for file in files:
            if file.exists():  # an exact lab trains no networks
                found |= self._read(file.name, unpack_tensors)[0]
        return found

    def finish(self, result: Mapping[str, Any], history: Mapping[str, np.ndarray]) -> None:
        """Write all that a finished run has, the result last, then remove what only resuming needs.

        Where it was interrupted it may be called again; a finished run stays as it is.
        """
        from pilotlight.record.pack import pack_arrays, pack_tensors

        if not self.finished:
            with self._writing(JOURNAL):
                self._journal.sync()
            if weights := self.weights():
                self._replace(WEIGHTS, pack_tensors(weights))
            self._replace(HISTORY, pack_arrays(history))
            self._replace(RESULT, json_bytes(result))
        self._tidy()

    @property
    def result(self) -> dict[str, Any] | None:
        """What `finish` was given, as JSON has it; None while the run is not finished."""
        return self._read(RESULT, json_mapping) if self.finished else None

    def history(self) -> dict[str, np.ndarray]:
        """The curves that `finish` was given; empty while the run is not finished."""
        from pilotlight.record.pack import unpack_arrays

        return self._read(HISTORY, unpack_arrays) if self.finished else {}

    def write_text(self, name: str, text: str) -> Path:
        """Write or replace a file for people, such as report.html; UTF-8."""
        return self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, data: bytes) -> Path:
        """Write or replace a file for people, such as figures/loss.png; returns its path."""
        with self._writing(name) as path:
            if path.parent != self.path:
                path.parent.mkdir(exist_ok=True)
            replace_file(path, data)
        return path

    def _replace(self, name: str, data: bytes) -> None:
        with self._writing(name) as path:
            replace_file(path, data)

    @contextmanager
    def _writing(self, name: str) -> Iterator[Path]:
        path = self.path / name
        try:
            yield path
        except OSError as error:
            kept, then = "The finished run is kept", "try again"
            if not self.finished:
                kept = "What was written so far is kept"
                then = f"`pilotlight run --resume {shlex.quote(str(self.path))}`"
            raise not_written(path, error, kept, then) from error

    def _read(
        self, name: str, unpack: Callable[[bytes], T], instead: str = "Copy the folder again."
    ) -> T:
        path = self.path / name
        try:
            return unpack(path.read_bytes())
        except OSError as error:
            raise RecordError(f"{path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise damaged(path, error, instead) from error

    def _tidy(self) -> None:
        """Remove what a killed process was writing and, of a finished run, what resuming needs."""
        unneeded = [f".*.{kind}.*.tmp" for kind in ("safetensors", "npz", "json")]
        if self.finished:
            unneeded += [PARTS, CHECKPOINT]
        for pattern in unneeded:
            for file in self.path.glob(pattern):
                with suppress(OSError):  # it does no harm where it is
                    file.unlink()

"""Making a new run folder, so that two runs never share one."""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from pilotlight.core.errors import RecordError
from pilotlight.record.atomic import not_written
from pilotlight.record.config import CONFIG
from pilotlight.record.lock import LOCK


@contextmanager
def new_folder(name: str, out: str | None, root: Path) -> Iterator[Path]:
    """Make the folder `out`, or root/NAME-DATE-ID; take it away again where the body fails.

    Raises:
        RecordError: `out` is a file or not empty, or nothing can be written there.
    """
    try:
        path, made = _named(Path(out)) if out is not None else (_dated(root, name), True)
        _claim(path)
        try:
            yield path
        except BaseException:
            _unmake(path, whole=made)
            raise
    except OSError as error:
        where = Path(out) if out is not None else root
        kept, then = "Nothing was started", "run again, or name another folder with `--out`"
        raise not_written(where, error, kept, then) from error


def _dated(root: Path, name: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    while True:
        path = root / f"{name}-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        with suppress(FileExistsError):  # another run drew the same ID in the same second
            path.mkdir()
            return path


def _named(path: Path) -> tuple[Path, bool]:
    """The folder, and whether it is new."""
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        if not path.is_dir():
            raise RecordError(
                f"{path} is a file. `--out` names a new or an empty folder."
            ) from None
        _refuse_unless_empty(path)
        return path, False
    return path, True


def _refuse_unless_empty(path: Path) -> None:
    there = sorted(os.listdir(path))
    if CONFIG in there:
        raise RecordError(
            f"{path} already holds a run. Name a new or an empty folder, or go on with that run: "
            f"`pilotlight run --resume {shlex.quote(str(path))}`."
        )
    if there:
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise RecordError(
            f"{path} is not empty: it holds {', '.join(there[:3])}{more}. "
            "Name a new or an empty folder."
        )


def _claim(path: Path) -> None:
    """Of two processes that find the folder empty at one moment, one makes the lock file."""
    try:
        os.close(os.open(path / LOCK, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except FileExistsError:
        raise RecordError(
            f"Another process is starting a run in {path}. Name another folder."
        ) from None


def _unmake(path: Path, *, whole: bool) -> None:
    with suppress(OSError):
        (path / LOCK).unlink()
        if whole:
            path.rmdir()

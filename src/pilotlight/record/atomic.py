"""Writing files so that whoever reads, whenever the writer is killed, finds a whole one."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from pilotlight.core.errors import RecordError

BINARY = getattr(os, "O_BINARY", 0)
"""Keeps Windows from writing two bytes for each line end; nothing elsewhere."""

_CAUSES = {
    errno.ENOSPC: ("The disk is full", "free some space"),
    errno.EDQUOT: ("Your disk quota is used up", "free some space"),
    errno.EFBIG: ("The file would be larger than is allowed", "raise the limit (`ulimit -f`)"),
    errno.EACCES: ("You may not write there", "make the folder writable"),
    errno.EPERM: ("You may not write there", "make the folder writable"),
    errno.EROFS: ("The disk is read-only", "make it writable or copy the folder elsewhere"),
    errno.ENAMETOOLONG: ("The name is too long", "choose a shorter one"),
    errno.ENOENT: ("The folder is gone", "put it back"),
    errno.ENOTDIR: ("A part of the path is a file", "choose another path"),
}


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes: one call to the system, more only where it took a part.

    Raises:
        OSError: what kept the system from taking the rest (a full disk, ...).
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` beside `path`, force it to the disk, then put it in the place of `path` at once.

    Raises:
        OSError: the file that was there before is unchanged, and nothing is left beside it.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY
    try:
        descriptor = os.open(temporary, flags, 0o666)
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """Force a new name to the disk. Windows and some network disks cannot; the file is safe."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def not_written(path: Path, error: OSError, kept: str, then: str) -> RecordError:
    """Why `path` could not be written, what is kept, and what to do about it.

    Example: "The disk is full: runs/a/result.json could not be written. {kept}; free some space,
    then {then}."
    """
    unlisted = (error.strerror or str(error), "mend that")
    cause, remedy = _CAUSES.get(error.errno or 0, unlisted)
    return RecordError(f"{cause}: {path} could not be written. {kept}; {remedy}, then {then}.")


def damaged(path: Path, error: ValueError, instead: str = "Copy the folder again.") -> RecordError:
    """What is wrong with a file that cannot be read as what it should be, and what to do."""
    return RecordError(
        f"{path} is damaged ({error}). Pilotlight writes it as a whole or not at all, so something "
        f"else changed or cut it. {instead}"
    )

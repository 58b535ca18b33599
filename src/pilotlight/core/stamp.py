"""Whether a file has changed since it was last looked at."""

from __future__ import annotations

import os
from pathlib import Path

Stamp = tuple[int, int] | None


def stamp_of(path: Path) -> Stamp:
    """When a file was last changed (nanoseconds) and its bytes; None where none can be seen."""
    try:
        status = os.stat(path)
    except OSError:  # not there, or an editor is just replacing it as a whole
        return None
    return status.st_mtime_ns, status.st_size


def stamps_of(*paths: Path) -> tuple[Stamp, ...]:
    """What changes when one of these files does."""
    return tuple(stamp_of(path) for path in paths)

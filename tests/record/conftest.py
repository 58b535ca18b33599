"""What the tests of the run folder share."""

import errno
import os
from pathlib import Path

import pytest

from pilotlight.record.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    config = {"lab": "momentum", "started": "2024-05-01T10:00:00+00:00", "evidence": True}
    return Folder.create("momentum", config, out=str(tmp_path / "run"))


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch):
    """Call it with a number of bytes: the disk takes that many more, in parts, as a real one."""
    write = os.write

    def fill(room: int) -> None:
        left = [room]

        def limited(descriptor, data):
            if not left[0]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = write(descriptor, memoryview(data)[: left[0]])
            left[0] -= written
            return written

        monkeypatch.setattr(os, "write", limited)

    return fill

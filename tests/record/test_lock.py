"""One process at a time trains into a folder; a killed one is not in the way."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pilotlight.core.errors import RecordError
from pilotlight.record import lock
from pilotlight.record.folder import Folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no locks on Windows")

HOLDER = """
import sys, time
from pilotlight.record.folder import Folder
with Folder.open(sys.argv[1]).lock():
    print("locked", flush=True)
    sys.stdin.read()
"""


@contextmanager
def _other_process(folder: Folder) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-c", HOLDER, folder.path]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "locked\n"
            yield process
        finally:
            process.kill()


def test_a_second_process_is_told_who_trains(folder: Folder) -> None:
    with _other_process(folder) as process:
        assert folder.state == "running"
        words = f"{folder.path} is being trained by process {process.pid} on .*Wait"
        with pytest.raises(RecordError, match=words), folder.lock():
            pass


def test_the_system_releases_the_lock_of_a_killed_process(folder: Folder) -> None:
    with _other_process(folder) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        assert folder.state == "stopped"
        with folder.lock():
            assert folder.state == "running"


def test_it_is_released_at_the_end_and_after_an_error(folder: Folder) -> None:
    with folder.lock():
        pass
    with pytest.raises(OSError, match="of the training"), folder.lock():
        raise OSError(errno.ENOSPC, "of the training")  # not ours to reword
    with folder.lock():
        assert folder.state == "running"
    assert folder.state == "stopped"


def test_one_process_cannot_train_twice_either(folder: Folder) -> None:
    with (
        folder.lock(),
        pytest.raises(RecordError, match=f"trained by process {os.getpid()} on "),
        Folder.open(folder.path).lock(),
    ):
        pass


def test_asking_at_the_wrong_moment_does_not_stop_training(folder: Folder, monkeypatch) -> None:
    path = folder.path / lock.LOCK
    asking = os.open(path, os.O_RDONLY)
    assert lock._take(asking, shared=True)
    monkeypatch.setattr(lock.time, "sleep", lambda _seconds: lock._release(asking))
    with folder.lock():
        assert folder.state == "running"
    os.close(asking)


def test_a_disk_without_locks_trains_without(folder: Folder, monkeypatch) -> None:
    def unsupported(*_arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", unsupported)
    with folder.lock():
        assert folder.state == "stopped"


def test_a_read_only_folder_is_said_in_words(folder: Folder, monkeypatch) -> None:
    def refused(*_arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(RecordError, match=r"You may not write there: .*\.lock"), folder.lock():
        pass


def test_a_failed_start_holds_nothing(folder: Folder, full_disk, monkeypatch) -> None:
    full_disk(0)
    with pytest.raises(RecordError, match="The disk is full"), folder.lock():
        pass
    assert folder.state == "stopped"
    monkeypatch.undo()
    with folder.lock():
        assert folder.state == "running"


def test_what_a_killed_process_was_writing_is_removed(folder: Folder) -> None:
    left = [".checkpoint.safetensors.0a1b.tmp", ".result.json.0a1b.tmp", ".history.npz.ff.tmp"]
    for name in left:
        (folder.path / name).write_bytes(b"half")
    mine = folder.write_text("figures/.note.tmp", "mine")
    with folder.lock():
        assert not [name for name in left if (folder.path / name).exists()]
    assert mine.exists()
    assert Path(folder.path / "config.json").exists()

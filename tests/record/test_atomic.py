"""Files are whole or not there, and what went wrong is said in words."""

import errno
import os
from pathlib import Path

import pytest

from pilotlight.record.atomic import not_written, replace_file


def test_replaces_a_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_group_may_read_what_its_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_the_bytes_are_on_the_disk_before_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = []
    for name in ("write", "fsync", "replace"):
        real = getattr(os, name)

        def noted(*arguments, real=real, name=name):
            order.append(name)
            return real(*arguments)

        monkeypatch.setattr(os, name, noted)
    replace_file(tmp_path / "a", b"x")
    assert order == ["write", "fsync", "replace", "fsync"]  # the last one is the folder's


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "a"
    replace_file(path, b"old")

    def fails(*_arguments):
        raise OSError(errno.EIO, "broken")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fails)
        with pytest.raises(OSError, match="broken"):
            replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_stop_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    replace_file(tmp_path / "a", b"old")

    def interrupted(_descriptor):
        raise KeyboardInterrupt("Ctrl-C")

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        replace_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_disk_that_takes_parts_gets_all_of_it(tmp_path: Path, monkeypatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda d, data: write(d, memoryview(data)[:3]))
    replace_file(tmp_path / "a", b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "The disk is full: runs/a could not be written. Kept; free some space, "),
        (errno.EDQUOT, "Your disk quota is used up: "),
        (errno.EACCES, "You may not write there: "),
        (errno.EROFS, "The disk is read-only: "),
        (errno.EIO, f"{os.strerror(errno.EIO)}: "),
    ],
)
def test_the_reason_is_said_in_words(code: int, words: str) -> None:
    problem = not_written(Path("runs/a"), OSError(code, os.strerror(code)), "Kept", "try again")
    assert str(problem).startswith(words)
    assert str(problem).endswith(", then try again.")

"""New run folders: named by a person or by name, date and ID; never shared, never overwritten."""

import errno
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pilotlight.core.errors import RecordError
from pilotlight.record import create
from pilotlight.record.folder import Folder


def test_without_out_the_name_has_lab_date_and_id(tmp_path: Path) -> None:
    folder = Folder.create("momentum", {}, root=tmp_path / "new" / "runs")
    assert folder.path.parent == tmp_path / "new" / "runs"
    assert re.fullmatch(r"momentum-\d{8}-\d{6}-[0-9a-f]{6}", folder.path.name)


def test_an_id_drawn_twice_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Now(create.datetime):
        @classmethod
        def now(cls, tz=None):
            return create.datetime(2024, 5, 1, 10, 0, 7)

    drawn = iter(["aaaaaa", "11", "aaaaaa", "bbbbbb", "22"])  # the others are of temporary files
    monkeypatch.setattr(create, "datetime", Now)
    monkeypatch.setattr("secrets.token_hex", lambda _bytes: next(drawn))
    names = [Folder.create("gan", {}, root=tmp_path).path.name for _ in range(2)]
    assert names == ["gan-20240501-100007-aaaaaa", "gan-20240501-100007-bbbbbb"]


def test_out_names_the_folder_itself(tmp_path: Path) -> None:
    folder = Folder.create("momentum", {"lab": "momentum"}, out=str(tmp_path / "a" / "b"))
    assert folder.path == tmp_path / "a" / "b"
    assert Folder.open(tmp_path / "a" / "b").config == {"lab": "momentum", "format": 1}


def test_out_may_be_an_empty_folder(tmp_path: Path) -> None:
    assert Folder.create("momentum", {}, out=str(tmp_path)).path == tmp_path


def test_out_that_holds_something_is_refused_and_untouched(tmp_path: Path) -> None:
    for name in ("d.csv", "a.txt", "c.csv", "b.csv", "e.csv"):
        (tmp_path / name).touch()
    with pytest.raises(
        RecordError, match=r"not empty: it holds a.txt, b.csv, c.csv and 2 more\. Name a new"
    ):
        Folder.create("momentum", {}, out=str(tmp_path))
    assert len(os.listdir(tmp_path)) == 5


def test_out_that_holds_a_run_says_how_to_go_on(folder: Folder) -> None:
    with pytest.raises(RecordError, match=f"holds a run.*`pilotlight run --resume {folder.path}`"):
        Folder.create("momentum", {"other": 1}, out=str(folder.path))
    assert Folder.open(folder.path).config == folder.config


def test_out_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(RecordError, match=r"a.txt is a file\. .*names a new or an empty folder"):
        Folder.create("momentum", {}, out=str(tmp_path / "a.txt"))
    with pytest.raises(RecordError, match=r"A part of the path is a file: .*choose another path"):
        Folder.create("momentum", {}, out=str(tmp_path / "a.txt" / "run"))
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(RecordError, match=r"runs could not be written\. Nothing was started"):
        Folder.create("momentum", {}, root=tmp_path / "runs")


def test_a_root_whose_disk_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").symlink_to(tmp_path / "not mounted")
    with pytest.raises(RecordError, match=r"runs could not be written\. Nothing was started"):
        Folder.create("momentum", {}, root=tmp_path / "runs")


def test_a_name_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"^The name is too long: .* choose a shorter one, then"):
        Folder.create("momentum", {}, out=str(tmp_path / ("x" * 300)))


def test_of_many_at_once_one_gets_the_folder(tmp_path: Path) -> None:
    def attempt(number: int) -> int | None:
        try:
            Folder.create("momentum", {"number": number}, out=str(tmp_path / "run"))
        except RecordError:
            return None
        return number

    with ThreadPoolExecutor(8) as threads:
        got = [n for n in threads.map(attempt, range(32)) if n is not None]
    assert len(got) == 1
    assert Folder.open(tmp_path / "run").config["number"] == got[0]


def test_a_full_disk_leaves_no_folder(tmp_path: Path, full_disk) -> None:
    full_disk(5)
    with pytest.raises(RecordError, match=r"The disk is full: .*Nothing was started; free some"):
        Folder.create("momentum", {}, out=str(tmp_path / "run"))
    with pytest.raises(RecordError, match="The disk is full"):
        Folder.create("momentum", {}, root=tmp_path / "runs")
    assert os.listdir(tmp_path) == ["runs"]
    assert os.listdir(tmp_path / "runs") == []


def test_a_full_disk_leaves_an_empty_folder_empty(tmp_path: Path, full_disk) -> None:
    full_disk(0)
    with pytest.raises(RecordError, match="The disk is full"):
        Folder.create("momentum", {}, out=str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_a_read_only_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_arguments):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "mkdir", refused)
    with pytest.raises(RecordError, match=r"The disk is read-only: .*`--out`\.$"):
        Folder.create("momentum", {}, out=str(tmp_path / "run"))

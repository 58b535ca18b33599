"""What makes a folder a run, and one clear line for each way in which it is none."""

import json
import math
from pathlib import Path

import pytest

from pilotlight.core.errors import RecordError
from pilotlight.record.config import FORMAT, json_bytes, json_mapping, read_config


def _config(folder: Path, text: str) -> Path:
    (folder / "config.json").write_text(text)
    return folder


def test_json_is_readable_and_strict() -> None:
    data = json_bytes({"question": "Does it – really?", "loss": math.nan, "best": [math.inf, 1]})
    assert "Does it – really?" in data.decode()
    assert json.loads(data, parse_constant=pytest.fail) == {
        "question": "Does it – really?",
        "loss": None,
        "best": [None, 1],
    }


def test_a_file_name_that_is_not_utf8_comes_back() -> None:
    name = b"caf\xe9.npy".decode("utf-8", "surrogateescape")
    assert json_mapping(json_bytes({"data": name})) == {"data": name}


def test_reads_a_config(tmp_path: Path) -> None:
    assert read_config(_config(tmp_path, '{"format": 1, "lab": "a"}')) == {"format": 1, "lab": "a"}


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"There is no folder .*/gone\. `pilotlight runs` lists"):
        read_config(tmp_path / "gone")


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(RecordError, match=r"is not a run folder: it has no config\.json"):
        read_config(tmp_path)


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(RecordError, match=r"notes.txt is a file, not a run folder\.$"):
        read_config(tmp_path / "notes.txt")


def test_a_file_inside_a_run_names_the_folder(tmp_path: Path) -> None:
    _config(tmp_path, '{"format": 1}')
    with pytest.raises(RecordError, match=f"a run folder. Name its folder: {tmp_path}$"):
        read_config(tmp_path / "config.json")


@pytest.mark.parametrize("text", ['{"format": 1, "la', "", "[1, 2]", "\0\0\0\0", '"text"'])
def test_a_damaged_config(tmp_path: Path, text: str) -> None:
    with pytest.raises(RecordError, match=r"config.json is damaged \(.+\). .* Copy the folder"):
        read_config(_config(tmp_path, text))


def test_a_config_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b'{"format": "\xff\xfe"}')
    with pytest.raises(RecordError, match=r"config\.json is damaged"):
        read_config(tmp_path)


@pytest.mark.parametrize("version", ['"1"', "null", "0", "true", "1.0"])
def test_somebody_elses_config(tmp_path: Path, version: str) -> None:
    with pytest.raises(RecordError, match="no format that Pilotlight wrote"):
        read_config(_config(tmp_path, f'{{"format": {version}}}'))


def test_a_newer_format_says_who_wrote_it(tmp_path: Path) -> None:
    text = json.dumps({"format": FORMAT + 1, "pilotlight": "7.2.0", "other": "keys"})
    with pytest.raises(RecordError, match=r"Pilotlight 7\.2\.0 in format 2; .* Update Pilotlight"):
        read_config(_config(tmp_path, text))


def test_a_config_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _config(tmp_path, '{"format": 1}')

    def refused(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(RecordError, match=r"config.json cannot be read: Permission denied\.$"):
        read_config(tmp_path)

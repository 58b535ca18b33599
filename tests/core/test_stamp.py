"""The stamp of a file: it changes when the file does, and nothing is raised where there is none."""

from __future__ import annotations

import os
from pathlib import Path

from pilotlight.core.stamp import stamp_of, stamps_of


def test_another_text_of_the_same_length_has_another_stamp(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one")
    os.utime(file, ns=(0, 1))
    before = stamp_of(file)
    file.write_text("two")
    assert stamp_of(file) != before


def test_another_length_has_another_stamp_at_the_same_moment(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one")
    before = stamp_of(file)
    assert before is not None
    file.write_text("one more")
    os.utime(file, ns=(before[0], before[0]))
    assert stamp_of(file) != before


def test_a_file_that_is_not_there_has_none(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.touch()
    assert stamps_of(here, tmp_path / "gone") == (stamp_of(here), None)

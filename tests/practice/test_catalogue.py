"""Exercises are read as text, at once and without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pilotlight.core.errors import UsageError
from pilotlight.practice import catalogue
from pilotlight.practice.exercise import AREAS, Exercise

HEAD = (
    '"""{name}: one."""\n\n# --- checks ---\n\nexercise = Exercise(\n    area="{area}",\n{more})\n'
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "exercises"
    folder.mkdir()
    monkeypatch.setattr(catalogue, "HOME", folder)
    return folder


def write(home: Path, name: str, area: str = "training", **fields: object) -> None:
    more = "".join(f"    {field}={value!r},\n" for field, value in fields.items())
    (home / f"{name}.py").write_text(HEAD.format(name=name, area=area, more=more))


def test_an_entry_is_what_the_file_says(entry):
    assert (entry.name, entry.title) == ("two-fold", "Twice: a number doubled")
    assert (entry.area, entry.needs, entry.lab, entry.minutes) == ("training", (), "", 5)
    assert entry.file == "two_fold.py"
    assert entry.hints == ("Think of two, and of [brackets],", "x * 2")
    assert entry.mistakes == 4


def test_areas_follow_the_course_and_needs_come_first(home):
    write(home, "a_last", "attention")
    write(home, "b_second", needs=["z-first"])
    write(home, "z_first")
    assert [e.name for e in catalogue.entries()] == ["z-first", "b-second", "a-last"]


def test_a_list_over_several_lines_is_read(home):
    (home / "x.py").write_text(
        HEAD.format(
            name="x", area="training", more='    needs=[\n        "a",\n        "b",\n    ],\n'
        )
    )
    assert catalogue.find("x").needs == ("a", "b")


def test_a_circle_of_needs_ends(home):
    write(home, "a", needs=["b"])
    write(home, "b", needs=["a"])
    assert {e.name for e in catalogue.entries()} == {"a", "b"}


def test_an_unknown_name_has_a_nearest_one():
    with pytest.raises(
        UsageError, match=r"unknown exercise 'momentun'\. Did you mean 'momentum'\?"
    ):
        catalogue.find("momentun")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "a docstring and `exercise = Exercise"),
        (HEAD.format(name="a", area="trainin", more=""), "Did you mean 'training'?"),
        (HEAD.format(name="a", area="training", more="    minutes=5 * n,\n"), "write minutes out"),
    ],
)
def test_what_cannot_be_read_is_told(text, said, tmp_path):
    path = tmp_path / "a.py"
    path.write_text(text)
    with pytest.raises(UsageError, match=said.replace("?", r"\?").replace("(", r"\(")):
        catalogue.read(path)


def test_a_file_that_is_not_there():
    with pytest.raises(UsageError, match=r"nowhere\.py cannot be read: No such file"):
        catalogue.find("nowhere.py")


def test_our_exercises_are_listed_and_can_be_imported():
    found = catalogue.entries()
    assert {"momentum", "lstm-cell", "k-folds"} <= {e.name for e in found}
    areas = [AREAS.index(e.area) for e in found]
    assert areas == sorted(areas)
    assert isinstance(catalogue.load(catalogue.find("momentum")), Exercise)


def test_a_file_of_ones_own_is_imported(entry):
    assert isinstance(catalogue.load(entry), Exercise)


def test_what_is_no_exercise_is_told(home, tmp_path):
    path = tmp_path / "odd.py"
    path.write_text(
        '"""Odd."""\nExercise = dict\n\n\nexercise = Exercise(\n    area="training",\n)\n'
    )
    with pytest.raises(UsageError, match=r"odd\.py: `exercise` is of type dict"):
        catalogue.load(catalogue.read(path))


def test_a_list_needs_no_torch():
    code = (
        "import sys; from pilotlight.practice.catalogue import entries; "
        "assert entries() and 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

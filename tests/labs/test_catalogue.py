"""The catalogue reads lab files as text, and loads them when asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pilotlight.labs
from pilotlight.core.errors import UsageError
from pilotlight.core.lab import Lab
from pilotlight.labs import catalogue

WHOLE = '''"""Is two more than one?

The second line is not the question.
"""
import torch_that_is_not_there

lab = core.Lab(
    area="counting",
    week=2,
    systems=[3, 4],
    needs=["one"],
    seconds=7.5,
    seeds=5,
    text="It is " "known.",
    claims=dict(
        yes=Claim("Two is more.", "two", "one", expected=SUPPORTED),
        no=Claim("Two is less.", "two", "one", expected=pl.REFUTED),
        maybe=pl.Claim("Two is nice.", "two", "one", expected="undecided"),
        silent=Claim("Two is blue.", "two", "one"),
        made=in_a_function(),
    ),
    exhibits=[fingers, toes],
)
'''
SMALL = '"""Does it load?"""\nfrom pilotlight.core.lab import Lab\n'
CALL = 'lab = Lab(area="counting", seconds=1, text="")\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the labs that are shipped."""
    monkeypatch.setattr(catalogue, "HOME", tmp_path / "labs")
    return tmp_path / "labs"


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_a_file_is_read_without_running_it(tmp_path):
    entry = catalogue.find(write(tmp_path / "two_and_one.py", WHOLE))
    assert entry.to_json() == {
        "name": "two-and-one",
        "area": "counting",
        "week": 2,
        "needs": ["one"],
        "question": "Is two more than one?",
        "systems": [3, 4],
        "seconds": 7.5,
        "expected": {
            "yes": "supported",
            "no": "refuted",
            "maybe": "undecided",
            "silent": "undecided",
        },
    }
    assert (entry.text, entry.seeds, entry.exhibits) == ("It is known.", 5, ("fingers", "toes"))


def test_claims_may_be_written_as_a_dictionary(tmp_path):
    text = '"""Q?"""\nlab: Lab = Lab(area="a", seconds=1, claims={"x": Claim(expected=REFUTED)})'
    assert catalogue.find(write(tmp_path / "a.py", text)).expected == {"x": "refuted"}


def test_labs_come_by_week_and_after_what_they_need(home):
    def lab(name: str, week: int, *needs: str) -> None:
        text = f'"""?"""\nlab = Lab(area="a", week={week}, needs={list(needs)}, seconds=1)'
        write(home / "a" / f"{name}.py", text)

    lab("alpha", 1, "zulu")
    lab("bravo", 1, "alpha", "not-written-yet")
    lab("yankee", 1)
    lab("zulu", 1)
    lab("aaa", 2)
    lab("first_of_two", 3, "second-of-two")
    lab("second_of_two", 3, "first-of-two")
    write(home / "a" / "__init__.py", "")
    write(home / "not_in_an_area.py", "")
    names = [entry.name for entry in catalogue.entries()]
    assert names[:5] == ["yankee", "zulu", "alpha", "bravo", "aaa"]
    assert sorted(names[5:]) == ["first-of-two", "second-of-two"]


def test_all_unreadable_labs_are_told_at_once(home):
    write(home / "a" / "one.py", "x = 1")
    write(home / "a" / "two.py", "def")
    with pytest.raises(UsageError, match=r"one\.py: no `lab = Lab(.|\n)*two\.py, line 1: invalid"):
        catalogue.entries()


def test_one_unreadable_lab_does_not_hide_the_others(home):
    write(home / "a" / "one.py", "x = 1")
    write(home / "a" / "two.py", SMALL + CALL)
    assert catalogue.find("two").question == "Does it load?"


def test_an_unknown_name_gets_the_nearest_one(home):
    write(home / "a" / "early_stopping.py", SMALL + CALL)
    near = r"unknown lab 'early_stoping'\. Did you mean 'early-stopping'\? A lab of your own"
    with pytest.raises(UsageError, match=near):
        catalogue.find("early_stoping")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no `lab = Lab"),
        ("'''Q?'''\nlab = 3", "no `lab = Lab"),
        ("'''Q?'''\ndef f():\n    lab = Lab()", "no `lab = Lab"),
        ("lab = Lab(area='a', seconds=1)", "no docstring. Its first line is the question"),
        ("'''Q?'''\n\ndef f(:\n    pass", r"line 3: .*: def f\(:$"),
        (
            "'''Q?'''\nlab = Lab(area='a',\n seconds=60 * 2)",
            "line 3: write seconds out as a number",
        ),
        ("'''Q?'''\nlab = Lab(area=1, seconds=1)", "line 2: write area out as a text"),
        ("'''Q?'''\nlab = Lab(area='a', seconds=1, needs='b')", "needs out as a list of names"),
        ("'''Q?'''\nlab = Lab(seconds=1)", r"line 2: Lab\(\.\.\.\) lacks area: a text"),
        (
            "'''Q?'''\nlab = Lab(area='a', seconds=1, claims=dict(x=Claim(expected='yes')))",
            "claim 'x': expected is one of SUPPORTED, REFUTED, UNDECIDED",
        ),
        (
            "'''Q?'''\nlab = Lab(area='a', seconds=1, claims=dict(x=Claim(expected=YES)))",
            "claim 'x'",
        ),
        ("'''\xff'''".encode("latin-1"), "utf-8"),
        (b"a = '\0'", "null byte"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_one_line(tmp_path, text, said):
    path = tmp_path / "mine.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=r"mine\.py.*" + said) as caught:
        catalogue.find(str(path))
    assert len(str(caught.value).splitlines()) == 1


def test_several_faults_in_one_file_are_told_together(tmp_path):
    path = write(tmp_path / "mine.py", "'''Q?'''\nlab = Lab(week='one', systems=3, seconds=1)")
    with pytest.raises(UsageError, match=r"lacks area(.|\n)*week(.|\n)*systems"):
        catalogue.find(path)


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere\.py: there is no such file"):
        catalogue.find(str(tmp_path / "nowhere.py"))
    with pytest.raises(UsageError, match=r"is a folder\. Name the lab file in it"):
        catalogue.find(f"{tmp_path}{os.sep}")


def test_a_persons_file_is_loaded_with_its_name_question_and_source(tmp_path):
    write(tmp_path / "lies_beside.py", "SECONDS = 3")
    own = (
        "from lies_beside import SECONDS\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n"
    )
    path = write(tmp_path / "my_own.py", SMALL + own + "    x: int = SECONDS\n" + CALL)
    before = list(sys.path)
    lab = catalogue.load(path)
    assert isinstance(lab, Lab)
    assert (lab.name, lab.question, lab.source) == ("my-own", "Does it load?", path)
    assert sys.path == before


def test_an_edit_is_seen_at_once(tmp_path):
    path = write(tmp_path / "edited.py", SMALL + CALL)
    assert catalogue.load(path).area == "counting"
    write(tmp_path / "edited.py", SMALL + CALL.replace("counting", "weighing"))
    assert catalogue.load(path).area == "weighing"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x = missing_name", "line 3: NameError: name 'missing_name' is not defined"),
        ("import not_installed_here", "line 3: ModuleNotFoundError: No module named"),
        ("raise ValueError('one\\n two')", "line 3: ValueError: one two"),
        ("import json; json.loads('[')", "line 3: JSONDecodeError"),
        ("raise SystemExit('gone')", "line 3: SystemExit: gone"),
        ("Lab(area='a')", "line 3: TypeError: .*missing"),
    ],
)
def test_an_error_in_a_persons_file_is_one_line_with_file_and_line(tmp_path, line, said):
    path = write(tmp_path / "mine.py", SMALL + line + "\n" + CALL)
    with pytest.raises(UsageError, match=r"mine\.py, " + said) as caught:
        catalogue.load(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_lab_that_is_not_a_lab_is_told(tmp_path):
    path = write(tmp_path / "mine.py", SMALL + "def Lab(**all): return all\n" + CALL)
    with pytest.raises(UsageError, match=r"mine\.py: `lab` is of type dict, not a Lab"):
        catalogue.load(path)


def test_an_own_lab_is_imported_as_a_module_of_the_package(home, monkeypatch):
    path = write(home / "tried" / "loads_well.py", SMALL + CALL)
    monkeypatch.setattr(pilotlight.labs, "__path__", [str(home)])
    by_name, by_path = catalogue.load("loads-well"), catalogue.load(path)
    assert by_name == by_path
    assert by_name.source == path
    assert "pilotlight.labs.tried.loads_well" in sys.modules


def test_shipped_labs_are_read_as_they_are():
    shipped = catalogue.entries()
    assert len({entry.name for entry in shipped}) == len(shipped)
    for entry in shipped:
        lab = catalogue.load(entry.name)
        assert entry.path.parent.name == entry.area == lab.area
        assert (entry.week, entry.seconds, entry.seeds) == (lab.week, lab.seconds, lab.seeds)
        assert (entry.needs, entry.systems) == (tuple(lab.needs), tuple(lab.systems))
        assert entry.expected == {name: claim.expected for name, claim in lab.claims.items()}


def test_importing_the_catalogue_imports_neither_torch_nor_a_lab():
    code = (
        "import sys; from pilotlight.labs import catalogue; catalogue.files();"
        "print([m for m in sys.modules if m == 'torch' or m.startswith('pilotlight.labs.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['pilotlight.labs.catalogue']"

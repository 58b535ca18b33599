"""`practice` and `check` as typed: text, JSON, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pilotlight.cli import main
from pilotlight.practice import catalogue, source

SOLUTION = source.solution(catalogue.find("momentum").text)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *typed):
    code = main(list(typed))
    out, err = capsys.readouterr()
    return code, out, err


def test_the_map_shows_what_is_done_and_what_comes_next(capsys):
    code, out, _ = run(capsys, "practice")
    assert code == 0
    assert "\noptimizers\n" in out
    total = len(catalogue.entries())
    first = next(e.name for e in catalogue.entries() if not e.needs)
    assert f"0 of {total} exercises solved. Next: pilotlight practice {first}" in out
    run(capsys, "practice", "momentum")
    run(capsys, "practice", "momentum", "--solution")
    (catalogue.Path("practice") / "momentum.py").write_text(SOLUTION)
    assert run(capsys, "check", "momentum")[0] == 0
    out = run(capsys, "practice")[1]
    assert f"1 of {total} exercises solved." in out
    [row] = [line for line in out.splitlines() if line.startswith("  momentum ")]
    assert "solved, after its solution" in row


def test_the_map_in_json(capsys):
    code, out, _ = run(capsys, "practice", "--json")
    assert code == 0
    listed = json.loads(out)
    assert [e["name"] for e in listed] == [e.name for e in catalogue.entries()]
    assert [e["next"] for e in listed].count(True) == 1


def test_to_begin_says_the_task_and_what_to_do(capsys, place):
    code, out, _ = run(capsys, "practice", "momentum")
    assert code == 0
    assert out.startswith("Momentum: a step that remembers")
    assert "velocity  <-  momentum * velocity + gradient" in out
    assert "Write in practice/momentum.py" in out
    assert "pilotlight check momentum --watch" in out
    assert (place / "practice" / "momentum.py").exists()
    assert "It is there already, and left as it is" in run(capsys, "practice", "momentum")[1]


def test_to_begin_in_json(capsys):
    said = json.loads(run(capsys, "practice", "momentum", "--notebook", "--json")[1])
    assert (said["name"], said["file"], said["new"]) == (
        "momentum",
        "practice/momentum.ipynb",
        True,
    )


def test_a_check_is_message_first_and_1_when_it_fails(capsys, place):
    run(capsys, "practice", "momentum")
    code, out, err = run(capsys, "check", "momentum")
    assert (code, err) == (1, "")
    assert out.startswith("momentum is still to be written: practice/momentum.py, line ")
    (place / "practice" / "momentum.py").write_text(SOLUTION.replace("sub_", "add_"))
    code, out, _ = run(capsys, "check", "momentum")
    lines = out.splitlines()
    assert code == 1
    assert lines[0] == "weight: expected [0.95, -2.1, 3.1], got [1.05, -1.9, 2.9]."
    assert lines[2].startswith("The step goes uphill")
    assert lines[-1] == "If you are stuck: pilotlight practice momentum --hint"
    assert "Traceback" not in out
    (place / "practice" / "momentum.py").write_text(SOLUTION)
    code, out, _ = run(capsys, "check", "practice/momentum.py")
    assert code == 0
    assert out.startswith("All 6 checks of momentum passed.")
    assert "momentum is solved. Next: pilotlight practice " in out


def test_an_error_is_told_with_its_line(capsys, place):
    run(capsys, "practice", "momentum")
    text = SOLUTION.replace("rate * velocity)", "rat * velocity)")
    (place / "practice" / "momentum.py").write_text(text)
    out = run(capsys, "check", "momentum")[1]
    number = text[: text.index("rat * ")].count("\n") + 1
    assert out.splitlines()[:3] == [
        "NameError: name 'rat' is not defined",
        f"practice/momentum.py, line {number}:",
        "    weight.sub_(rat * velocity)",
    ]


def test_a_check_in_json(capsys):
    run(capsys, "practice", "momentum")
    code, out, _ = run(capsys, "check", "momentum", "--json")
    said = json.loads(out)
    assert code == 1
    assert said["passed"] is False
    assert said["checks"][1]["task"] == "One step"


def test_watching_in_json_is_a_line_for_each_verdict(capsys, place):
    run(capsys, "practice", "momentum")
    (place / "practice" / "momentum.py").write_text(SOLUTION)
    code, out, err = run(capsys, "check", "momentum", "--watch", "--json")
    assert (code, err) == (0, "")
    [line] = out.splitlines()
    assert json.loads(line)["passed"]


def test_hints_and_the_solution(capsys):
    assert run(capsys, "practice", "momentum", "--hint")[1].startswith("Hint 1 of 3: ")
    assert run(capsys, "practice", "momentum", "--hint")[1].startswith("Hint 2 of 3: ")
    code, out, err = run(capsys, "practice", "momentum", "--solution")
    assert (code, out) == (0, SOLUTION)
    assert err == "The solution was shown after 0 tries.\n"
    said = json.loads(run(capsys, "practice", "momentum", "--solution", "--json")[1])
    assert said == {"name": "momentum", "solution": SOLUTION, "tries_before": 0}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["practice", "momentun"], "unknown exercise 'momentun'. Did you mean 'momentum'?"),
        (["check", "momentun"], "unknown exercise 'momentun'. Did you mean 'momentum'?"),
        (["check", "momentum"], "There is no practice/momentum.py. To begin: pilotlight practice"),
        (["practice", "--hint"], "--hint, --solution and --notebook need the name"),
        (["practice", "momentum", "--hint", "--solution"], "--hint stands alone"),
        (["check"], "NAME requires an argument"),
    ],
)
def test_wrong_use_is_2_and_one_line(typed, said, capsys, place):
    code, out, err = run(capsys, *typed)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert list(place.iterdir()) == []


def test_the_map_appears_at_once_and_without_torch(place):
    code = (
        "import os, sys; from pilotlight.cli import main; code = main(['practice']); "
        "assert 'torch' not in sys.modules; t = os.times(); sys.exit(t.user + t.system > 0.3)"
    )
    ends = []
    while 0 not in ends and len(ends) < 10:
        ends.append(
            subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode
        )
    assert 0 in ends

"""`list` and `show`."""

from __future__ import annotations

import json

from pilotlight.cli import main
from pilotlight.core.lab import SUPPORTED, Claim, Lab, exhibit
from pilotlight.core.settings import log


@exhibit(1e-12)
def sums() -> float:
    """The parts sum to the whole."""
    return 0.0


def a_lab(**more) -> Lab:
    given = {
        "area": "motion",
        "week": 1,
        "seconds": 4,
        "text": "First thought.\n\nSecond thought.",
        "model": lambda settings: None,
        "settings": {"rate": log(1e-4, 1, 1e-2), "momentum": 0.9},
        "compare": {"old": {}, "new": {"rate": 0.1, "momentum": lambda s: s.rate}},
        "claims": {"faster": Claim("It is faster.", "new", "old", expected=SUPPORTED)},
        "exhibits": [sums],
        "wrong": {"rate=1": "The loss leaves."},
        "needs": ["dropout"],
        "read_more": ["A paper."],
        "name": "momentum",
        "question": "Does momentum help?",
    }
    return Lab(**given | more)


def shown(world, capsys, lab: Lab) -> list[str]:
    world.lab = lab
    assert main(["show", "momentum"]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_labs_are_listed_by_area_with_time_verdicts_and_question(labs, capsys):
    assert main(["list"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[:5] == [
        "noise",
        "  dropout   4 seconds  1 supported  Does dropout help?",
        "",
        "motion",
        "  momentum  4 seconds  1 supported  Does momentum help?",
    ]
    assert err == ""


def test_a_lab_of_exhibits_only_is_exact(labs, capsys):
    (labs / "noise" / "sums.py").write_text('"""Exact?"""\nlab = Lab(area="noise", seconds=1)')
    assert main(["list"]) == 0
    assert "exact" in capsys.readouterr().out


def test_the_list_in_json_has_the_documented_keys(labs, capsys):
    assert main(["list", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer[0] == {
        "name": "dropout",
        "area": "noise",
        "week": 1,
        "needs": [],
        "question": "Does dropout help?",
        "systems": [3],
        "seconds": 4,
        "expected": {"faster": "supported"},
    }
    assert [entry["name"] for entry in answer] == ["dropout", "momentum"]


def test_no_labs_at_all_is_no_fault(labs, capsys):
    for path in labs.glob("*/*.py"):
        path.unlink()
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["list"]) == 0


def test_a_page_tells_all_of_a_lab(world, capsys):
    assert shown(world, capsys, a_lab()) == [
        "momentum (motion, week 1)",
        "Does momentum help?",
        "",
        "First thought.",
        "",
        "Second thought.",
        "",
        "A full run: 4 seconds, 12 seeds.",
        "",
        "Claims",
        "faster expected supported It is faster.",
        "",
        "Exhibits",
        "sums The parts sum to the whole.",
        "",
        "Settings",
        "rate 0.01 a number from 0.0001 to 1",
        "momentum 0.9 a number",
        "",
        "Comparisons",
        "old the settings as they are",
        "new rate=0.1, momentum=computed",
        "",
        "Settings known to go wrong",
        "rate=1 The loss leaves.",
        "",
        "Needs",
        "dropout",
        "",
        "Read more",
        "A paper.",
    ]


def test_an_exact_lab_has_no_headings_without_content(world, capsys):
    nothing = {"settings": {}, "compare": {}, "claims": {}, "wrong": {}, "needs": (), "week": 0}
    lines = shown(world, capsys, a_lab(model=None, read_more=(), **nothing))
    assert lines[0] == "momentum (motion)"
    assert lines[-4:] == [
        "A full run: 4 seconds.",
        "",
        "Exhibits",
        "sums The parts sum to the whole.",
    ]


def test_a_script_is_printed_as_it_is(world, capsys):
    assert main(["show", "momentum", "--script", "--comparison", "new"]) == 0
    assert world.asked == [("momentum", "new")]
    assert capsys.readouterr().out.startswith("import torch\n")


def test_a_comparison_without_script_has_no_meaning(world, capsys):
    assert main(["show", "momentum", "--comparison", "new"]) == 2
    assert "--comparison belongs to --script" in capsys.readouterr().err

"""`check_exercise` says what is wrong with an exercise: each rule is broken once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pilotlight.testing import check_exercise, exercise_problems

GOOD = (Path(__file__).parents[1] / "practice" / "toys" / "two_fold.py").read_text("utf-8")


def problems(path, *changes):
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    return exercise_problems(str(path))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "double.py"


def test_a_good_one_has_no_problems(path):
    assert problems(path) == []


BROKEN = {
    "no line": (("# --- checks ---", "# checks"), "There is no line '# --- checks ---'."),
    "one hint": (('        "x * 2",\n', ""), "hints: 1; two or more"),
    "needs": (("needs=[]", 'needs=["thrice"]'), "needs: there is no exercise 'thrice'."),
    "lab": (("needs=[]", 'needs=[],\n    lab="momentun"'), "lab: unknown lab 'momentun'."),
    "no sentence": (
        ('"""The object doubles."""', '"""Object"""'),
        "by_object: its docstring is one",
    ),
    "wrong solution": (
        ("return x\n    # --- end", "return x + 1\n    # --- end"),
        "solution, seed 0: by_function failed",
    ),
    "wrong alternative": (
        ("alternative=dict(twice=add", "alternative=dict(twice=max"),
        "alternative:",
    ),
    "right answer listed": (('"x = x * 3"', '"x = 2 * x"'), "wrong answer 1 passes"),
    "same twice": (
        ('"x = x * 2 + 1"', '"x = 3 * x"'),
        "wrong answer 1 is told: nothing of its own",
    ),
    "short message": (
        ('"It adds one, and nothing was to be added."', '"Wrong."'),
        "wrong answer 2: say",
    ),
    "idle check": (
        ('return {"zero": float(answer.twice(tensor(0)))}', 'return {"zero": 0}'),
        "small: ",
    ),
    "few words": (
        ("Do it\nas often as `times` says, and do it once in a class as well.", ""),
        "words",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_is_told_when_broken(name, path):
    change, said = BROKEN[name]
    found = problems(path, change)
    assert any(said in problem for problem in found), found


def test_slow_checks_are_told(path, monkeypatch):
    monkeypatch.setattr("pilotlight.testing.exercises.SECONDS", 1e-6)
    assert problems(path)[0].startswith("The checks take 0.0 s")


def test_a_draw_without_a_generator_is_found(path):
    change = (
        "def by_object(answer):",
        "def by_object(answer):\n    import torch\n    torch.rand(1)\n",
    )
    assert any("rand draws without a generator" in p for p in problems(path, change))
    with_one = change[1].replace("torch.rand(1)", "torch.rand(1, generator=torch.Generator())")
    assert not any("draws without" in p for p in problems(path, (change[0], with_one)))


def test_a_check_that_remembers_is_found(path):
    change = (
        "def by_object(answer):",
        "SEEN = []\n\n\ndef by_object(answer):\n    SEEN.append(1)\n    def tensor(v):\n"
        "        return len(SEEN)\n",
    )
    assert any("by_object sees something else" in p for p in problems(path, change))


def test_a_stub_that_does_not_fail_is_found(path):
    text = GOOD.replace(
        "        # --- solution ---\n        return x * self.factor\n        # --- end ---\n",
        "        return x * 2\n",
    )
    text = text.replace(
        "        # --- solution ---\n        self.factor = 2\n        # --- end ---\n",
        "        pass\n",
    )
    path.write_text(text)
    assert any("'self.factor = 2' stands 0 times" in p for p in exercise_problems(str(path)))
    path.write_text(
        text.replace('{"self.factor = 2": "self.factor = 4"}', '{"x = x * 2": "x = 2 - x"}')
    )
    assert any("by_object does not fail at a gap" in p for p in exercise_problems(str(path)))


def test_check_exercise_raises_with_all_problems(path):
    problems(path, ("needs=[]", 'needs=["thrice"]'), ('        "x * 2",\n', ""))
    with pytest.raises(AssertionError, match=r"(?s)hints: 1;.*no exercise 'thrice'"):
        check_exercise(str(path))

"""Mutants differ from the solution in one place; what weak checks let through is reported."""

from __future__ import annotations

import ast

import pytest

from pilotlight.execute.confined import Limits
from pilotlight.practice import source
from pilotlight.practice.catalogue import find
from pilotlight.testing.mutations import mutants, mutation_score

CASES = {
    "x + 1": {"x - 1", "x", "1", "x + 2", "x + 0", "y + 1"},
    "x < y": {"x <= y", "y < y", "x < x"},
    "not x": {"x", "not y"},
    "f(x, y)": {"f(y, x)", "f(y, y)", "f(x, x)"},
    "f(x, k=y)": {"f(x)", "f(y, k=y)", "f(x, k=x)"},
    "x.abs().sum()": {"x.sum()", "x.abs()", "x.abs().mean()", "y.abs().sum()"},
    "True": {"False"},
    "1 if x else 2": {"1 if not x else 2", "1 if y else 2"},
}


def file(solution: str) -> str:
    return f"""def g(x, y):
    # --- solution ---
    return {solution}
    # --- end ---


{source.LINE}
"""


@pytest.mark.parametrize("solution", CASES)
def test_each_change_is_of_one_place(solution):
    made = set()
    for mutant in mutants(file(solution)):
        body = ast.parse(mutant.text).body[0].body[0]
        if isinstance(body, ast.Return):
            made.add(ast.unparse(body.value))
    assert made >= CASES[solution]


def test_statements_are_left_out_and_text_outside_the_marks_stays():
    text = file("x").replace("    # --- sol", "    x = 5 + 5\n    # --- sol", 1)
    found = mutants(text)
    assert any("pass" in m.text for m in found)
    assert all("x = 5 + 5" in m.text for m in found)


def test_good_checks_catch_all_and_all_places_are_tried():
    score = mutation_score("momentum")
    assert score.missed == []
    assert score.share == 1.0
    assert len(score.tried) >= 12
    assert all(ast.parse(m.text) for m in score.tried)


def test_weak_checks_are_found_out(tmp_path):
    """Without the check of values, most changes go unseen, though the sample shows them."""
    text = find("momentum").text
    start, end = text.index('        "One step": ['), text.index("    },\n    oracle=")
    weak = text[:start] + '        "One step": [gradient_stays],\n' + text[end:]
    path = tmp_path / "momentum.py"
    path.write_text(weak)
    score = mutation_score(str(path))
    assert score.share < 0.7
    assert all(m.changes and not m.caught for m in score.missed)


def test_a_change_that_never_ends_is_caught(tmp_path, monkeypatch):
    text = find("momentum").text.replace(
        "    # --- solution ---\n", "    # --- solution ---\n    while rate < 0:\n        pass\n"
    )
    path = tmp_path / "momentum.py"
    path.write_text(text)
    monkeypatch.setattr("pilotlight.testing.mutations.LIMITS", Limits(silence=1.0))
    score = mutation_score(str(path))
    [stuck] = [m for m in score.tried if "while rate < 1:" in m.text]
    assert stuck.caught

"""One file gives the task, the stub, the solution and its variants."""

from __future__ import annotations

import pytest

from pilotlight.core.errors import UsageError
from pilotlight.practice import source


def test_title_and_task(text):
    title, task = source.task(text)
    assert title == "Twice: a number doubled"
    assert task.startswith("Multiply what you are given")
    assert task.endswith("    twice(x)  =  2 x")


def test_the_stub_holds_the_task_and_what_is_given_but_no_solution(text):
    stub = source.stub(text, "two-fold")
    assert "Multiply what you are given" in stub
    assert "To check it: pilotlight check two-fold\n" in stub
    assert "def helper(x: Tensor)" in stub
    for secret in ("x * 2", "self.factor", "---", "exercise", "at_random"):
        assert secret not in stub
    for part in ("twice", "Twice.__init__", "Twice.of"):
        assert f'raise NotImplementedError("{part} is not written yet")' in stub


def test_a_stub_fails_where_a_solution_is_to_stand(text):
    made = {}
    exec(compile(source.stub(text, "two-fold"), "stub", "exec"), made)
    assert made["helper"](3) == 3
    with pytest.raises(NotImplementedError, match="twice is not written yet"):
        made["twice"](3)
    with pytest.raises(NotImplementedError, match=r"Twice\.__init__ is not written yet"):
        made["Twice"]()


def test_the_solution_runs_and_has_no_marks(text):
    made = {}
    solution = source.solution(text)
    exec(compile(solution, "solution", "exec"), made)
    assert made["twice"](3, 2) == 12
    assert "---" not in solution


def test_what_a_learner_writes(text):
    assert source.parts(text) == ("twice", "Twice")


def test_pieces_are_replaced_at_once_and_keep_their_indentation(text):
    swapped = source.changed(text, {"x = x * 2": "return x", "return x\n": "x = x * 2\n"})
    assert "        return x\n    x = x * 2\n" in swapped
    longer = source.changed(text, {"x = x * 2": "y = x\nif y:\n    x = y"})
    assert "        y = x\n        if y:\n            x = y\n" in longer
    joined = source.changed(text, {"range(times):\nx = x * 2": "range(2): pass"})
    assert "    for _ in range(2): pass\n    return x" in joined


def test_only_marked_text_is_changed(text):
    with pytest.raises(UsageError, match="'Two times x' stands 0 times between the marks"):
        source.changed(text, {"Two times x": ""})


def test_all_pieces_that_are_not_there_once_are_told(text):
    with pytest.raises(UsageError, match="'nowhere' stands 0 times") as caught:
        source.changed(text, {"nowhere": "", "return x": "return 1"})
    assert caught.value.problems[1] == "'return x' stands 2 times between the marks."


def test_a_file_without_the_line_is_refused(text):
    with pytest.raises(UsageError, match="There is no line '# --- checks ---'"):
        source.solution(text.replace(source.LINE, "# checks"))


def test_a_solution_stands_in_a_function_or_a_class():
    text = f'"""T."""\n# --- solution ---\nx = 1\n# --- end ---\n\n{source.LINE}\n'
    with pytest.raises(UsageError, match="line 2: a solution stands in a function or a class"):
        source.stub(text, "t")

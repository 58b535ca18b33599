"""Rules for all text of the project: nothing of the place it was made at, matches in tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

# Put together here, or this file would break its own rule.
WORKPLACE = re.compile(r"(?<![\w.])/" + r"work(?![\w-])|\bsha" + r"red/|\bpre" + r"amble\.md")

TEXTS = {
    ".py",
    ".ipynb",
    ".md",
    ".toml",
    ".txt",
    ".jinja",
    ".css",
    ".json",
    ".yml",
    ".yaml",
    ".cfg",
    "",
}


def test_no_file_names_the_place_it_was_made_at(files):
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in files
        if path.suffix in TEXTS
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if WORKPLACE.search(line)
    ]
    assert found == []


def calls(tree: ast.Module, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
            yield node


def test_a_test_that_awaits_an_error_says_which(trees, root):
    """KeyboardInterrupt has no message to match."""
    loose = [
        f"{path}:{call.lineno}"
        for path, tree in trees.items()
        if path.is_relative_to(root / "tests")
        for call in calls(tree, "pytest.raises", "pytest.warns")
        if "match" not in {keyword.arg for keyword in call.keywords}
        and ast.unparse(call.args[0]) != "KeyboardInterrupt"
    ]
    assert loose == []


def test_a_test_that_is_left_out_says_why(trees, root):
    silent = [
        f"{path}:{call.lineno}"
        for path, tree in trees.items()
        if path.is_relative_to(root / "tests")
        for call in calls(tree, "pytest.mark.skipif", "pytest.mark.skip", "pytest.mark.xfail")
        if "reason" not in {keyword.arg for keyword in call.keywords}
    ]
    assert silent == []

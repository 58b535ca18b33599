"""Parsing from several threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pilotlight.core.parsing import literal, parse


def test_many_threads_may_parse_at_once():
    text = "x = [" + ", ".join(f"({i}, [{i}, {{'a': {i}}}])" for i in range(2000)) + "]"
    with ThreadPoolExecutor(8) as pool:
        trees = list(pool.map(parse, [text] * 24))
    assert all(len(tree.body[0].value.elts) == 2000 for tree in trees)


def test_a_literal_and_what_is_none():
    assert literal("('a', 1)") == ("a", 1)
    with pytest.raises(ValueError, match="malformed"):
        literal("print(1)")
    with pytest.raises(SyntaxError, match="line 1"):
        parse("def", "x.py")

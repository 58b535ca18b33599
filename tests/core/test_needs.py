"""Depth: how much lies below a name."""

from __future__ import annotations

from pilotlight.core.needs import depth


def test_it_is_the_longest_chain_below() -> None:
    needs = {"a": [], "b": ["a"], "c": ["a", "b"], "d": ["c", "elsewhere"], "e": []}
    assert {name: depth(name, needs) for name in needs} == {"a": 0, "b": 1, "c": 2, "d": 3, "e": 0}


def test_a_circle_ends_the_chain() -> None:
    assert depth("a", {"a": ["b"], "b": ["a"]}) == 1

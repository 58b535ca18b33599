"""Answers that are kept: not asked for twice, and never more of them than there is room for."""

from __future__ import annotations

import asyncio

import pytest

from pilotlight.app import beside
from pilotlight.server import answers
from pilotlight.server.answers import Kept


@pytest.fixture
def asked(monkeypatch):
    """What was asked of processes; each answers with as many bytes as it is told."""
    found = []

    def ask(question, size):
        found.append((question, size))
        return {"bytes": "x" * size}

    monkeypatch.setattr(beside, "ask", ask)
    return found


def all_of(*questions):
    kept = Kept()

    async def one_after_another():
        return [await kept.ask(name, mark, size=size) for name, mark, size in questions]

    return asyncio.run(one_after_another())


def test_the_same_is_asked_once_until_its_mark_changes(asked):
    first, again, _ = all_of(("a", 1, 5), ("a", 1, 5), ("a", 2, 5))
    assert first == again == {"bytes": "xxxxx"}
    assert asked == [("a", 5)] * 2


def test_without_a_mark_it_is_always_asked(asked):
    all_of(("a", None, 5), ("a", None, 5))
    assert len(asked) == 2


def test_what_was_asked_longest_ago_goes_when_there_is_no_room(asked, monkeypatch):
    monkeypatch.setattr(answers, "MOST_BYTES", 2500)
    all_of(("a", 1, 1000), ("b", 1, 1000), ("a", 1, 1000), ("c", 1, 1000), ("a", 1, 1000))
    assert [question for question, _ in asked] == ["a", "b", "c"]  # b went, as a was used since
    all_of(("a", 1, 5000), ("a", 1, 5000))
    assert [question for question, _ in asked[3:]] == ["a", "a"]

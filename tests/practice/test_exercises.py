"""Every exercise holds every rule; its checks catch mistakes that nobody listed."""

from __future__ import annotations

import pytest

from pilotlight.practice.catalogue import entries, load
from pilotlight.testing.exercises import exercise_problems
from pilotlight.testing.mutations import mutation_score

NAMES = [entry.name for entry in entries()]
CAUGHT = 0.95


@pytest.mark.parametrize("name", NAMES)
def test_it_holds_every_rule(name):
    assert exercise_problems(name) == []


def test_known_mistakes_are_counted_as_text():
    for entry in entries():
        assert entry.mistakes == len(load(entry).wrong), entry.name


def test_random_mistakes_are_caught_in_a_sample():
    for name in NAMES[:2]:
        score = mutation_score(name, every=7)
        assert len(score.counted) >= 3
        assert score.missed == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_random_mistakes_are_caught(name):
    score = mutation_score(name)
    missed = [f"line {m.line}: {m.change}" for m in score.missed]
    assert score.share >= CAUGHT, missed

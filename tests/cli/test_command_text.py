"""What a page copies as a command asks for the same run: made from a command, typed, read again."""

from __future__ import annotations

import itertools
import shlex
from dataclasses import replace

import pytest

from pilotlight.app.fit_config import command_words
from pilotlight.app.prepare import command_line
from pilotlight.cli import main
from pilotlight.core.command import VERIFYING, FitCommand, RunCommand
from pilotlight.core.lab import Lab
from pilotlight.core.settings import parse_changes

LAB = Lab(
    area="motion",
    seconds=1,
    text="",
    name="momentum",
    settings={"rate": 0.1, "batch": 64, "nesterov": False, "kind": "a word"},
)
RUNS = [
    RunCommand(
        "momentum", seeds, changes=dict(changes), compare=compare, device=device, quick=quick
    )
    for seeds, changes, compare, device, quick in itertools.product(
        (None, 12),
        ((), (("rate", 1e-05),), (("nesterov", True), ("kind", "a word"), ("batch", 8))),
        ((), ("plain", "heavy_ball")),
        ("auto", "cpu"),
        (False, True),
    )
]


@pytest.mark.parametrize("command", RUNS, ids=str)
def test_a_run_is_read_as_it_was_meant(command, world):
    words = shlex.split(command_line(command, LAB))
    assert words[0] == "pilotlight"
    assert main(words[1:]) == 0
    typed = world.asked[-1]
    read = replace(typed, changes=parse_changes(typed.changes, LAB.declared))
    assert read == command


def test_a_verification_is_read_as_one(world):
    command = RunCommand("momentum", first_seed=VERIFYING)
    assert main(shlex.split(command_line(command, LAB))[1:]) == 0
    assert world.asked[-1] == command


FITS = [
    FitCommand("my data/a b.csv", "the target"),
    FitCommand("penguins", "species", group="island", task="classification", folds=3),
    FitCommand("penguins", "species", in_time=True, inner_folds=2, seeds=1, candidates=4),
    FitCommand("penguins", "species", budget="2m", folds="folds of mine.csv"),
    FitCommand("x.csv", "y", types={"year": "category", "day": "date"}, leave_out=("a", "b")),
    FitCommand("x.csv", "y", model="my nets.py"),
]


@pytest.mark.parametrize("command", FITS, ids=str)
def test_a_fit_is_read_as_it_was_meant(command, monkeypatch):
    asked = []

    def remember(command, *_, **__):
        asked.append(command)
        raise KeyboardInterrupt

    monkeypatch.setattr("pilotlight.app.fitting.start_fit", remember)
    assert main(shlex.split(command_words(command))[1:]) == 130
    assert str(asked[0].folds) == str(command.folds)
    assert replace(asked[0], folds=command.folds) == command

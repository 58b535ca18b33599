"""Progress: plain lines now and then, or a bar in a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pilotlight.cli import progress
from pilotlight.core.event import Finished, Note, Progress


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_first_line_comes_at_once_and_others_every_five_seconds(clock, capsys):
    with progress.Lines("momentum", clock) as lines:
        for second in range(12):
            clock.now = 100.0 + second
            lines.tell(Progress(second * 10, 200))
    assert capsys.readouterr().err.splitlines() == [
        "momentum: 0 % of 200 steps",
        "momentum: 25 % of 200 steps, about 15 seconds left",
        "momentum: 50 % of 200 steps, about 10 seconds left",
    ]


def test_the_time_left_of_a_resumed_run_counts_only_what_it_did_itself(clock, capsys):
    lines = progress.Lines("momentum", clock)
    lines.tell(Progress(500, 1000))
    clock.now += 10
    lines.tell(Progress(600, 1000))
    assert capsys.readouterr().err.splitlines() == [
        "momentum: 50 % of 1,000 steps",
        "momentum: 60 % of 1,000 steps, about 40 seconds left",
    ]


def test_notes_are_told_at_once_and_other_events_are_passed_over(clock, capsys):
    lines = progress.Lines("momentum", clock)
    for event in (Note("one"), Note("two"), Finished(3.0)):
        lines.tell(event)
    assert capsys.readouterr().err.splitlines() == ["momentum: one", "momentum: two"]


def test_nothing_of_it_goes_to_stdout(clock, capsys):
    progress.Lines("momentum", clock).tell(Progress(0, 10))
    assert capsys.readouterr().out == ""


def test_a_bar_shows_the_lab_the_share_and_notes():
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with progress.Bar("momentum", console) as bar:
        bar.tell(Note("it [says] so"))
        bar.tell(Progress(50, 100))
    text = console.file.getvalue()
    assert "it [says] so" in text
    assert "momentum" in text
    assert "50%" in text


def test_a_terminal_gets_a_bar_and_everything_else_lines(monkeypatch):
    assert isinstance(progress.screen("momentum"), progress.Lines)
    monkeypatch.setattr(Console, "is_terminal", True)
    monkeypatch.setattr(Console, "is_dumb_terminal", False)
    assert isinstance(progress.screen("momentum"), progress.Bar)
    monkeypatch.setattr(Console, "is_dumb_terminal", True)
    assert isinstance(progress.screen("momentum"), progress.Lines)

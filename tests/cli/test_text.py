"""Plain text for people, JSON for machines."""

from __future__ import annotations

import json
import math

import pytest

from pilotlight.cli import text


def test_json_never_holds_nan(capsys):
    text.emit({"a": math.nan, "b": [1.5, (math.inf,)]})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [1.5, [None]]}


def test_messages_go_to_stderr(capsys):
    text.tell("one", "two")
    assert capsys.readouterr() == ("", "one\ntwo\n")


def test_the_last_column_of_a_table_wraps_within_itself(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    rows = [("a", "one two three four five six"), ("long", "short")]
    assert text.table(rows) == ("  a     one two three four\n        five six\n  long  short")


def test_a_table_with_an_empty_cell_has_no_trailing_spaces():
    assert text.table([("name", ""), ("a", "b")]) == "  name\n  a     b"


def test_paragraphs_are_wrapped_and_set_off_lines_are_kept(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    given = "\n    One two three four five.\n\n    Set off:\n      x = 1\n"
    assert text.wrapped(given) == "One two three four\nfive.\n\nSet off:\n  x = 1"


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (3.4e6, "3.4 MB"), (2e9, "2.0 GB")],
)
def test_weights(size, said):
    assert text.weight(int(size)) == said


def test_paths_with_spaces_are_quoted():
    assert text.quoted("my runs/a") == '"my runs/a"'
    assert text.quoted("runs/a") == "runs/a"

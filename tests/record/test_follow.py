"""Following a journal: each whole line once, whoever writes it and however it is cut."""

from __future__ import annotations

import json

from pilotlight.core.event import Note
from pilotlight.record.follow import Follower
from pilotlight.record.journal import Journal


def line(n):
    return json.dumps({"kind": "note", "text": f"{n}"}).encode() + b"\n"


def test_what_is_appended_is_told_once_with_its_number(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(line(1) + line(2))
    follower = Follower(tmp_path)
    assert (follower.lines, follower.new()) == (2, [])
    with path.open("ab") as file:
        file.write(line(3) + line(4))
    assert [(n, event["text"]) for n, event in follower.new()] == [(3, "3"), (4, "4")]
    assert follower.new() == []
    assert follower.lines == 4


def test_half_a_line_counts_when_it_is_whole(tmp_path):
    path = tmp_path / "journal.jsonl"
    follower = Follower(tmp_path)
    for part in (line(1)[:5], line(1)[5:-1]):
        with path.open("ab") as file:
            file.write(part)
        assert follower.new() == []
    with path.open("ab") as file:
        file.write(b"\n" + line(2)[:3])
    assert [n for n, _ in follower.new()] == [1]


def test_a_torn_line_that_a_resumed_run_cuts_off_is_forgotten(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(line(1) + line(2)[:7])
    follower = Follower(tmp_path)
    journal = Journal(path)
    journal.append(Note("after"))
    journal.close()
    assert [(n, event["text"]) for n, event in follower.new()] == [(2, "after")]


def test_a_run_that_is_not_there_yet(tmp_path):
    follower = Follower(tmp_path / "later")
    assert follower.new() == []
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "journal.jsonl").write_bytes(line(1))
    assert [n for n, _ in follower.new()] == [1]


def test_what_is_no_event_counts_and_is_passed_over(tmp_path):
    (tmp_path / "journal.jsonl").write_bytes(b"")
    follower = Follower(tmp_path)
    (tmp_path / "journal.jsonl").write_bytes(b"[1]\nnonsense\n\xff\n" + line(4))
    assert [n for n, _ in follower.new()] == [4]

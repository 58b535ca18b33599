"""Events go into the journal and come back, whatever a killed process left at its end."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pilotlight.core.errors import RecordError
from pilotlight.core.event import (
    CohortDone,
    Diverged,
    Event,
    Exhibited,
    Finished,
    Measured,
    Note,
    Probed,
    Snapshot,
    Stopped,
)
from pilotlight.record.journal import Journal

EVENTS: list[Event] = [
    Note("It can't be stacked – it runs alone.\nSecond line.\u2028Third."),
    Measured(0, 10, 0.5, (0, 1), {"loss": (0.1 + 0.2, None)}),
    Measured(0, 10, 0.5, (0, 1), {"loss": (1e-300, None)}, final=True),
    Probed(0, 10, (0, 1), {"gradient": {"0.weight": (1.5, 2.5)}}),
    Snapshot(0, 10, 0.5, (0,), {"samples": ((0.5, 1.0),)}),
    Diverged(0, 10, 1),
    Stopped(0, 12, 0, best_step=8),
    CohortDone(0, 1.25, {}),
    Exhibited("rates", 1e-9, 1e-6, True, {"eigenvalues": (0.5, 0.25)}),
    Finished(2.5),
]


@pytest.fixture
def journal(tmp_path: Path):
    journal = Journal(tmp_path / "journal.jsonl")
    yield journal
    journal.close()


def _fill(journal: Journal, count: int = 3) -> list[Event]:
    for step in range(count):
        journal.append(Diverged(0, step, 0))
    return journal.events()


def test_a_journal_that_is_not_there_is_empty(journal: Journal) -> None:
    assert journal.events() == []
    assert not journal.path.exists()


def test_every_kind_comes_back_in_order(journal: Journal) -> None:
    for event in EVENTS:
        journal.append(event)
    found = journal.events()
    assert [e.to_json() for e in found] == [e.to_json() for e in EVENTS]
    assert [type(e) for e in found] == [type(e) for e in EVENTS]


def test_every_line_is_strict_json(journal: Journal) -> None:
    for event in [*EVENTS, Measured(0, 11, 0.6, (0,), {"loss": (float("nan"),)})]:
        journal.append(event)
    lines = journal.path.read_text().splitlines()
    read = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert len(read) == len(EVENTS) + 1
    assert read[-1]["values"] == {"loss": [None]}


def test_an_event_is_one_write(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    write = os.write
    monkeypatch.setattr(os, "write", lambda d, data: written.append(bytes(data)) or write(d, data))
    _fill(journal, 2)
    assert b"".join(written) == journal.path.read_bytes()
    assert len(written) == 2


def test_an_event_told_twice_counts_once_and_the_first_time(journal: Journal) -> None:
    for loss in (0.5, 0.25):
        journal.append(Measured(0, 3, 1.0, (0,), {"loss": (loss,)}))
    journal.append(Measured(0, 3, 1.0, (0,), {"loss": (0.125,)}, final=True))
    assert [e.values["loss"][0] for e in journal.events()] == [0.5, 0.125]


def test_an_unknown_kind_is_left_out(journal: Journal) -> None:
    known = _fill(journal)
    with journal.path.open("a") as file:
        file.write('{"kind": "teleported", "where": [1, 2]}\n')
    journal.append(Note("after"))
    assert journal.events() == [*known, Note("after")]


@pytest.mark.parametrize(
    "torn", [b'{"kind": "note", "te', b'{"kind": "note", "text": "whole"}', b"\0\0"]
)
def test_half_a_line_at_the_end_is_left_out_and_cut_off(journal: Journal, torn: bytes) -> None:
    known = _fill(journal)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + torn)
    again = Journal(journal.path)
    assert again.events() == known
    assert journal.path.read_bytes() == whole + torn  # a reader changes nothing
    again.append(Note("after"))
    again.close()
    assert again.events() == [*known, Note("after")]
    assert journal.path.read_bytes().startswith(whole + b'{"kind": "note"')


def test_a_journal_that_is_half_a_line_is_empty(journal: Journal) -> None:
    journal.path.write_bytes(b'{"ki')
    assert journal.events() == []
    journal.append(Note("first"))
    assert journal.events() == [Note("first")]


@pytest.mark.parametrize(
    "line", ['{"kind": "note", "te', "", "[1]", "7", "null", '{"kind": "note"}', '{"kind": [1]}']
)
def test_a_broken_line_in_the_middle_is_named(journal: Journal, line: str) -> None:
    _fill(journal)
    first, *rest = journal.path.read_text().splitlines()
    journal.path.write_text("\n".join([first, line, *rest]) + "\n")
    with pytest.raises(RecordError, match=r"journal.jsonl is damaged: line 2 is not an event \("):
        journal.events()


def test_a_full_disk_leaves_whole_lines(journal: Journal, full_disk, monkeypatch) -> None:
    known = _fill(journal)
    whole = journal.path.read_bytes()
    with monkeypatch.context():
        full_disk(10)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            journal.append(Note("does not fit"))
    assert journal.path.read_bytes() == whole
    monkeypatch.undo()
    journal.append(Note("after"))
    assert journal.events() == [*known, Note("after")]


def test_where_not_even_cutting_works_the_next_append_cuts(
    journal: Journal, full_disk, monkeypatch
) -> None:
    def broken(*_arguments):
        raise OSError(errno.EIO, "broken")

    known = _fill(journal)
    full_disk(10)
    monkeypatch.setattr(os, "ftruncate", broken)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        journal.append(Note("does not fit"))
    assert not journal.path.read_bytes().endswith(b"\n")
    assert journal.events() == known
    monkeypatch.undo()
    journal.append(Note("after"))
    assert journal.events() == [*known, Note("after")]


LIMITED = """
import resource, sys
from pathlib import Path
from pilotlight.core.event import Note
from pilotlight.record.journal import Journal

journal = Journal(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for number in range(100):
    try:
        journal.append(Note(f"number {number}"))
    except OSError as error:
        print(number, error.errno)
        break
"""


@pytest.mark.skipif(os.name == "nt", reason="needs a limit on the size of files")
def test_a_real_limit_on_the_file_leaves_whole_lines(journal: Journal) -> None:
    command = [sys.executable, "-c", LIMITED, journal.path]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    number, code = map(int, done.stdout.split())
    assert code == errno.EFBIG
    assert journal.events() == [Note(f"number {n}") for n in range(number)]
    assert journal.path.read_bytes().endswith(b"\n")
    assert 900 < journal.path.stat().st_size <= 1000

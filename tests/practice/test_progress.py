"""One small file: solved stays solved, tries are counted honestly."""

from __future__ import annotations

import json
import threading

import pytest

from pilotlight.core.errors import RecordError
from pilotlight.practice.progress import Done, Progress


@pytest.fixture
def progress(tmp_path):
    return Progress(tmp_path / "practice")


def test_nothing_is_known_at_first_and_reading_writes_nothing(progress, tmp_path):
    assert progress.of("momentum") == Done()
    assert progress.all() == {}
    assert list(tmp_path.iterdir()) == []


def test_solved_stays_solved(progress):
    assert progress.solved("momentum").state == "solved"
    assert progress.tried("momentum", "x = 1").state == "solved"
    assert progress.of("momentum").solved
    assert progress.of("dropout").state == "open"


@pytest.mark.parametrize(
    "again", ["x = 1", "x  =  1  # a comment\n", "\n\nx = 1\n", "(x) = (1)", "x = 1\n\n\n"]
)
def test_the_same_once_more_is_no_new_try(again, progress):
    progress.tried("momentum", "x = 1")
    assert len(progress.tried("momentum", again).tries) == 1


def test_another_text_is_a_new_try_and_going_back_is_none(progress):
    for text in ("x = 1", "x = 2", "x = 1", "x = (", "x = ["):
        done = progress.tried("momentum", text)
    assert len(done.tries) == 4
    assert done.state == "tried"


def test_hints_only_go_up(progress):
    progress.hinted("momentum", 2)
    assert progress.hinted("momentum", 1).hints == 2


def test_a_solution_that_was_shown_is_remembered_with_when(progress):
    progress.tried("momentum", "x = 1")
    done = progress.shown("momentum")
    assert (done.shown_after, done.shown_first) == (1, True)
    progress.tried("momentum", "x = 2")
    assert progress.shown("momentum").shown_after == 1
    assert progress.solved("momentum").shown_first


def test_shown_after_it_was_solved_is_no_help(progress):
    progress.solved("momentum")
    assert not progress.shown("momentum").shown_first


def test_the_file_is_small_and_says_its_version(progress, tmp_path):
    progress.tried("momentum", "x = 1" * 1000)
    path = tmp_path / "practice" / "progress.json"
    assert path.stat().st_size < 400
    assert json.loads(path.read_text())["version"] == 1
    assert [p.name for p in path.parent.iterdir()] == ["progress.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"version": 1}', "null"])
def test_a_file_that_is_not_ours_is_left_alone(text, progress, tmp_path):
    path = tmp_path / "practice" / "progress.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(RecordError, match=r"progress\.json cannot be read .* Put it elsewhere"):
        progress.solved("momentum")
    assert path.read_text() == text


def test_a_key_of_a_later_version_is_passed_over(progress, tmp_path):
    progress.solved("momentum")
    path = tmp_path / "practice" / "progress.json"
    path.write_text(path.read_text().replace('"hints": 0', '"hints": 0, "stars": 5'))
    assert progress.of("momentum").solved


def test_two_at_once_lose_nothing(progress):
    names = [f"exercise-{n}" for n in range(16)]
    threads = [threading.Thread(target=progress.solved, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(progress.all()) == set(names)


def test_a_lock_whose_owner_died_does_not_stop_anyone(progress, tmp_path, monkeypatch):
    monkeypatch.setattr("pilotlight.practice.progress.LOCK_SECONDS", 0.05)
    (tmp_path / "practice" / ".progress.json.lock").mkdir(parents=True)
    assert progress.solved("momentum").solved

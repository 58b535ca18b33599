"""What a check says: message first, each task with its checks, nothing wider than asked."""

from __future__ import annotations

from pilotlight.practice.judge import Result, Verdict
from pilotlight.present.practice import tries, verdict_text

GOOD = Result("One step", "one", "It goes downhill.", "passed")
BAD = Result("One step", "two", "It remembers.", "failed", "weight: expected 1, got 2.")
WORSE = Result("Many steps", "three", "It fades.", "failed", "weight: expected 5, got 6.")
LEFT = Result("Many steps", "four", "It ends.", "not run")


def test_a_pass_says_what_has_been_shown():
    assert verdict_text(Verdict("momentum", (GOOD, GOOD))) == (
        "All 2 checks of momentum passed.\n\n"
        "One step\n  passed   It goes downhill.\n  passed   It goes downhill."
    )


def test_a_failure_is_message_first_then_the_tasks():
    verdict = Verdict("momentum", (GOOD, BAD, WORSE, LEFT), BAD.problem, "You forgot the rate.")
    assert verdict_text(verdict).split("\n\n") == [
        "weight: expected 1, got 2.",
        "You forgot the rate.",
        "One step\n  passed   It goes downhill.\n  failed   It remembers.",
        "Many steps\n  failed   It fades.\n           weight: expected 5, got 6.\n"
        "  not run  It ends.",
    ]


def test_without_a_known_mistake_the_check_says_what_it_means():
    text = verdict_text(Verdict("momentum", (GOOD, BAD), BAD.problem))
    assert text.split("\n\n")[1] == "What is checked here: It remembers."


def test_an_error_shows_its_line(tmp_path):
    path = tmp_path / "m.py"
    path.write_text("x = 1\ny = x.z\n")
    verdict = Verdict("momentum", (BAD,), "AttributeError: no z", line=2)
    assert verdict_text(verdict, str(path), 1000).startswith(
        f"AttributeError: no z\n{path}, line 2:\n    y = x.z\n\n"
    )
    path.unlink()
    assert f"{path}, line 2\n\n" in verdict_text(verdict, str(path), 1000)
    assert verdict_text(verdict).startswith("AttributeError: no z (line 2)\n\n")


def test_a_stub_is_to_be_written():
    verdict = Verdict("momentum", (BAD,), "NotImplementedError", line=7, written=False)
    assert verdict_text(verdict, "m.py").startswith(
        "momentum is still to be written: m.py, line 7.\n\n"
    )


def test_what_was_printed_comes_last_and_is_cut():
    verdict = Verdict("momentum", (BAD,), "no", printed="\n".join(map(str, range(99))))
    assert verdict_text(verdict).split("\n\n")[-1].splitlines() == [
        "It printed:",
        *(f"  {n}" for n in range(12)),
        "  ...",
    ]


def test_no_line_is_too_wide_and_what_follows_is_indented():
    long = Result("T", "t", "word " * 30 + "end.", "failed", "x" + " y" * 60)
    first = Result("T", "s", "S.", "failed", "first")
    lines = verdict_text(Verdict("m", (first, long), "first"), width=60).splitlines()
    assert max(map(len, lines)) <= 60
    at = next(i for i, line in enumerate(lines) if line.startswith("  failed   word"))
    assert lines[at + 1].startswith(" " * 11 + "word")
    assert lines[-1].startswith(" " * 11 + "y")


def test_tries_in_words():
    assert (tries(1), tries(3)) == ("1 try", "3 tries")

"""Practice in words: the map of exercises, and what a check says. Message first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from pilotlight.practice.judge import Result, Verdict
from pilotlight.present.words import count

HANG = 11
"""Sentences of checks start in this column."""
MOST_PRINTED = 12
"""Lines of what the answer printed."""


def verdict_text(verdict: Verdict, file: str = "", width: int = 80) -> str:
    """What to mend and why, then each task with its checks, then what the answer printed."""
    parts = [*_message(verdict, file), *_tasks(verdict), *_printed(verdict.printed)]
    return "\n\n".join(_wrapped(part, width) for part in parts)


def tries(n: int) -> str:
    """`1 try`, `3 tries`."""
    return "1 try" if n == 1 else f"{n} tries"


def _message(verdict: Verdict, file: str) -> Iterator[str]:
    if verdict.passed:
        yield f"All {count(len(verdict.results), 'check')} of {verdict.exercise} passed."
        return
    if not verdict.written:
        yield f"{verdict.exercise} is still to be written{_where(verdict, file)}."
        return
    yield verdict.problem + _quoted(verdict, file)
    failing = verdict.failing
    if verdict.mistake:
        yield verdict.mistake
    elif failing is not None and failing.name != "signature":
        yield f"What is checked here: {failing.means}"


def _where(verdict: Verdict, file: str) -> str:
    return f": {file}, line {verdict.line}" if file and verdict.line else ""


def _quoted(verdict: Verdict, file: str) -> str:
    """The line that an error came from, with its text where it is in a file."""
    if not verdict.line:
        return ""
    if not file:
        return f" (line {verdict.line})"
    try:
        lines = Path(file).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    code = lines[verdict.line - 1].strip() if verdict.line <= len(lines) else ""
    return f"\n{file}, line {verdict.line}" + (f":\n    {code}" if code else "")


def _tasks(verdict: Verdict) -> Iterator[str]:
    """Each task with its checks; below those that fail what came instead."""
    for task in dict.fromkeys(r.task for r in verdict.results):
        rows = [row for r in verdict.results if r.task == task for row in _rows(r, verdict)]
        yield "\n".join([task, *rows])


def _rows(result: Result, verdict: Verdict) -> Iterator[str]:
    yield f"  {result.state:<7}  {result.means}"
    if result.problem and verdict.written and result is not verdict.failing:
        yield f"{' ' * HANG}{result.problem}"


def _printed(printed: str) -> Iterator[str]:
    lines = printed.rstrip().splitlines()
    if lines:
        more = ["  ..."] if len(lines) > MOST_PRINTED else []
        yield "\n".join(["It printed:", *(f"  {t}" for t in lines[:MOST_PRINTED]), *more])


def _wrapped(text: str, width: int) -> str:
    """Long lines broken; what follows is indented as their text is."""
    return "\n".join(
        textwrap.fill(
            line.strip(),
            width,
            initial_indent=" " * _indent(line),
            subsequent_indent=" " * _hang(line),
            break_long_words=False,
            break_on_hyphens=False,
        )
        if len(line) > width
        else line
        for line in text.splitlines()
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _hang(line: str) -> int:
    return HANG if line.startswith(("  passed ", "  failed ", "  not run ")) else _indent(line)

"""Errors written for the person who meets them; the command line ends with exit code 2.

PilotlightError
├── UsageError   what was asked for cannot be done: unknown name, value out of range
├── RecordError  a run folder cannot be read, written or resumed
└── LabError     a lab breaks a rule of the engine: a random draw in a phase, ...

A message says what, which value, and what instead. `problems` holds all of them, so that nobody
mends one only to meet the next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class PilotlightError(Exception):
    """Something a person can mend; shown as its message, never as a traceback."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems: tuple[str, ...] = problems


class UsageError(PilotlightError, ValueError):
    """What was asked for cannot be done: an unknown name, a value out of range."""


class RecordError(PilotlightError):
    """A run folder cannot be read, written or resumed."""


class LabError(PilotlightError):
    """A lab breaks a rule that the engine needs."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean 'momentum'?`, or the list of what there is when nothing is near."""
    names: Sequence[str] = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"There is: {', '.join(names)}." if names else "There is none."


def unknown(what: str, word: str, known: Iterable[str]) -> str:
    """One sentence for a name that does not exist, with the nearest one that does."""
    return f"unknown {what} {word!r}. {did_you_mean(word, known)}"


def raise_all(problems: Sequence[str], error: type[PilotlightError] = UsageError) -> None:
    """Raise one error that holds all problems; nothing when there is none."""
    if problems:
        raise error(*problems)

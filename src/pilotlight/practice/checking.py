"""Check a learner's file: its process and that of the oracle run side by side, and are compared.

A `Checker` keeps what is right and the known mistakes, so that the second check of the same
exercise waits for the learner's process only, which starts in hundredths of a second.

Guarded: a loop without end, deep recursion, memory, endless output, processes left behind,
`sys.exit` and `os._exit`, prints that imitate a pass, patched asserts and patched torch. Not
guarded: whoever wants to deceive can read the solution, which is in the package, or change files
of this account; nothing here keeps a program from the disk or the network. See also
execute/confined.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from pilotlight.core.errors import PilotlightError
from pilotlight.execute.confined import Confined, Ended, Limits
from pilotlight.execute.processes import Job, warm
from pilotlight.practice.judge import Attempt, Verdict, judge, mistake

WORKER, PRELOAD = "pilotlight.practice.worker", ("pilotlight.practice.preload",)


class Checker:
    """Checks answers to one exercise; leaving the `with` ends its processes.

    `exercise` is a name, or the path of an exercise file.
    """

    def __init__(self, exercise: str, limits: Limits | None = None) -> None:
        self._exercise = exercise
        self._limits = limits or Limits()
        self._known: list[Mapping[str, Any]] | None = None
        self._right: Mapping[str, Any] = {}
        self._stack = ExitStack()
        self._messages: Iterator[Any] = iter(())

    def __enter__(self) -> Checker:
        warm(PRELOAD)
        job = Job(WORKER, "reference", {"exercise": self._exercise})
        self._reference = self._stack.enter_context(Confined(job, Limits(), PRELOAD))
        self._messages = self._reference.messages()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def check(self, file: Path, text: str, seed: int = 0) -> Verdict:
        """The verdict on a learner's file, whose text is `text`.

        Raises:
            PilotlightError: the exercise itself is at fault.
        """
        arguments = {"exercise": self._exercise, "text": text, "file": str(file), "seed": seed}
        with Confined(Job(WORKER, "attempt", arguments), self._limits, PRELOAD) as process:
            attempt = Attempt()
            for message in process.messages():
                attempt.add(message)
            attempt.printed = process.printed()
            attempt.cut = _cut(process.ended, self._limits)
        verdict = judge(self._exercise, self._what_is_right(), attempt)
        if verdict.passed or not verdict.written:
            return verdict
        return replace(verdict, mistake=mistake(self._right, attempt, self._mistakes()))

    def _what_is_right(self) -> Mapping[str, Any]:
        if not self._right:
            self._right = next(self._messages, {})
            self._unless_at_fault()
        return self._right

    def _mistakes(self) -> list[Mapping[str, Any]]:
        if self._known is None:
            self._known = list(self._messages)
            self._unless_at_fault()
        return self._known

    def _unless_at_fault(self) -> None:
        ended = self._reference.ended
        if ended and ended.how != "done":
            detail = ended.detail.strip().rpartition("\n")[2] or ended.how
            raise PilotlightError(f"The exercise {self._exercise!r} is itself at fault: {detail}")


def _cut(ended: Ended | None, limits: Limits) -> str:
    """Why not all came back, in words; nothing when all did."""
    if ended is None or ended.how == "done":
        return ""
    if ended.how == "time":
        return f"It was not done after {limits.silence:g} seconds: a loop that never ends?"
    if ended.exit_code is not None and ended.exit_code < 0:
        return f"Its process was killed by signal {-ended.exit_code}: out of memory, or a crash?"
    if ended.exit_code is not None:
        return f"It ended its process (exit code {ended.exit_code}) before it gave an answer."
    return "Its process ended before it gave an answer."

"""Check an answer in this process, where a notebook has it.

There is nothing between the answer and this process: no limits but the interrupt button, and
whatever the notebook has changed, in torch too, is changed for the checks. `pilotlight check`
guards; this is for looking around.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pilotlight.core.errors import UsageError
from pilotlight.practice import source, worker
from pilotlight.practice.catalogue import Entry, load
from pilotlight.practice.judge import Attempt, Verdict, judge, mistake


def verdict_here(entry: Entry, answers: Sequence[Any]) -> Verdict:
    """The verdict on functions or classes, given in the order in which the exercise names them.

    Raises:
        UsageError: too few, too many, or what cannot be called.
    """
    parts = source.parts(entry.text)
    if len(answers) != len(parts) or not all(map(callable, answers)):
        wanted = f'pl.check("{entry.name}", {", ".join(parts)})'
        raise UsageError(f"Give what you wrote, without calling it: {wanted}")
    given = _beside(answers[0]) | dict(zip(parts, answers, strict=True))
    right, attempt = worker.right(entry), Attempt()
    for message in worker.use(given, list(load(entry).checks), parts, _file(answers[0])):
        attempt.add(message)
    verdict = judge(entry.name, right, attempt)
    if verdict.passed or not verdict.written:
        return verdict
    return replace(verdict, mistake=mistake(right, attempt, list(worker.mistakes(entry))))


def _beside(answer: Any) -> dict[str, Any]:
    """What stands beside it where it was written, such as a type that the exercise gives."""
    if inspect.isclass(answer):
        return dict(getattr(sys.modules.get(answer.__module__), "__dict__", {}))
    return dict(getattr(inspect.unwrap(answer), "__globals__", {}))


def _file(answer: Any) -> str:
    """The file or cell that it was written in, as tracebacks name it."""
    function = answer.__init__ if inspect.isclass(answer) else answer
    code = getattr(inspect.unwrap(function), "__code__", None)
    return str(code.co_filename) if code else ""

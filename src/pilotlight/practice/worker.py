"""What happens in a confined process: an answer is run, or what is right and the known mistakes.

Both call the same checks. What they yield is data; it is judged elsewhere.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from pilotlight.practice import answers, source
from pilotlight.practice.catalogue import Entry, find, load
from pilotlight.practice.exercise import Check
from pilotlight.practice.seen import Seen, failed, seen

PRELOAD = ("pilotlight.practice.preload",)


def attempt(exercise: str, text: str, file: str, seed: int = 0) -> Iterator[Mapping[str, Any]]:
    """Run a learner's file and use it in every check: its signatures, then each observation."""
    torch.set_num_threads(1)  # tiny tensors gain nothing, and a busy machine loses much
    entry = find(exercise)
    load(entry)
    yield {}  # ready: all that comes now is the learner's time
    yield from attempt_here(entry, text, file, seed)


def attempt_here(entry: Entry, text: str, file: str, seed: int = 0) -> Iterator[Mapping[str, Any]]:
    """The same in this process, for answers that can be trusted."""
    checks, parts = list(load(entry).checks), source.parts(entry.text)
    try:
        answer = answers.run(text, file)
    except (Exception, SystemExit) as error:
        yield {"stopped": failed(error, file)}
        return
    yield from use(vars(answer), checks, parts, file, seed)


def use(
    answer: Mapping[str, Any],
    checks: Sequence[tuple[str, Check]],
    parts: Sequence[str],
    file: str,
    seed: int = 0,
) -> Iterator[Mapping[str, Any]]:
    """Use an answer in every check."""
    yield {"signatures": answers.signatures(answer, parts)}
    for _, check in checks:
        yield {"check": check.name, "seen": observe(check, answer, file, seed)}


def observe(check: Check, answer: Mapping[str, Any], file: str = "", seed: int = 0) -> Seen:
    """What a check sees of an answer. What it draws at random does not depend on other checks."""
    with own_randomness(seed):
        try:
            return seen(check.observe(SimpleNamespace(**answer)))
        except (Exception, SystemExit) as error:
            return failed(error, file)


def reference(exercise: str) -> Iterator[Mapping[str, Any]]:
    """What is right in each check; then, one by one, what each known wrong answer gives."""
    torch.set_num_threads(1)
    entry = find(exercise)
    yield right(entry)
    yield from mistakes(entry)


def right(entry: Entry) -> Mapping[str, Any]:
    """The signatures and, of each check, its task, its words and what is expected."""
    exercise, parts = load(entry), source.parts(entry.text)
    solution = answers.run(source.solution(entry.text), f"<solution of {entry.name}>")
    return {
        "signatures": answers.signatures(vars(solution), parts),
        "checks": [
            {
                "task": task,
                "name": check.name,
                "means": check.means,
                "within": check.within,
                "expected": _expected(check, exercise.oracle),
            }
            for task, check in exercise.checks
        ],
    }


def _expected(check: Check, oracle: Mapping[str, Any]) -> Seen:
    with own_randomness(0):
        if check.expect is not None:
            return seen(check.expect())
        return seen(check.observe(SimpleNamespace(**oracle)))


def mistakes(entry: Entry) -> Iterator[Mapping[str, Any]]:
    """The message of each known wrong answer, and what the checks see of it."""
    exercise = load(entry)
    for number, wrong in enumerate(exercise.wrong, 1):
        file = f"<wrong answer {number}>"
        answer = answers.run(source.changed(entry.text, wrong.change), file)
        found = {c.name: observe(c, vars(answer), file) for _, c in exercise.checks}
        yield {"message": wrong.message, "seen": found}


@contextmanager
def own_randomness(seed: int) -> Iterator[None]:
    """What draws from the global generators draws the same each time, and leaves no trace."""
    before = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])

"""The judge: what came back from an answer, against what is right, in words.

It works on data alone. Nothing that the answer prints, raises, patches or claims counts; what
came back is compared with what the oracle gave in a process that never saw the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pilotlight.practice.compare import Seen, alike, difference, is_seen, kind, told

State = Literal["passed", "failed", "not run"]
SIGNATURE = "What is to be written is there, with the parameters that the task gives it."


@dataclass
class Attempt:
    """What came back from an answer, as far as it came."""

    stopped: Seen = None  # an error while its file was run
    signatures: Mapping[str, str] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    cut: str = ""  # why nothing came after the last of these
    printed: str = ""

    def add(self, message: Any) -> None:
        """One message more; what is not one of ours is passed over."""
        match message:
            case {"check": str(name), "seen": seen} if is_seen(seen):
                self.seen[name] = seen
            case {"stopped": {"kind": "error"} as error} if is_seen(error):
                self.stopped = error
            case {"signatures": dict(signatures)}:
                self.signatures = {str(name): str(said) for name, said in signatures.items()}


@dataclass(frozen=True)
class Result:
    """One check: `means` is its sentence, `problem` expected against actual, `line` where."""

    task: str
    name: str
    means: str
    state: State
    problem: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What the checks say of an answer.

    `problem` is the first thing to mend, `mistake` the message of the known mistake that gives
    just this, `line` where an error came from. `written` is false for a stub.
    """

    exercise: str
    results: tuple[Result, ...]
    problem: str = ""
    mistake: str = ""
    line: int | None = None
    printed: str = ""
    written: bool = True
    is_cut_short: bool = False  # its file did not even run to its end

    @property
    def passed(self) -> bool:
        """All checks ran and passed."""
        return bool(self.results) and all(r.state == "passed" for r in self.results)

    @property
    def failing(self) -> Result | None:
        """The first check that did not pass."""
        return next((r for r in self.results if r.state == "failed"), None)


def judge(exercise: str, right: Mapping[str, Any], attempt: Attempt) -> Verdict:
    """The verdict, before known mistakes are looked at."""
    stopped = _stopped(attempt)
    first = stopped or _signature(right["signatures"], attempt)
    checks = right["checks"]
    results = [Result(checks[0]["task"], "signature", SIGNATURE, *_state(first))]
    for number, check in enumerate(checks):
        cut = attempt.cut if number == len(attempt.seen) else ""
        results.append(_not_run(check) if first else _result(check, attempt, cut))
    failing = next((r for r in results if r.problem), None)
    line = attempt.stopped["line"] if attempt.stopped else failing.line if failing else None
    return Verdict(
        exercise,
        tuple(results),
        failing.problem if failing else "",
        line=line,
        printed=attempt.printed,
        written=_written(attempt),
        is_cut_short=bool(stopped),
    )


def _state(problem: str) -> tuple[State, str]:
    return ("failed", problem) if problem else ("passed", "")


def _stopped(attempt: Attempt) -> str:
    if attempt.stopped:
        return told(attempt.stopped)
    return "" if attempt.signatures or attempt.seen else attempt.cut


def _signature(expected: Mapping[str, str], attempt: Attempt) -> str:
    for name, said in expected.items():
        if name not in attempt.signatures:
            return f"{name}{said} is missing. Has it been renamed?"
        if attempt.signatures[name] != said:
            return f"{name}: expected {name}{said}, got {name}{attempt.signatures[name]}."
    return ""


def _not_run(check: Mapping[str, Any]) -> Result:
    return Result(check["task"], check["name"], check["means"], "not run")


def _result(check: Mapping[str, Any], attempt: Attempt, cut: str) -> Result:
    name, problem, line = check["name"], cut, None
    if name in attempt.seen:
        actual = attempt.seen[name]
        problem = difference(check["expected"], actual, check["within"]) or ""
        line = actual["line"] if problem and kind(actual) == "error" else None
    elif not cut:
        return _not_run(check)
    return Result(check["task"], name, check["means"], *_state(problem), line)


def _written(attempt: Attempt) -> bool:
    """A stub raises NotImplementedError wherever it is used."""
    return not any(
        kind(seen) == "error" and seen["type"] == "NotImplementedError"
        for seen in attempt.seen.values()
    )


def mistake(right: Mapping[str, Any], attempt: Attempt, known: Sequence[Mapping[str, Any]]) -> str:
    """The message of the known wrong answer that gives what this one gives; else nothing.

    It gives the same in the first check that fails, and alone gives the same in the most checks.
    Where it does not in all of them, the message is a guess and says so.
    """
    checks = [c for c in right["checks"] if c["name"] in attempt.seen]
    checks.sort(key=lambda c: not _fails(c, attempt.seen))
    if not checks or not _fails(checks[0], attempt.seen):
        return ""
    scores = [_score(checks, attempt.seen, wrong["seen"]) for wrong in known]
    best = max(scores, default=0)
    if not best or scores.count(best) > 1:
        return ""
    message = str(known[scores.index(best)]["message"])
    return message if best == len(checks) else f"Perhaps: {message}"


def _fails(check: Mapping[str, Any], given: Mapping[str, Seen]) -> bool:
    return difference(check["expected"], given[check["name"]], check["within"]) is not None


def _score(checks: Sequence[Mapping[str, Any]], given: Any, wrong: Any) -> int:
    """In how many checks both gave the same; 0 when not in the first."""
    same = [alike(given[c["name"]], wrong[c["name"]], c["expected"], c["within"]) for c in checks]
    return sum(same) if same[0] else 0

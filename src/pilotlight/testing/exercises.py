"""The conformance suite of exercises: what every exercise must hold, ours or a teacher's own.

    from pilotlight.testing import check_exercise
    check_exercise("momentum")

Everything runs in this process: the answers are the exercise's own. Whether its checks also catch
mistakes that nobody listed is measured by pilotlight.testing.mutations.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pilotlight.core.errors import PilotlightError
from pilotlight.labs import catalogue as labs
from pilotlight.practice import answers, source, worker
from pilotlight.practice.catalogue import Entry, entries, find, load
from pilotlight.practice.exercise import Exercise
from pilotlight.practice.judge import Attempt, Verdict, judge, mistake

SECONDS = 2.0
SEEDS = range(5)
FEWEST_WRONG = 4
FEWEST_WORDS = 25
DRAWS = ("rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "shuffle")


def check_exercise(exercise: str) -> None:
    """Check an exercise, by name or by the path of its file, against every rule.

    Raises:
        AssertionError: all that is wrong, one line each.
    """
    found = exercise_problems(exercise)
    assert not found, "\n".join(found)


def exercise_problems(exercise: str) -> list[str]:
    """Everything that is wrong with an exercise, in words; empty when it is fine."""
    try:
        trial = Trial.of(find(exercise))
    except PilotlightError as error:
        return list(error.problems)
    rules = (
        texts_are_there,
        stub_fails_at_the_gaps_only,
        right_answers_pass,
        known_mistakes_are_told_apart,
        no_check_is_idle,
        order_does_not_matter,
        draws_have_generators,
    )
    return [problem for rule in rules for problem in rule(trial)]


@dataclass(frozen=True)
class Trial:
    """An exercise, what is right in its checks, and what its known wrong answers give."""

    entry: Entry
    exercise: Exercise
    right: Mapping[str, Any]
    known: list[Mapping[str, Any]]

    @classmethod
    def of(cls, entry: Entry) -> Trial:
        """Import it and run all but the learner's part."""
        return cls(entry, load(entry), worker.right(entry), list(worker.mistakes(entry)))

    def verdict(self, text: str, seed: int = 0) -> Verdict:
        """The verdict on an answer, given as a learner's file."""
        attempt = Attempt()
        for message in worker.attempt_here(self.entry, text, "<answer>", seed):
            attempt.add(message)
        return judge(self.entry.name, self.right, attempt)

    def verdict_on(self, answer: Mapping[str, Any]) -> Verdict:
        """The verdict on an answer, given as objects."""
        attempt, parts = Attempt(), source.parts(self.entry.text)
        for message in worker.use(answer, list(self.exercise.checks), parts, ""):
            attempt.add(message)
        return judge(self.entry.name, self.right, attempt)


def texts_are_there(trial: Trial) -> Iterator[str]:
    """A task that can be understood, hints, sentences, and links that lead somewhere."""
    entry, exercise = trial.entry, trial.exercise
    words = len(source.task(entry.text)[1].split())
    if words < FEWEST_WORDS:
        yield f"docstring: {words} words below the title; say what to write, and its formula."
    if len(exercise.hints) < 2:
        yield f"hints: {len(exercise.hints)}; two or more, from a nudge to almost all."
    if len(exercise.wrong) < FEWEST_WRONG:
        yield f"wrong: {len(exercise.wrong)} known wrong answers; {FEWEST_WRONG} or more."
    for _, check in exercise.checks:
        if not check.means.endswith("."):
            yield f"{check.name}: its docstring is one sentence, which the learner reads."
    known = {e.name for e in entries()} | {entry.name}
    yield from (f"needs: there is no exercise {n!r}." for n in entry.needs if n not in known)
    try:
        _ = entry.lab and labs.find(entry.lab)
    except PilotlightError as error:
        yield f"lab: {error}"


def stub_fails_at_the_gaps_only(trial: Trial) -> Iterator[str]:
    """The stub can be run and has the right signatures; every check meets a gap."""
    stub = source.stub(trial.entry.text, trial.entry.name)
    lines = stub.splitlines()
    signature, *results = trial.verdict(stub).results
    if signature.state != "passed":
        yield f"stub: {signature.problem}"
    for result in results:
        if result.line is None or "raise NotImplementedError(" not in lines[result.line - 1]:
            yield f"stub: {result.name} does not fail at a gap: {result.problem or 'it passes'}"


def right_answers_pass(trial: Trial) -> Iterator[str]:
    """The solution passes, quickly, whatever it draws; so does the alternative."""
    solution = source.solution(trial.entry.text)
    started = time.process_time()
    trial.verdict(solution)
    seconds = time.process_time() - started
    if seconds > SECONDS:
        yield f"The checks take {seconds:.1f} s; {SECONDS:g} s at most."
    for seed in SEEDS:
        verdict = trial.verdict(solution, seed)
        yield from _complaints(f"solution, seed {seed}", verdict)
    yield from _complaints("alternative", trial.verdict_on(trial.exercise.alternative))


def _complaints(who: str, verdict: Verdict) -> Iterator[str]:
    for result in verdict.results:
        if result.state != "passed":
            yield f"{who}: {result.name} {result.state}: {result.problem}"


def known_mistakes_are_told_apart(trial: Trial) -> Iterator[str]:
    """Every known wrong answer fails, and is told its own message."""
    for number, known in enumerate(trial.known, 1):
        attempt = Attempt(signatures=trial.right["signatures"], seen=known["seen"])
        if judge(trial.entry.name, trial.right, attempt).passed:
            yield f"wrong answer {number} passes: {known['message']}"
        elif (told := mistake(trial.right, attempt, trial.known)) != known["message"]:
            yield f"wrong answer {number} is told: {told or 'nothing of its own'}"
        if len(known["message"].split()) < 5 or not known["message"].endswith((".", "?")):
            yield f"wrong answer {number}: say what was done and what comes of it."


def no_check_is_idle(trial: Trial) -> Iterator[str]:
    """A check that no known wrong answer fails may not be able to fail at all."""
    caught = set()
    for known in trial.known:
        attempt = Attempt(signatures=trial.right["signatures"], seen=known["seen"])
        results = judge(trial.entry.name, trial.right, attempt).results
        caught |= {r.name for r in results if r.state == "failed"}
    for _, check in trial.exercise.checks:
        if check.name not in caught:
            yield f"{check.name}: no known wrong answer fails it; add one that does, or drop it."


def order_does_not_matter(trial: Trial) -> Iterator[str]:
    """Run backwards, and run again, the checks see the same."""
    answer = vars(answers.run(source.solution(trial.entry.text), "<solution>"))
    checks = [check for _, check in trial.exercise.checks]
    forth = {c.name: worker.observe(c, answer) for c in checks}
    for order, what in ((checks[::-1], "backwards"), (checks, "again")):
        for check in order:
            if worker.observe(check, answer) != forth[check.name]:
                yield f"{check.name} sees something else when the checks run {what}."


def draws_have_generators(trial: Trial) -> Iterator[str]:
    """Below the line nothing is drawn from a global generator."""
    text = trial.entry.text
    above = text.partition(source.LINE)[0].count("\n") + 1
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(ast.Attribute(attr=name), keywords=keywords) if node.lineno > above:
                given = any(keyword.arg == "generator" for keyword in keywords)
                if name in DRAWS and not given and not _own(node):
                    yield f"line {node.lineno}: {name} draws without a generator of its own."


def _own(call: ast.Call) -> bool:
    """Whether it is a method of a generator: `generator.normal()`, as NumPy's are."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(owner, ast.Name) and owner.id not in ("torch", "random", "np", "numpy")

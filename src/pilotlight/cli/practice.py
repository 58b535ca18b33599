"""`practice` and `check`: write it yourself, and see what the checks say."""

from __future__ import annotations

import json

from pilotlight.app import practising
from pilotlight.app.practising import Begun, Checked, Standing
from pilotlight.cli.codes import FINE, NOT_AS_EXPECTED
from pilotlight.cli.text import emit, laid, quoted, tell, width, wrapped
from pilotlight.core.errors import UsageError
from pilotlight.core.event import plain
from pilotlight.practice import source
from pilotlight.present.practice import tries, verdict_text
from pilotlight.present.words import count


def show_map(as_json: bool, lacks_name: bool = False) -> int:
    """Print all exercises by area, with what is done and what comes next."""
    if lacks_name:
        raise UsageError("--hint, --solution and --notebook need the name of an exercise.")
    found = practising.standings()
    if as_json:
        emit([standing.to_json() for standing in found])
        return FINE
    rows = [(s.entry.name, _mark(s), f"{s.entry.minutes} min", s.entry.title) for s in found]
    by_area: dict[str, list[str]] = {}
    for standing, text in zip(found, laid(rows), strict=True):
        by_area.setdefault(standing.entry.area, []).append(text)
    for area, texts in by_area.items():
        print(area, *texts, "", sep="\n")
    solved = sum(s.done.solved for s in found)
    print(f"{solved} of {count(len(found), 'exercise')} solved.", _next(found))
    return FINE


def _mark(standing: Standing) -> str:
    """How far one is, in a word or two."""
    done = standing.done
    if done.solved:
        return "solved, after its solution" if done.shown_first else "solved"
    if standing.is_next:
        return "next"
    return tries(len(done.tries)) if done.tries else ""


def _next(found: list[Standing]) -> str:
    name = next((s.entry.name for s in found if s.is_next), None)
    return f"Next: pilotlight practice {name}" if name else "That was the last one."


def begin(name: str, hint: bool, solution: bool, as_notebook: bool, as_json: bool) -> int:
    """Begin an exercise, or show its next hint or its solution."""
    if hint and (solution or as_notebook or as_json):
        raise UsageError("--hint stands alone: it prints the next hint.")
    if hint:
        shown = practising.next_hint(name)
        print(wrapped(f"Hint {shown.number} of {shown.of}: {shown.text}"))
        return FINE
    if solution and not as_notebook:
        return _solution(name, as_json)
    begun = practising.begin(name, as_notebook, solved=solution)
    if as_json:
        emit(begun.standing.to_json() | {"file": str(begun.path), "new": begun.is_new})
    else:
        _tell_begun(begun)
    return FINE


def _solution(name: str, as_json: bool) -> int:
    text, done = practising.show_solution(name)
    if as_json:
        emit({"name": name, "solution": text, "tries_before": done.shown_after})
        return FINE
    print(text, end="")
    if done.shown_first:
        tell(f"The solution was shown after {tries(done.shown_after or 0)}.")
    return FINE


def _tell_begun(begun: Begun) -> None:
    """What is asked for, where to write it, and how to go on."""
    entry, path = begun.standing.entry, quoted(begun.path)
    title, task = source.task(entry.text)
    print(f"{title}\n\n{wrapped(task)}\n")
    new = "Write in" if begun.is_new else "It is there already, and left as it is:"
    print(f"{new} {path}")
    if begun.path.suffix == ".py":
        print(f"At every save a check: pilotlight check {entry.name} --watch")
    print(f"If you are stuck:      pilotlight practice {entry.name} --hint")
    if entry.lab:
        print(f"What it is good for:   pilotlight show {entry.lab}")


def check(name_or_file: str, watch: bool, as_json: bool) -> int:
    """Check what was written, once or at every save; 1 when a check does not pass."""
    with practising.Checking(name_or_file) as checking:
        if not watch:
            checked = checking.check()
            emit(checked.to_json()) if as_json else print(_told(checked))
            return FINE if checked.verdict.passed else NOT_AS_EXPECTED
        for checked in checking.watch():
            if as_json:
                print(json.dumps(plain(checked.to_json()), allow_nan=False), flush=True)
            else:
                print(f"{_told(checked)}\n", flush=True)
                if not checked.verdict.passed:
                    tell(f"Waiting for {checking.path} to be saved. Ctrl-C ends.")
    return FINE


def _told(checked: Checked) -> str:
    """The verdict, then what to do next."""
    return f"{verdict_text(checked.verdict, checked.file, width())}\n\n{_then(checked)}"


def _then(checked: Checked) -> str:
    name = checked.verdict.exercise
    if checked.verdict.passed:
        shown = " Its solution had been shown before." if checked.done.shown_first else ""
        then = f"Next: pilotlight practice {checked.upcoming}" if checked.upcoming else ""
        return f"{name} is solved.{shown} {then or 'That was the last exercise.'}"
    if checked.offers_solution:
        told = tries(len(checked.done.tries))
        return f"After {told}, one solution: pilotlight practice {name} --solution"
    return f"If you are stuck: pilotlight practice {name} --hint"

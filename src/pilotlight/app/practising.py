"""Practise: what there is to write, where one stands, hints, solutions, checks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotlight.core.errors import UsageError
from pilotlight.core.stamp import stamp_of
from pilotlight.practice import catalogue, source
from pilotlight.practice.catalogue import Entry
from pilotlight.practice.checking import Checker
from pilotlight.practice.judge import Verdict
from pilotlight.practice.notebooks import notebook
from pilotlight.practice.progress import ENOUGH_TRIES, FILE, Done, Progress

FOLDER = "practice"
LOOK_EVERY = 0.05
"""Seconds between two looks at a file that is watched."""


def practice_folder() -> Path:
    """The present folder if it holds a progress file, else ./practice."""
    return Path() if Path(FILE).is_file() else Path(FOLDER)


@dataclass(frozen=True)
class Standing:
    """An exercise and how far one is with it; `is_next` for the one to do now."""

    entry: Entry
    done: Done
    is_next: bool

    def to_json(self) -> dict[str, Any]:
        """The documented fields, in order."""
        return {
            "name": self.entry.name,
            "title": self.entry.title,
            "area": self.entry.area,
            "needs": list(self.entry.needs),
            "lab": self.entry.lab or None,
            "minutes": self.entry.minutes,
            "state": self.done.state,
            "tries": len(self.done.tries),
            "hints": self.done.hints,
            "solution_shown": self.done.shown_after is not None,
            "next": self.is_next,
        }


def standings() -> list[Standing]:
    """All exercises, by area, with what is done and the one that comes next.

    Next is the first that is not solved and whose needs all are.

    Raises:
        RecordError: the progress file cannot be read.
    """
    found, known = catalogue.entries(), Progress(practice_folder()).all()
    done = {entry.name: known.get(entry.name, Done()) for entry in found}
    ready = (
        e for e in found if not done[e.name].solved and all(_is_done(done, n) for n in e.needs)
    )
    first = next(ready, None)
    return [Standing(entry, done[entry.name], entry is first) for entry in found]


def _is_done(done: dict[str, Done], name: str) -> bool:
    return name not in done or done[name].solved


@dataclass(frozen=True)
class Begun:
    """A file to write in; `is_new` is false where it lay there before, and was left as it is."""

    standing: Standing
    path: Path
    is_new: bool


def begin(name: str, as_notebook: bool = False, solved: bool = False) -> Begun:
    """Put an exercise's stub, or its notebook, into the practice folder.

    A file that is there is never overwritten. `solved` makes the notebook that holds the solution,
    which counts as having been shown it.

    Raises:
        UsageError: an unknown name.
    """
    standing = standing_of(name)
    entry, folder = standing.entry, practice_folder()
    if as_notebook:
        file = entry.file.removesuffix(".py") + ("_solution" if solved else "") + ".ipynb"
        text = notebook(entry, entry.hints, solved)
    else:
        file, text = entry.file, source.stub(entry.text, entry.name)
    folder.mkdir(parents=True, exist_ok=True)
    if solved:
        Progress(folder).shown(entry.name)
    return Begun(standing, folder / file, _write_new(folder / file, text))


def standing_of(name: str) -> Standing:
    """One exercise and how far one is with it.

    Raises:
        UsageError: an unknown name.
    """
    catalogue.find(name)  # a wrong name is told with the nearest right one
    return next(s for s in standings() if s.entry.name == name)


def _write_new(path: Path, text: str) -> bool:
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


@dataclass(frozen=True)
class Hint:
    """One hint, its number from 1, and how many there are."""

    number: int
    of: int
    text: str


def next_hint(name: str) -> Hint:
    """The next hint; after the last one, the last again.

    Raises:
        UsageError: an unknown name.
    """
    entry, progress = catalogue.find(name), Progress(practice_folder())
    number = min(progress.of(name).hints + 1, len(entry.hints))
    progress.hinted(name, number)
    return Hint(number, len(entry.hints), entry.hints[number - 1])


def show_solution(name: str) -> tuple[str, Done]:
    """The reference solution; that it was shown is remembered.

    Raises:
        UsageError: an unknown name.
    """
    entry = catalogue.find(name)
    return source.solution(entry.text), Progress(practice_folder()).shown(name)


# Checking


@dataclass(frozen=True)
class Checked:
    """A verdict and what it means for one's progress.

    `seconds` from the file's being read to the verdict. `upcoming` is the exercise to do next, of
    one that passed.
    """

    verdict: Verdict
    file: str
    done: Done
    seconds: float
    upcoming: str | None = None

    @property
    def offers_solution(self) -> bool:
        """After three honest tries."""
        return offers_solution(self.done)

    def to_json(self) -> dict[str, Any]:
        """The documented fields, in order."""
        verdict = self.verdict
        return {
            "exercise": verdict.exercise,
            "file": self.file or None,
            "passed": verdict.passed,
            "problem": verdict.problem or None,
            "mistake": verdict.mistake or None,
            "line": verdict.line,
            "checks": [
                {
                    "task": r.task,
                    "name": r.name,
                    "means": r.means,
                    "state": r.state,
                    "problem": r.problem or None,
                }
                for r in verdict.results
            ],
            "printed": verdict.printed,
            "tries": len(self.done.tries),
            "solved": self.done.solved,
            "solution_shown": self.done.shown_after is not None,
            "seconds": round(self.seconds, 3),
        }


def offers_solution(done: Done) -> bool:
    """Whether to offer the solution: after three honest tries."""
    return len(done.tries) >= ENOUGH_TRIES and not done.solved and done.shown_after is None


class Checking:
    """Checks one learner's file, once or at every save. Leaving the `with` ends its processes.

    Raises:
        UsageError: no such exercise, or no such file.
    """

    def __init__(self, name_or_file: str) -> None:
        self.entry, self.path = _target(name_or_file)
        self._stack = ExitStack()

    def __enter__(self) -> Checking:
        self._checker = self._stack.enter_context(Checker(self.entry.name))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def check(self) -> Checked:
        """Check the file as it is now.

        Raises:
            UsageError: it cannot be read.
        """
        start = time.perf_counter()
        text = _read(self.path)
        verdict = self._checker.check(self.path.absolute(), text)
        seconds = time.perf_counter() - start
        return _recorded(verdict, str(self.path), text, seconds)

    def watch(self) -> Iterator[Checked]:
        """Check it now and whenever it has been saved, until it passes."""
        while True:
            before = stamp_of(self.path)
            checked = self.check()
            yield checked
            if checked.verdict.passed:
                return
            while (after := stamp_of(self.path)) == before or after is None:
                time.sleep(LOOK_EVERY)
            while after != (after := stamp_of(self.path)):  # an editor may still be writing
                time.sleep(LOOK_EVERY)


def _target(typed: str) -> tuple[Entry, Path]:
    """The exercise that is meant, and the learner's file."""
    if typed.endswith(".py") or Path(typed).parent != Path():
        path = Path(typed)
        entry = catalogue.find(path.stem.replace("_", "-"))
    else:
        entry = catalogue.find(typed)
        path = practice_folder() / entry.file
    if not path.is_file():
        raise UsageError(f"There is no {path}. To begin: pilotlight practice {entry.name}")
    return entry, path


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a text file (UTF-8).") from None


def _recorded(verdict: Verdict, file: str, text: str, seconds: float) -> Checked:
    """Write down what came of it, and what comes next."""
    progress, name = Progress(practice_folder()), verdict.exercise
    if verdict.passed:
        done = progress.solved(name)
        upcoming = next((s.entry.name for s in standings() if s.is_next), None)
        return Checked(verdict, file, done, seconds, upcoming)
    ran = verdict.written and not verdict.is_cut_short
    done = progress.tried(name, text) if ran else progress.of(name)
    return Checked(verdict, file, done, seconds)


def check_here(name: str, *answers: Any) -> Checked:
    """Check functions or classes of this process, as a notebook has them.

    They run here: without limits, and with whatever has been changed in this process.

    Raises:
        UsageError: an unknown name, or not what the exercise asks for.
    """
    import inspect

    from pilotlight.practice.here import verdict_here

    start = time.perf_counter()
    entry = catalogue.find(name)
    verdict = verdict_here(entry, answers)
    try:
        text = "\n".join(map(inspect.getsource, answers))
    except (OSError, TypeError):
        text = repr([getattr(a, "__code__", a) for a in answers])
    return _recorded(verdict, "", text, time.perf_counter() - start)

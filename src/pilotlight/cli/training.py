"""`run` and `verify`: train labs while a person or a machine waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pilotlight.cli import leaving
from pilotlight.cli.codes import FINE, NOT_AS_EXPECTED, STOPPED
from pilotlight.cli.text import emit, table, tell, width
from pilotlight.core.command import VERIFYING, RunCommand
from pilotlight.core.errors import UsageError, raise_all
from pilotlight.core.report import Report
from pilotlight.labs import catalogue
from pilotlight.present import words

if TYPE_CHECKING:  # it imports torch
    from pilotlight.app.running import Running

Start = Callable[[], "Running"]


@dataclass(frozen=True)
class Trained:
    """What came of one lab; not `whole` when Ctrl-C ended it."""

    report: Report
    whole: bool


def run(
    names: Sequence[str],
    *,
    seeds: int | None,
    changes: Sequence[str],
    compare: str | None,
    device: str | None,
    quick: bool,
    compiled: bool,
    plan: bool,
    resume: str | None,
    out: str | None,
    jobs: int | None,
    as_json: bool,
) -> int:
    """Run labs, or say what would be run, or go on with one run."""
    if resume is not None:
        typed = {"--seeds": seeds is not None, "--set": changes, "--compare": compare is not None}
        typed |= {
            "--device": device,
            "--quick": quick,
            "--compile": compiled,
            "--plan": plan,
            "--out": out is not None,
        }
        _refuse_beside_resume(names, [option for option, given in typed.items() if given])
        return _run([partial(_resumed, resume, jobs)], False, as_json)
    entries, problems = _found(names)
    if not names:
        problems.append("name a lab, as in `pilotlight run momentum`. `pilotlight list` shows all.")
    if compare is not None and not _listed(compare):
        problems.append("--compare names no comparison. `pilotlight show NAME` lists them.")
    if out == "":
        problems.append("--out names no folder.")
    if out is not None and len(names) > 1:
        problems.append(f"--out {out} is the folder of one run. Name one lab, or leave it out.")
    settings = _changes(changes, problems)
    raise_all(problems)
    commands = [
        RunCommand(
            name,
            seeds=seeds,
            changes=settings,
            compare=_listed(compare),
            device=device or "auto",
            quick=quick,
            compiled=compiled,
            out=out,
            jobs=jobs,
        )
        for name in names
    ]
    if plan:
        return _show_plans(commands, as_json)
    return _run(_starts(entries, commands), len(names) > 1, as_json)


def verify(names: Sequence[str], all_labs: bool, jobs: int | None, as_json: bool) -> int:
    """Train labs on the verifying seeds; 1 where a result is not as expected."""
    if all_labs == bool(names):
        raise UsageError("name labs to verify, or say --all, but not both.")
    entries, problems = (catalogue.entries(), []) if all_labs else _found(names)
    raise_all(problems)
    wanted = names or [entry.name for entry in entries]
    starts = _starts(
        entries, [RunCommand(name, first_seed=VERIFYING, jobs=jobs) for name in wanted]
    )
    verified: list[tuple[Report, bool]] = []
    stopped = False
    try:
        for trained in _train(starts):
            stopped = not trained.whole
            if trained.whole:
                verified.append((trained.report, as_expected(trained.report)))
                if not as_json:
                    print(_compared(*verified[-1]), flush=True)
    finally:
        if as_json:
            from pilotlight.app.verifying import summaries

            emit(summaries(verified, family=all_labs))
    differing = [report.lab for report, good in verified if not good]
    if verified and not as_json:
        print(_conclusion(len(verified), differing))
    return STOPPED if stopped else NOT_AS_EXPECTED if differing else FINE


def as_expected(report: Report) -> bool:
    """Whether every verdict is the expected one and every exhibit passed."""
    verdicts = all(claim.verdict == claim.expected for claim in report.claims)
    return verdicts and all(exhibit.passed for exhibit in report.exhibits)


# What was typed


def _found(names: Iterable[str]) -> tuple[list[catalogue.Entry], list[str]]:
    """The labs, and all that is wrong with their names and files: known before any is trained."""
    entries: list[catalogue.Entry] = []
    problems: list[str] = []
    for name in names:
        try:
            entries.append(catalogue.find(name))
        except UsageError as error:
            problems += error.problems
    return entries, problems


def _refuse_beside_resume(names: Sequence[str], options: Sequence[str]) -> None:
    typed = [*names, *options]
    if typed:
        raise UsageError(
            f"--resume goes on with what the run's config says. Leave out {words.listed(typed)}."
        )


def _changes(typed: Sequence[str], problems: list[str]) -> dict[str, str]:
    """Name -> typed value of each --set."""
    changes: dict[str, str] = {}
    for text in typed:
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            problems.append(f"--set {text}: write NAME=VALUE, as in --set rate=0.1.")
        elif name in changes:
            problems.append(f"--set {text}: {name} is set twice.")
        changes[name] = value
    return changes


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(word for part in (text or "").split(",") if (word := part.strip()))


# Training


def _run(starts: Iterable[Start], several: bool, as_json: bool) -> int:
    reports: list[Report] = []
    code = FINE
    try:
        for trained in _train(starts):
            reports.append(trained.report)
            if not as_json:
                _show(trained.report)
            if not trained.whole:
                code = STOPPED
    finally:  # what was trained is told even if a later lab fails
        if as_json and reports:
            found = [report.to_json() for report in reports]
            emit(found if several else found[0])
    return code


def _starts(entries: Iterable[catalogue.Entry], commands: Iterable[RunCommand]) -> list[Start]:
    return [partial(_started, e, c) for e, c in zip(entries, commands, strict=True)]


def _started(entry: catalogue.Entry, command: RunCommand) -> Running:
    """Say how long it takes before torch is imported: that alone may take seconds."""
    tell(f"{entry.name}: {entry.question} A full run takes {words.seconds(entry.seconds)}.")
    with leaving.at_once():
        from pilotlight.app.running import start

        return start(command)


def _resumed(path: str, jobs: int | None) -> Running:
    with leaving.at_once():
        from pilotlight.app.running import resume

        running = resume(path, jobs=jobs)
    if running.finished:
        tell(f"{running.lab_name}: this run is finished, so nothing is left to train.")
    else:
        tell(f"{running.lab_name}: A full run takes {words.seconds(running.seconds)}.")
    return running


def _train(starts: Iterable[Start]) -> Iterator[Trained]:
    """Train one after the other. Ctrl-C ends it, and what there is so far is kept and told."""
    from pilotlight.cli.progress import follow

    for start in starts:
        running = start()
        whole = follow(running.lab_name, running, running.folder, "run")
        if not whole:
            running.stop()
        yield Trained(running.report(), whole)
        if not whole:
            return


# Showing


def _show(report: Report) -> None:
    """The summary, which says where the page is, and a small plot."""
    from rich.console import Console

    from pilotlight.present.terminal import plot, summary

    console = Console(width=width(), highlight=False)
    with console.capture() as captured:  # rich would end the program if nobody reads any more
        console.print(summary(report))
    print(captured.get(), end="")
    print(plot(report), flush=True)


def _show_plans(commands: Iterable[RunCommand], as_json: bool) -> int:
    from pilotlight.app.running import plan

    plans = [plan(command) for command in commands]
    if as_json:
        emit(plans if len(plans) > 1 else plans[0])
    else:
        print("\n\n".join(_plan_text(each) for each in plans))
    return FINE


def _plan_text(plan: Mapping[str, Any]) -> str:
    """How many networks train together or one by one, and why."""
    networks = words.count(len(plan["members"]), "network")
    first = f"{plan['lab']}: {networks} on {plan['device']}"
    lines = [f"{first}. A full run takes {words.seconds(plan['seconds'])}."]
    groups: dict[tuple[bool, str], list[int]] = {}
    for cohort in plan["cohorts"]:
        groups.setdefault((cohort["stacked"], cohort["why"]), []).append(len(cohort["members"]))
    rows = [
        (
            words.count(sum(sizes), "network"),
            f"stacked in {words.count(len(sizes), 'group')}" if stacked else "one by one",
            why,
        )
        for (stacked, why), sizes in groups.items()
    ]
    return "\n".join(lines + ([table(rows)] if rows else []))


def _compared(report: Report, good: bool) -> str:
    """A lab's verdicts against the expected ones."""
    rows = [
        (claim.id, words.verdict_word(claim), words.expected_words(claim) or "no verdict")
        for claim in report.claims
    ]
    rows += [
        (shown.id, "exact" if shown.passed else "fails", f"error {words.number(shown.error)}")
        for shown in report.exhibits
    ]
    first = f"{report.lab}: {'as expected' if good else 'NOT as expected'}"
    return "\n".join([first] + ([table(rows)] if rows else []))


def _conclusion(count: int, differing: Sequence[str]) -> str:
    if differing:
        labs = words.count(count, "lab")
        return f"Not as expected: {words.listed(differing)} ({len(differing)} of {labs})."
    return f"{words.count(count, 'lab')} verified, all as expected."

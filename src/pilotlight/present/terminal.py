"""A report for the terminal: verdicts as a table, exhibits, notes, small plots.

Piped, it is 80 columns wide and without colour; what the stream cannot write becomes a `?`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from pilotlight.core.report import ClaimResult, Report
from pilotlight.present.strips import plot
from pilotlight.present.words import (
    count,
    effect_words,
    expected_words,
    interval_words,
    number,
    p_words,
    reasons,
    resume_command,
    seconds,
    state_words,
    verdict_word,
    work_words,
)

__all__ = ["Summary", "number", "plot", "seconds", "summary"]

STYLES = {"supported": "bold green", "refuted": "bold magenta", "undecided": "bold"}

_Write = Callable[..., Text]
"""Makes text of a string and a style; nothing in the string is markup."""


class Summary:
    """What `rich.print` shows of a report."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        def write(text: str, style: str = "") -> Text:
            fitting = text.encode(options.encoding, "replace").decode(options.encoding)
            return Text(fitting, style=style)

        yield from _parts(self.report, write)


def summary(report: Report) -> Summary:
    """Question, verdicts, exhibits, notes and where the report is, for `rich.print`."""
    return Summary(report)


def _parts(report: Report, write: _Write) -> Iterator[RenderableType]:
    yield write(f"{report.lab}: {report.question}", "bold")
    yield write(work_words(report), "dim")
    if state_words(report):
        yield write(state_words(report), "bold yellow")
    if resume_command(report):
        yield write(f"To go on: {resume_command(report)}")
    if not report.evidence:
        why = f" Why: {reasons(report)}." if report.why_no_verdict else ""
        yield write(f"For exploring: no verdict.{why}", "yellow")
    if report.claims:
        yield Text()
        yield _verdicts(report, write)
    if report.exhibits:
        yield Text()
        yield _exhibits(report, write)
    notes = list(dict.fromkeys([*report.notes, *(n for c in report.claims for n in c.notes)]))
    if notes:
        yield Text()
        yield write("Notes", "bold")
        for note in notes:
            yield _bullet(write("-"), write(note))
    yield Text()
    yield _bullet(write("Report:", "dim"), write(f"{report.run}/report.html"))


def _bullet(mark: Text, body: Text) -> Table:
    """A mark with text that keeps its indent when it wraps; paths are never cut."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(mark, body)
    return grid


def _table(*heads: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    return table


def _verdicts(report: Report, write: _Write) -> RenderableType:
    """One row per claim; a scope that all claims share is said once, below."""
    scopes = {c.scope for c in report.claims}
    table = _table("verdict", "claim", "effect and interval", "p", "seeds")
    table.columns[0].min_width = 10
    table.columns[2].max_width = 24
    table.columns[3].no_wrap = True
    for claim in report.claims:
        body = write(claim.statement)
        if claim.scope and len(scopes) > 1:
            body.append_text(write(f"\nScope: {claim.scope}", "dim"))
        table.add_row(
            _verdict(claim, write),
            body,
            write(_effect(claim)),
            write(p_words(claim.p)),
            write(str(claim.seeds)),
        )
        table.add_row()
    if len(scopes) == 1 and (scope := next(iter(scopes))):
        grid = Table.grid()
        grid.add_row(table)
        grid.add_row(write(f"Scope: {scope}", "dim"))
        return grid
    return table


def _effect(claim: ClaimResult) -> str:
    """Effect, name of the interval and its ends, each on its own line."""
    interval = interval_words(claim).replace(" interval ", " interval\n")
    return f"{effect_words(claim)}\n{interval}".rstrip()


def _verdict(claim: ClaimResult, write: _Write) -> Text:
    word = write(verdict_word(claim), STYLES.get(claim.verdict or "", "dim"))
    if not expected_words(claim):
        return word
    if claim.verdict == claim.expected:
        return word.append_text(write("\nas expected", "dim"))
    return word.append_text(write(f"\nnot as expected\n({claim.expected})", "bold yellow"))


def _exhibits(report: Report, write: _Write) -> RenderableType:
    passed = sum(e.passed for e in report.exhibits)
    table = _table(
        "", f"{passed} of {count(len(report.exhibits), 'exhibit')} passed", "error", "tolerance"
    )
    for shown in report.exhibits:
        word = write("passed", "bold green") if shown.passed else write("failed", "bold red")
        errors = (write(number(shown.error)), write(number(shown.tolerance)))
        table.add_row(word, write(shown.statement), *errors)
    return table

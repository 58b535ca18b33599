"""Effects against their bounds and errors against their tolerances, one row each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from pilotlight.core.report import ClaimResult, ExhibitResult, Report
from pilotlight.present.labels import Canvas, inches, power_of_ten, wrapped, write
from pilotlight.present.palette import INK, QUIET, RULE, STYLE, VERDICTS
from pilotlight.present.words import (
    contrast,
    count,
    effect_words,
    finite_interval,
    interval_short,
    is_finite,
    minus,
    number,
    p_phrase,
    region,
    shortened,
    verdict_word,
)

EFFECTS_NOTE = (
    "Dot: effect; bar: its interval. Shaded: where the whole interval must lie to support the "
    "claim. Dotted: no effect."
)
EXHIBITS_NOTE = "Dot: error against the exact answer. Shaded: within the tolerance."
MARGIN, RIGHT, FOOT, GAP = 0.25, 2.7, 0.4, 0.3
"""Inches: left margin, words at the right of each row, note at the bottom, room before words."""
TEXT, LINE = 10.0, 0.185
"""Statements: size in points, height of a line in inches."""
EFFECT_ROW, EXHIBIT_ROW = 0.98, 0.36
"""Inches of a row without its statement."""
EFFECT_CHARACTERS = 28
"""What fits beside a row."""
EFFECT_BAND, EXHIBIT_BAND = 0.3, 0.2
"""Inches of the strip in which a row's mark lies."""


def effects_height(report: Report, width: float = 8.0) -> float:
    """Inches that the figure of effects needs."""
    rows = (_row_height(c.statement, width, EFFECT_ROW) for c in report.claims)
    return sum(rows) + FOOT


def exhibits_height(report: Report, width: float = 8.0) -> float:
    """Inches that the figure of exhibits needs."""
    rows = (_row_height(e.statement, width, EXHIBIT_ROW) for e in report.exhibits)
    return sum(rows) + FOOT + 0.42


@matplotlib.rc_context(STYLE)
def effects(report: Report, figure: Canvas) -> None:
    """Draw each claim's effect and interval against its bound; the supporting side is shaded.

    Each claim has its own axis, in its own unit, with the verdict as a word beside it.
    """
    width, height = inches(figure)
    top = 0.1
    for claim in report.claims:
        axes, start = _row(figure, claim.statement, top, EFFECT_BAND)
        colour = VERDICTS.get(claim.verdict or "", QUIET)
        _draw_effect(axes, claim, colour)
        _words(figure, start - 0.04, verdict_word(claim), colour, _effect_lines(claim))
        top += _row_height(claim.statement, width, EFFECT_ROW)
    write(figure, MARGIN, height - 0.28, EFFECTS_NOTE)


@matplotlib.rc_context(STYLE)
def exhibits(report: Report, figure: Canvas) -> None:
    """Draw each exhibit's error against its tolerance on one logarithmic axis.

    An error of exactly zero, or one that is not finite, is a triangle at the edge.
    """
    width, height = inches(figure)
    limits = _log_limits(report.exhibits)
    top = 0.1
    for shown in report.exhibits:
        axes, start = _row(figure, shown.statement, top, EXHIBIT_BAND)
        colour = VERDICTS["supported" if shown.passed else "refuted"]
        _draw_error(axes, shown, limits, colour, last=shown is report.exhibits[-1])
        _words(figure, start - 0.1, "passed" if shown.passed else "failed", colour, [])
        write(
            figure, width - RIGHT + GAP + 0.75, start - 0.07, f"error {minus(number(shown.error))}"
        )
        top += _row_height(shown.statement, width, EXHIBIT_ROW)
    write(figure, MARGIN, height - 0.28, EXHIBITS_NOTE)


def _statement(text: str, width: float) -> list[str]:
    return wrapped(text, width - 2 * MARGIN, TEXT, lines=3)


def _row_height(statement: str, width: float, row: float) -> float:
    return row + LINE * len(_statement(statement, width))


def _row(figure: Canvas, statement: str, top: float, band: float) -> tuple[Axes, float]:
    """Write a statement; axes for its mark below it, and how far down these begin, in inches."""
    width, height = inches(figure)
    lines = _statement(statement, width)
    write(figure, MARGIN, top, "\n".join(lines), fontsize=TEXT, color=INK, linespacing=1.3)
    start = top + LINE * len(lines) + 0.1
    wide = width - RIGHT - MARGIN
    box = (MARGIN / width, 1 - (start + band) / height, wide / width, band / height)
    axes = figure.add_axes(box, ylim=(-1, 1))
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.yaxis.set_major_locator(NullLocator())
    axes.tick_params(axis="x", length=2.5, labelsize=8.5, pad=2)
    return axes, start


def _words(figure: Canvas, top: float, word: str, colour: str, lines: Sequence[str]) -> None:
    """The verdict and what is behind it, at the right of a row."""
    left = inches(figure)[0] - RIGHT + GAP
    write(figure, left, top, word, fontsize=11, color=colour, fontweight="bold")
    for i, line in enumerate(lines):
        size, ink = (9.5, INK) if i == 0 else (8.5, QUIET)
        write(figure, left, top + 0.21 + 0.17 * i, line, fontsize=size, color=ink)


def _effect_lines(claim: ClaimResult) -> list[str]:
    behind = ", ".join(b for b in (count(claim.seeds, "seed"), p_phrase(claim.p)) if b)
    effect = shortened(effect_words(claim), EFFECT_CHARACTERS)  # only a long unit is ever cut
    return [minus(t) for t in (effect, interval_short(claim), behind) if t]


def _draw_effect(axes: Axes, claim: ClaimResult, colour: str) -> None:
    supports = region(claim.bound) or ()
    interval = finite_interval(claim) or ()
    effect = claim.effect if is_finite(claim.effect) else None
    edges = [v for v in supports if math.isfinite(v)]
    marks = [0.0, *interval, *edges, *([] if effect is None else [effect])]
    pad = 0.12 * (max(marks) - min(marks)) or 1.0
    low, high = min(marks) - pad, max(marks) + pad
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: minus(number(round(v, 12)))))
    label = f"{contrast(claim)}, {claim.unit}".strip(", ")
    fitting = wrapped(label, inches(axes.figure)[0] - RIGHT - MARGIN, 8.5, lines=1)
    axes.set_xlabel("".join(fitting), fontsize=8.5, labelpad=1, loc="left")
    if supports:
        _shade(axes, max(supports[0], low), min(supports[1], high), edges)
    axes.axvline(0, color=QUIET, linewidth=1.0, linestyle=(0, (1, 2)))
    axes.plot(interval, [0.0] * len(interval), color=colour, linewidth=3.2)
    if effect is not None:
        axes.plot(effect, 0, "o", color=colour, markersize=7.5)


def _shade(axes: Axes, low: float, high: float, edges: Sequence[float]) -> None:
    axes.axvspan(low, high, color=VERDICTS["supported"], alpha=0.13, linewidth=0)
    for edge in edges:
        axes.axvline(edge, color=VERDICTS["supported"], linewidth=1.0, alpha=0.7)


def _log_limits(shown: Sequence[ExhibitResult]) -> tuple[float, float]:
    values = [v for e in shown for v in (e.error, e.tolerance) if is_finite(v) and v > 0] or [1.0]
    return (
        10.0 ** (math.floor(math.log10(min(values))) - 1),
        10.0 ** (math.ceil(math.log10(max(values))) + 1),
    )


def _draw_error(
    axes: Axes, shown: ExhibitResult, limits: tuple[float, float], colour: str, last: bool
) -> None:
    axes.set_xscale("log")
    axes.set_xlim(limits)
    axes.xaxis.set_major_formatter(FuncFormatter(power_of_ten))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", length=2.5 if last else 0, labelbottom=last)
    if last:
        axes.set_xlabel("error against the exact answer", fontsize=8.5, labelpad=1, loc="left")
    edge = max(shown.tolerance, limits[0])
    _shade(axes, limits[0], edge, [edge])
    at, mark = shown.error, "o"
    if shown.error == 0:
        at, mark = limits[0], "<"
    elif not is_finite(shown.error):
        at, mark = limits[1], ">"
    axes.plot(at, 0, mark, color=colour, markersize=7.5, clip_on=False)

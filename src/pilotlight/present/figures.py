"""Figures of a report: curves with bands, effects with intervals, errors against tolerances.

Figures are made without pyplot. matplotlib's settings are changed only while drawing and put back,
so draw in one thread at a time.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import IO, Any

import matplotlib
import matplotlib.backends.backend_agg  # what draws is imported here, not at the first drawing:
import matplotlib.backends.backend_svg  # Ctrl-C may come there, and breaks imports
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from pilotlight.core.report import Report
from pilotlight.present.intervals import (
    effects,
    effects_height,
    exhibits,
    exhibits_height,
)
from pilotlight.present.labels import (
    Canvas,
    end_labels,
    inches,
    place,
    power_of_ten,
    text_inches,
    wrapped,
    write,
)
from pilotlight.present.palette import PAPER, STYLE, line_styles
from pilotlight.present.spread import (
    Spread,
    along_the_way,
    axis_of,
    main_metric,
    mean_words,
    spreads,
)
from pilotlight.present.words import listed, metric_words, shortened, work_words

__all__ = [
    "curves",
    "curves_figure",
    "curves_note",
    "effects",
    "exhibits",
    "illustrations",
    "main_caption",
    "main_figure",
    "to_png",
    "to_svg",
]

Picture = Callable[[Report, Any], None]
Part = tuple[float, Callable[[Any], None]]
"""Height in inches, and what draws into it."""
NO_METADATA: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
SANS = "\"system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif\""
WIDTH = 8.0
"""Inches: 800 pixels at 100 dots an inch."""
CURVES_HEIGHT = 3.9
FAINT_AT_MOST, FAINT_COMPARISONS = 120, 5
"""With more networks or comparisons, single networks are not drawn, only those that diverged."""
CURVES_AT_MOST = 10
"""Comparisons; of more, those that the claims name first are drawn."""
LOG_FROM = 100.0
"""Positive values that span more than this factor are drawn on a logarithmic axis."""


def curves_figure(report: Report, metric: str) -> Figure:
    """A figure of its own for the curves of `metric`, 800 pixels wide."""
    return _drawn([(CURVES_HEIGHT, partial(curves, report, metric))])


@matplotlib.rc_context(STYLE)
def curves(report: Report, metric: str, figure: Canvas) -> None:
    """Draw `metric` along the way: a mean line and a band per comparison, single networks faintly.

    A network that diverged ends with a cross. A note under the axes says what the band is.
    """
    found = _shown(report, metric)
    if not found:
        write(figure, 0.2, 0.3, f"No values of {metric_words(metric)} yet.", fontsize=10)
        return
    styles = line_styles(report.comparisons)
    names = [shortened(s.comparison) + ("" if s.counted else ", diverged") for s in found]
    axes = place(figure, 0.7, 1.05, 0.45 + max(text_inches(n, 9.5) for n in names), 0.45)
    axes.set_title(metric_words(metric), fontweight="bold", pad=10)
    axes.set_xlabel(axis_of(report), labelpad=2)
    _scale(axes, found)
    faint = len(report.members) <= FAINT_AT_MOST and len(found) <= FAINT_COMPARISONS
    for spread in found:
        _draw_spread(axes, spread, styles[spread.comparison], faint)
    _name_ends(axes, found, names, styles, inches(figure)[1] - 1.5)
    width, height = inches(figure)
    body = wrapped(curves_note(report, metric), width - 0.9, 8.5)
    write(figure, 0.7, height - 0.56, "\n".join(body), linespacing=1.35)


def _shown(report: Report, metric: str) -> list[Spread]:
    """The comparisons that are drawn, in the report's order."""
    found = spreads(report, metric)
    named = [side for c in report.claims for side in (c.left, c.right)]
    first = list(dict.fromkeys([*named, *(s.comparison for s in found)]))
    chosen = [name for name in first if any(s.comparison == name for s in found)]
    return [s for s in found if s.comparison in chosen[:CURVES_AT_MOST]]


def _scale(axes: Axes, found: Sequence[Spread]) -> None:
    """Limits that the networks that stay finite need; one that diverges may leave the frame."""
    tracks = [t for s in found for t in s.tracks if len(t.x)]
    tracks = [t for t in tracks if not t.diverged] or tracks
    values = np.concatenate([t.y for t in tracks])
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low > LOG_FROM:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(power_of_ten))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(low / 1.3, high * 1.3)
    else:
        pad = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
        axes.set_ylim(low - pad, high + pad)
    start, end = min(t.x[0] for t in tracks), max(t.x[-1] for t in tracks)
    axes.set_xlim(start, end if end > start else start + 1)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=end - start > 2))


def _draw_spread(axes: Axes, spread: Spread, style: tuple[str, str], faint: bool) -> None:
    colour, dash = style
    band = 0.16 if faint else 0.07
    for track in spread.tracks:
        if (faint or track.diverged) and len(track.x):
            axes.plot(track.x, track.y, color=colour, linewidth=0.7, alpha=0.28)
    for track in spread.tracks:
        if track.diverged and len(track.x):
            _cross(axes, track.x[-1], track.y[-1], colour)
    if spread.counted > 1:
        axes.fill_between(spread.x, spread.low, spread.high, color=colour, alpha=band, linewidth=0)
    axes.plot(spread.x, spread.mean, dash, color=colour, linewidth=2.0)
    if len(spread.x) == 1:
        axes.plot(spread.x, spread.mean, "o", color=colour, markersize=5, clip_on=False)


def _cross(axes: Axes, x: float, y: float, colour: str) -> None:
    low, high = axes.get_ylim()
    axes.plot(
        x,
        float(np.clip(y, low, high)),
        "x",
        color=colour,
        markersize=6.5,
        markeredgewidth=1.6,
        clip_on=False,
        zorder=5,
    )


def _name_ends(
    axes: Axes,
    found: Sequence[Spread],
    names: Sequence[str],
    styles: dict[str, tuple[str, str]],
    height: float,
) -> None:
    to_axes = axes.transData + axes.transAxes.inverted()
    ends = []
    for spread, name in zip(found, names, strict=True):
        x, y = to_axes.transform(_end(spread))
        at = float(x) if spread.counted else 1.0
        ends.append((at, float(np.clip(y, 0, 1)), name, styles[spread.comparison]))
    end_labels(axes, ends, height * 72)


def _end(spread: Spread) -> tuple[float, float]:
    """Where a comparison's line ends; where its last network diverged if all of them did."""
    if len(spread.x):
        return spread.x[-1], spread.mean[-1]
    last = max((t for t in spread.tracks if len(t.x)), key=lambda t: t.x[-1])
    return last.x[-1], last.y[-1]


def curves_note(report: Report, metric: str) -> str:
    """What line, band and crosses of the curves of `metric` mean, with the data behind them."""
    found = _shown(report, metric)
    text = mean_words(found)
    every = len(spreads(report, metric))
    if len(found) < every:
        text += f" {len(found)} of {every} comparisons."
    gone = [f"{s.diverged} of {s.networks} in {s.comparison}" for s in found if s.diverged]
    if gone:
        text += f" Crosses: diverged ({listed(gone)}), not in the mean."
    data = report.about.get("data") or {}
    return f"{text} Data: {data['name']}." if data.get("name") else text


def main_figure(report: Report, lab_picture: Picture | None = None) -> Figure:
    """The figure that tells a report's story, 800 pixels wide.

    The lab's own picture where it has one; else the curves behind the first claim and all effects;
    for a lab without claims its exhibits.
    """
    if lab_picture is not None:
        return _drawn([(5.0, partial(_own, report, lab_picture))])
    metric = along_the_way(report, main_metric(report))
    parts: list[Part] = []
    if metric is not None:
        parts.append((CURVES_HEIGHT, partial(curves, report, metric)))
    if report.claims:
        parts.append((effects_height(report), partial(effects, report)))
    elif report.exhibits:
        parts.append((exhibits_height(report), partial(exhibits, report)))
    return _drawn(parts or [(0.6, _nothing_yet)])


def _drawn(parts: Sequence[Part]) -> Figure:
    """One figure with these parts under one another."""
    heights = [height for height, _ in parts]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, sum(heights)), facecolor=PAPER)
        if len(parts) == 1:
            parts[0][1](figure)
            return figure
        canvases: Any = figure.subfigures(len(parts), 1, height_ratios=heights)
        for (_, draw), canvas in zip(parts, canvases, strict=True):
            canvas.set_facecolor("none")
            draw(canvas)
    return figure


@matplotlib.rc_context({"text.parse_math": True})
def _own(report: Report, lab_picture: Picture, figure: Figure) -> None:
    """A lab writes its own texts, so formulas in them are meant."""
    lab_picture(report, figure)


def _nothing_yet(figure: Canvas) -> None:
    write(figure, 0.2, 0.2, "Nothing is measured yet.", fontsize=10)


def main_caption(report: Report, lab_picture: Picture | None = None) -> str:
    """One sentence on what the main figure shows."""
    if lab_picture is not None:
        return f"Drawn from {work_words(report)}." if report.members else "Drawn by the lab."
    metric = along_the_way(report, main_metric(report))
    shown = [f"{metric_words(metric)} along the way"] if metric else []
    if report.claims:
        shown.append("each claim's effect with its interval")
    elif report.exhibits:
        shown.append("each exhibit's error against its tolerance")
    sentence = "; below, ".join(shown) or "nothing is measured yet"
    return f"{sentence[0].upper()}{sentence[1:]}."


def illustrations(report: Report, lab_picture: Picture | None = None) -> list[tuple[str, str, str]]:
    """(title, caption, SVG) of each figure of a page: the main one, then curves of each metric."""
    first = along_the_way(report, main_metric(report)) if lab_picture is None else None
    main = to_svg(main_figure(report, lab_picture))
    found = [("What the run shows", main_caption(report, lab_picture), main)]
    for metric in report.metrics:
        if metric != first:
            name = metric_words(metric)
            drawing = curves_figure(report, metric)
            caption = f"The {name} of the networks of each comparison, by {axis_of(report)}."
            found.append((name[0].upper() + name[1:], caption, to_svg(drawing)))
    return found


def to_png(figure: Figure, dots_per_inch: float = 160.0) -> bytes:
    """The figure as a PNG file; the same figure gives the same bytes."""
    file = io.BytesIO()
    _save(figure, file, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return file.getvalue()


def to_svg(figure: Figure) -> str:
    """The figure as one `<svg>` element; the same figure gives the same text.

    Text stays text, in the fonts of the page around it; the background is left open.
    """
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "pilotlight", "svg.fonttype": "none"}):
        _save(figure, file, format="svg", facecolor="none", metadata=NO_METADATA)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", file.getvalue())
    return svg[svg.index("<svg") :].replace("<svg", f"<svg font-family={SANS}", 1)


def _save(figure: Figure, file: IO[Any], **how: Any) -> None:
    with warnings.catch_warnings():
        # A script that matplotlib's font lacks shows as boxes in a PNG and is whole in an SVG.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(file, **how)

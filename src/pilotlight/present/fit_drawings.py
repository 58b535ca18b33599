"""The pictures on the page of a fit, as SVG: scores, learning curve, splits, true against said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

WIDE, HIGH = 720, 14
MOST_CELLS = 240
TRAIN, TEST, APART = "#9fb6cf", "#c9540a", "#eceff3"


def drawn_splits(splits: Mapping[str, Any], rows: int) -> Markup:
    """Every outer fold as a strip over the rows in their order: which train, which test."""
    outer = [k for k in range(rows) if f"outer{k}-test" in splits]
    parts = []
    for line, k in enumerate(outer):
        kind = np.full(rows, APART, dtype=object)
        kind[splits[f"outer{k}-train"]] = TRAIN
        kind[splits[f"outer{k}-test"]] = TEST
        parts += _strip(kind, line * (HIGH + 4))
    height = len(outer) * (HIGH + 4)
    label = "Outer folds over the rows in their order"
    return Markup(
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {WIDE} {height}">{"".join(parts)}</svg>'
    )


def _strip(kind: Any, top: int) -> list[str]:
    """Neighbouring cells of one colour as one rectangle; at most so many cells are drawn."""
    cells = np.linspace(0, len(kind), min(len(kind), MOST_CELLS) + 1).astype(int)[:-1]
    colours = kind[cells]
    starts = np.flatnonzero(np.r_[True, colours[1:] != colours[:-1]])
    ends = np.r_[starts[1:], len(colours)]
    scale = WIDE / len(colours)
    return [
        f'<rect x="{s * scale:.2f}" y="{top}" width="{(e - s) * scale:.2f}" height="{HIGH}" '
        f'fill="{colours[s]}"/>'
        for s, e in zip(starts, ends, strict=True)
    ]


def drawn_scores(models: Sequence[tuple[str, float, Any]], metric: str) -> Markup:
    """Every model's score as a dot with its interval, one line each; narrow, to read on a phone."""
    low, high = _ends([s for _, s, _ in models], [i for _, _, i in models])
    marks = []
    for line, (name, score, interval) in enumerate(models):
        y = 16 + 26 * line
        a, b, at = (
            _share(v, low, high) * 200 + 110 for v in (*(interval or (score, score)), score)
        )
        kind = "own" if line == 0 else "other"
        marks.append(
            Markup('<text class="axis" x="100" y="{}" text-anchor="end">{}</text>').format(
                y + 4, name
            )
            + Markup(f'<line class="bar {kind}" x1="{a:.1f}" x2="{b:.1f}" y1="{y}" y2="{y}"/>')
            + Markup(f'<circle class="dot {kind}" cx="{at:.1f}" cy="{y}" r="4"/>')
        )
    bottom = 26 * len(models) + 12
    for value, anchor in ((low, "start"), (high, "end")):
        x = _share(value, low, high) * 200 + 110
        marks.append(
            Markup(f'<text class="axis" x="{x:.1f}" y="{bottom + 6}" text-anchor="{anchor}">')
            + Markup(f"{value:.2f}</text>")
        )
    label = f"{metric} of each model on held-out rows, with 95 % intervals"
    return _svg("plot", label, 330, bottom + 14, Markup("").join(marks))


def drawn_curve(curve: Mapping[str, Any] | None, metric: str) -> Markup:
    """Score over training rows, each point with its interval; rows double from one to the next."""
    if curve is None:
        return Markup("")
    points = curve["points"]
    low, high = _ends([p["score"] for p in points], [p["interval"] for p in points])
    heights = [(1 - _share(v, low, high)) * 120 + 14 for v in (low, high)]
    marks = [
        f'<text class="axis" x="40" y="{y + 4:.1f}" text-anchor="end">{v:.2f}</text>'
        f'<line class="grid" x1="46" x2="330" y1="{y:.1f}" y2="{y:.1f}"/>'
        for v, y in zip((low, high), heights, strict=True)
    ]
    way = []
    for i, point in enumerate(points):
        x = 80 + i * 210 / max(1, len(points) - 1)
        interval = point["interval"] or (point["score"],) * 2
        a, b, y = ((1 - _share(v, low, high)) * 120 + 14 for v in (*interval, point["score"]))
        way.append(f"{x:.1f},{y:.1f}")
        marks.append(f'<line class="bar own" x1="{x:.1f}" x2="{x:.1f}" y1="{a:.1f}" y2="{b:.1f}"/>')
        marks.append(f'<circle class="dot own" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        marks.append(f'<text class="axis" x="{x:.1f}" y="158" text-anchor="middle">')
        marks.append(f"{point['rows']:,} rows</text>")
    marks.insert(0, f'<polyline class="way" points="{" ".join(way)}"/>')
    label = f"{metric} against the number of training rows, with 95 % intervals"
    return _svg("plot", label, 340, 168, Markup("".join(marks)))


def _ends(values: Sequence[float], intervals: Sequence[Any]) -> tuple[float, float]:
    """From where to where an axis goes, to a round tenth or hundredth."""
    every = [float(v) for v in values] + [float(v) for i in intervals if i for v in i]
    step = 0.1 if max(every) - min(every) > 0.25 else 0.01
    low, high = math.floor(min(every) / step) * step, math.ceil(max(every) / step) * step
    return low, high if high > low else low + step


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low)


def _svg(kind: str, label: str, wide: int, high: int, marks: Markup) -> Markup:
    return Markup('<svg class="{}" role="img" aria-label="{}" viewBox="0 0 {} {}">{}</svg>').format(
        kind, label, wide, high, marks
    )


def drawn_spread(result: Mapping[str, Any], history: Mapping[str, Any]) -> Markup:
    """Predicted against true values of held-out rows, for numbers and counts; else empty."""
    if result["task"] == "classification":
        return Markup("")
    tested = history["fold"] >= 0
    true, said = (
        history[name][tested].reshape(int(tested.sum()), -1) for name in ("y", "predicted-network")
    )
    names = result["targets"]
    drawn = [_square(n, t, s) for n, t, s in zip(names, true.T, said.T, strict=True)]
    return Markup('<div class="squares">') + Markup("").join(drawn) + Markup("</div>")


def _square(name: str, true: Any, said: Any) -> Markup:
    """The dots of one target."""
    step = -(-len(true) // 1500)
    true, said = true[::step], said[::step]
    low, high = float(min(true.min(), said.min())), float(max(true.max(), said.max()))
    size, width = 360, (high - low) or 1.0
    dots = "".join(
        f'<circle cx="{(t - low) / width * size:.1f}" cy="{size - (p - low) / width * size:.1f}" '
        'r="2.2" class="point"/>'
        for t, p in zip(true, said, strict=True)
    )
    line = f'<line x1="0" y1="{size}" x2="{size}" y2="0" class="grid"/>'
    label = f"{name}, predicted (upward) against true, of held-out rows; on the line both are equal"
    return Markup(
        '<figure><svg class="square" role="img" aria-label="{}" viewBox="-4 -4 {} {}">{}</svg>'
        "<figcaption>{}</figcaption></figure>"
    ).format(label, size + 8, size + 8, Markup(line + dots), f"{name}, {low:g} to {high:g}")

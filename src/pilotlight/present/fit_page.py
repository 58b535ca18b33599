"""One self-contained HTML page of a fit, with the model card: nothing is loaded, nothing runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from pilotlight.present import fit_words

WIDE, HIGH = 720, 14
MOST_CELLS = 240
TRAIN, TEST, APART = "#9fb6cf", "#c9540a", "#eceff3"


def fit_page(
    config: Mapping[str, Any],
    result: Mapping[str, Any],
    history: Mapping[str, Any],
    splits: Mapping[str, Any],
) -> str:
    """The whole page of a finished fit; `splits` are its saved index lists."""
    template = _environment().get_template("fit.html.jinja")
    return template.render(
        config=config,
        result=result,
        words=fit_words,
        drawn=drawn_splits(splits, len(history["y"])),
        spread=_spread(result, history),
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(
            lambda name: files("pilotlight.present").joinpath(name).read_text(encoding="utf-8")
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


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


def _spread(result: Mapping[str, Any], history: Mapping[str, Any]) -> Markup:
    """Predicted against true values of held-out rows, for numbers and counts; else empty."""
    if result["task"] == "classification":
        return Markup("")
    tested = history["fold"] >= 0
    true, said = history["y"][tested], history["predicted-network"][tested]
    step = -(-len(true) // 1500)
    true, said = true[::step], said[::step]
    low, high = float(min(true.min(), said.min())), float(max(true.max(), said.max()))
    size, width = 360, (high - low) or 1.0
    dots = "".join(
        f'<circle cx="{(t - low) / width * size:.1f}" cy="{size - (p - low) / width * size:.1f}" '
        'r="2.2" fill="#1f5fbf" fill-opacity=".45"/>'
        for t, p in zip(true, said, strict=True)
    )
    line = f'<line x1="0" y1="{size}" x2="{size}" y2="0" stroke="#5a6472" stroke-width="1"/>'
    label = "Predicted (upward) against true values of held-out rows; on the line both are equal"
    return Markup(
        f'<svg class="square" role="img" aria-label="{label}" viewBox="-4 -4 {size + 8} '
        f'{size + 8}">{line}{dots}</svg>'
    )

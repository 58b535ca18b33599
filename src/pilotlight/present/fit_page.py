"""One self-contained HTML page of a fit, and its model card: nothing is loaded, nothing runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from pilotlight.present import fit_words
from pilotlight.present.fit_drawings import (
    drawn_curve,
    drawn_scores,
    drawn_splits,
    drawn_spread,
)


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
        spread=drawn_spread(result, history),
        scores=drawn_scores(fit_words.estimates(result), result["metric"]),
        curve=drawn_curve(result["learning_curve"], result["metric"]),
    )


def model_card(config: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """The same facts as a short text in Markdown, to go wherever the networks go."""
    template = _environment(as_page=False).get_template("fit_card.md.jinja")
    card = template.render(config=config, result=result, words=fit_words)
    return re.sub(r"\n{3,}", "\n\n", card).rstrip() + "\n"


@cache
def _environment(as_page: bool = True) -> Environment:
    return Environment(
        loader=FunctionLoader(
            lambda name: files("pilotlight.present").joinpath(name).read_text(encoding="utf-8")
        ),
        autoescape=as_page,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

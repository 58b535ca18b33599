"""A lab as plain data, for a page that draws its own controls."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

from pilotlight.core.event import plain
from pilotlight.core.lab import Claim, Lab
from pilotlight.core.settings import Setting
from pilotlight.measure.verdicts import bound_words
from pilotlight.practice.notebooks import as_notebook
from pilotlight.present.words import said

LENGTHS = ("epochs", "steps")
"""Settings that say how long networks train."""


def lab_data(lab: Lab) -> dict[str, Any]:
    """All that a lab declares; what only code can say is null."""
    return {
        "name": lab.name,
        "area": lab.area,
        "week": lab.week,
        "systems": list(lab.systems),
        "needs": list(lab.needs),
        "question": lab.question,
        "seconds": lab.seconds,
        "seeds": lab.seeds,
        "scope": lab.scope,
        "trains": lab.trains,
        "text": paragraphs(lab.text),
        "settings": [_setting(name, s, lab.effects) for name, s in lab.declared.items()],
        "comparisons": [_comparison(name, changes) for name, changes in lab.compare.items()],
        "claims": [_claim(name, claim) for name, claim in lab.claims.items()],
        "exhibits": [
            {"id": e.id, "statement": e.statement, "tolerance": e.tolerance} for e in lab.exhibits
        ],
        "metrics": {n: {"unit": m.unit, "better": m.better} for n, m in lab.metrics.items()},
        "quick": dict(lab.quick),
        "wrong": [_mistake(lab, setting, reason) for setting, reason in lab.wrong.items()],
        "read_more": list(lab.read_more),
        "has_picture": lab.picture is not None,
        "has_movie": lab.movie is not None,
    }


def paragraphs(text: str) -> list[str]:
    """A text's paragraphs; line breaks within one are spaces, unless it is set off."""
    found = textwrap.dedent(text).strip("\n").split("\n\n")
    return [p if p.startswith(" ") else " ".join(p.split()) for p in found if p.strip()]


def _setting(name: str, setting: Setting, effects: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "default": setting.default,
        "scale": setting.scale,
        "low": _finite(setting.low),
        "high": _finite(setting.high),
        "choices": list(setting.choices),
        "allowed": setting.allowed,
        "effect": _effect(name, effects.get(name)),
    }


def _effect(name: str, given: Any) -> dict[str, Any] | None:
    """Changes worth trying, as they make a difference; that a run gets shorter teaches nothing."""
    if given is None or name in LENGTHS:
        return None
    return dict(given) if isinstance(given, Mapping) else {name: given}


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _comparison(name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    told = (f"{n}={'computed' if callable(v) else said(v)}" for n, v in changes.items())
    return {
        "name": name,
        "changes": {n: None if callable(v) else plain(v) for n, v in changes.items()},
        "words": ", ".join(told) or "the settings as they are",
    }


def _claim(name: str, claim: Claim) -> dict[str, Any]:
    return {
        "id": name,
        "statement": claim.statement,
        "left": claim.left,
        "right": claim.right,
        "metric": claim.metric,
        "kind": claim.kind,
        "bound": bound_words(claim),
        "expected": claim.expected,
        "scope": claim.scope,
    }


def _mistake(lab: Lab, typed: str, reason: str) -> dict[str, Any]:
    """A setting known to go wrong; `changes` is null where it is more than one setting."""
    name, sign, value = typed.partition("=")
    known = lab.declared.get(name) if sign else None
    parsed = known.parse(value) if known else None
    fits = known is not None and known.problem(name, parsed) is None
    return {"setting": typed, "changes": {name: parsed} if fits else None, "reason": reason}


def lab_notebook(lab: Lab, script: str) -> str:
    """A lab as the text of an .ipynb file: its question, its text, and the plain script."""
    head = f"# {lab.question}\n\n" + "\n\n".join(paragraphs(lab.text))
    return as_notebook([("markdown", head), *_cells(script)])


def _cells(script: str) -> list[tuple[str, str]]:
    """The script, cut where two empty lines stand before something at the margin."""
    parts = [part.strip("\n") for part in script.split("\n\n\n") if part.strip()]
    return [("code", part) for part in parts]

"""What goes to a page: compact JSON, numbers with as many digits as a screen can use."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pilotlight.core.event import plain

DIGITS = 5
"""A screen shows three; it halves what is sent."""


def json_text(value: Any) -> str:
    """Compact JSON; what is not finite is null."""
    return json.dumps(plain(value), allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def rounded(value: Any, digits: int = DIGITS) -> Any:
    """Numbers, in mappings and lists however nested; what is not finite is null."""
    if isinstance(value, Mapping):
        return {key: rounded(each, digits) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each, digits) for each in value]
    return short(value, digits) if isinstance(value, float) else value


def short(value: float | None, digits: int = DIGITS) -> float | None:
    """One number; a whole one loses its point."""
    if value is None or not math.isfinite(value):
        return None
    found = float(f"{value:.{digits}g}")
    return int(found) if found.is_integer() and abs(found) < 1e15 else found

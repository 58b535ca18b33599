"""Numbers, times and claims in words, the same in the terminal, on the page and in figures.

What is not a finite number is said in words; no text made here ever holds NaN or None.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from shlex import quote
from typing import Any, TypeGuard

from pilotlight.core.report import ClaimResult, MemberRow, Report

EXPLORING = "for exploring"
MOST_DECIMALS = 5
SHOWN_ITEMS = 8
"""A longer list of values is cut after this many and its length is said."""


def is_finite(x: float | None) -> TypeGuard[float]:
    """Whether there is a finite number. Records hold null where a number was not finite."""
    return x is not None and math.isfinite(x)


def number(x: float | None) -> str:
    """`x` with three significant digits, or whole: 0.946, 1,024, 3.2e-9."""
    if not is_finite(x):
        return "not finite"
    if x == int(x) and abs(x) < 1e9:
        return f"{int(x):,}"
    return f"{x:,.0f}" if 999.5 <= abs(x) < 1e9 else _short_exponent(f"{x:.3g}")


def _short_exponent(text: str) -> str:
    return re.sub(r"e([+-])0*", lambda m: "e-" if m[1] == "-" else "e", text)


def alike(*values: float) -> list[str]:
    """Numbers that are read together, with the same decimals: two digits of their range."""
    width = max(values) - min(values)
    if width <= 0 or not math.isfinite(width):
        return [number(v) for v in values]
    decimals = _decimals(width)
    if decimals > MOST_DECIMALS:
        return [_short_exponent(f"{v:.2e}") for v in values]
    return [f"{v:z,.{max(decimals, 0)}f}" for v in values]  # z: no minus before zero


def _decimals(size: float) -> int:
    """Decimals that show two digits of a number above 0."""
    return 1 - math.floor(math.log10(size))


def minus(text: str) -> str:
    """Numbers in a text with the typographic minus sign, for pages and figures."""
    return re.sub(r"(?<![\w.,-])-(?=[\d.])", "−", text)


def seconds(x: float) -> str:
    """A time as people say it: 0.4 seconds, about 2 minutes, about 3.5 hours."""
    if x < 0.1:
        return "less than 0.1 seconds"
    if x < 10:
        return _count(f"{x:.1f}".removesuffix(".0"), "second")
    for limit, size, unit in ((90, 1, "second"), (5400, 60, "minute"), (172_800, 3600, "hour")):
        if x < limit:
            amount = x / size
            whole = f"{amount:.1f}" if unit == "hour" and amount < 10 else f"{amount:.0f}"
            return "about " + _count(whole.removesuffix(".0"), unit)
    return "about " + _count(f"{x / 86_400:.0f}", "day")


def _count(amount: str, unit: str) -> str:
    return f"{amount} {unit}" if amount == "1" else f"{amount} {unit}s"


def count(n: int, thing: str) -> str:
    """`1 seed`, `12 seeds`."""
    return _count(f"{n:,}", thing)


def said(value: Any) -> str:
    """Any recorded value in words: numbers short, switches as yes or no, lists joined."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, Mapping):
        known = {k: said(v) for k, v in value.items() if v is not None}
        return ", ".join(v if k == "name" else f"{k}: {v}" for k, v in known.items())
    if isinstance(value, list | tuple):
        return _joined(value)
    return str(value)


def _joined(values: list[Any] | tuple[Any, ...]) -> str:
    text = ", ".join(said(v) for v in values[:SHOWN_ITEMS])
    return text if len(values) <= SHOWN_ITEMS else f"{text}, ... ({len(values)} values)"


def metric_words(metric: str) -> str:
    """`test_accuracy` as `test accuracy`."""
    return metric.replace("_", " ")


def shortened(name: str, characters: int = 26) -> str:
    """`name`, cut to so many characters."""
    return name if len(name) <= characters else name[: characters - 1] + "…"


def verdict_word(claim: ClaimResult) -> str:
    """The verdict, or that the run is for exploring."""
    return claim.verdict or EXPLORING


def contrast(claim: ClaimResult) -> str:
    """What the effect is an effect of: `heavy_ball minus plain`."""
    return f"{claim.left} minus {claim.right}" if claim.right else claim.left


def finite_interval(claim: ClaimResult) -> tuple[float, float] | None:
    """The interval where it has two finite ends."""
    interval = claim.interval
    return interval if interval and all(map(is_finite, interval)) else None


def _effect_texts(claim: ClaimResult) -> list[str]:
    """Effect and both ends of its interval, as far as they are finite.

    They have equal decimals, but for an effect that is small in a wide interval: it keeps up to
    two more, so that it does not read as zero.
    """
    if not is_finite(claim.effect):
        return []
    interval = finite_interval(claim)
    if interval is None:
        return [number(claim.effect)]
    texts = alike(claim.effect, *interval)
    _, point, digits = texts[1].partition(".")
    if claim.effect and "e" not in texts[1]:
        coarse = len(point and digits)
        fine = min(max(_decimals(abs(claim.effect)), coarse), coarse + 2)
        texts[0] = f"{claim.effect:z,.{fine}f}"
    return texts


def effect_words(claim: ClaimResult) -> str:
    """`+0.201 accuracy`: a difference carries its sign. What cannot be computed is said."""
    texts = _effect_texts(claim)
    if not texts:
        return "effect cannot be computed"
    difference = claim.right or not claim.left
    signed = difference and re.search("[1-9]", texts[0]) and not texts[0].startswith("-")
    return f"{'+' if signed else ''}{texts[0]} {claim.unit}".rstrip()


def interval_words(claim: ClaimResult) -> str:
    """`99.5 % interval 0.152 to 0.250`; nothing without an effect.

    The percentage is one minus the level that the claim was tested at.
    """
    texts = _effect_texts(claim)
    if len(texts) < 3:
        return "no interval" if texts else ""
    return f"{_percent(claim)} interval {texts[1]} to {texts[2]}".lstrip()


def interval_short(claim: ClaimResult) -> str:
    """`0.152 to 0.250 (99.5 %)`, for narrow places."""
    texts = _effect_texts(claim)
    if len(texts) < 3:
        return "no interval" if texts else ""
    return f"{texts[1]} to {texts[2]}" + (f" ({_percent(claim)})" if claim.level else "")


def _percent(claim: ClaimResult) -> str:
    return f"{100 * (1 - claim.level):.4g} %" if claim.level else ""


def p_words(p: float | None) -> str:
    """`0.003`, `< 0.0001`, or nothing where no test was made."""
    if not is_finite(p):
        return ""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def p_phrase(p: float | None) -> str:
    """`p = 0.003`, `p < 0.0001`, or nothing where no test was made."""
    text = p_words(p)
    return text and (f"p {text}" if text.startswith("<") else f"p = {text}")


def expected_words(claim: ClaimResult) -> str:
    """Whether the verdict is the one the lab expects; nothing while there is no verdict."""
    if claim.verdict is None or claim.expected is None:
        return ""
    if claim.verdict == claim.expected:
        return "as expected"
    return f"not as expected: the lab expects {claim.expected}"


def region(bound: str) -> tuple[float, float] | None:
    """The effects that support a claim, read from its bound.

    `at least 0.05` is (0.05, inf), `at most -2` is (-inf, -2), `within ±0.02` is (-0.02, 0.02).
    """
    found = re.fullmatch(r"(at least|at most|within) [±]?(\S+)", bound)
    if found is None:
        return None
    value = float(found[2])
    sides = {"at least": (value, math.inf), "at most": (-math.inf, value)}
    return sides.get(found[1], (-value, value))


def state_words(report: Report) -> str:
    """What a reader must know first about a run that is not finished."""
    if report.state == "finished":
        return ""
    now = "is still running" if report.state == "running" else "was stopped before its end"
    return f"This run {now}: what follows is what there is so far."


def reasons(report: Report) -> str:
    """Why a run gives no verdict, in one line."""
    return "; ".join(reason.rstrip(".") for reason in report.why_no_verdict)


def resume_command(report: Report) -> str:
    """How a stopped run goes on."""
    return f"pilotlight run --resume {quote(report.run)}" if report.state == "stopped" else ""


def networks_of(report: Report, comparison: str) -> list[MemberRow]:
    """The networks of one comparison."""
    return [m for m in report.members if m.comparison == comparison]


def work_words(report: Report) -> str:
    """`60 networks in 3 comparisons, about 4 seconds`; for an exact lab only the time."""
    parts: list[str] = []
    if report.members:
        compared = count(len(report.comparisons), "comparison")
        parts.append(f"{count(len(report.members), 'network')} in {compared}")
    return ", ".join([*parts, seconds(report.seconds)])


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last

"""Expected against actual: two values as data (see seen.py) in, one sentence or nothing out.

Kind first, then shape, dtype, device and gradient flag, then values. Nothing here imports torch,
and nothing runs what a learner wrote.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Seen = Any
DEEPEST = 10
SHOWN = 8
"""So many values are shown in full; of more, the first that differs."""

MEANINGS = {
    "shape": "",
    "dtype": " Somewhere a number of another precision came in, or was made without dtype=.",
    "device": " A tensor made on the way lacks device=.",
}
CUT = " Its history was cut on the way: by detach, no_grad, item, or a tensor made anew."
KEPT = " It still carries a graph: detach it, or work under torch.no_grad()."


def difference(expected: Seen, actual: Seen, within: float, name: str = "") -> str | None:
    """One sentence on where `actual` is not what was expected; None where they agree."""
    if kind(actual) == "error" and kind(expected) != "error":
        return told(actual)
    if kind(expected) == "bound":
        return _outside(expected, actual, name)
    if kind(expected) != kind(actual):
        return _said(name, described(expected), described(actual))
    match kind(expected):
        case "number":
            return None if _near(expected, actual, within) else _numbers(name, expected, actual)
        case "mapping":
            return _mappings(expected["items"], actual["items"], within, name)
        case "list":
            return _lists(expected, actual, within, name)
        case "tensor" | "array":
            return _tensors(expected, actual, within, name)
        case "error":
            return None if _error(expected) == _error(actual) else told(actual)
    return None if expected == actual else _said(name, described(expected), described(actual))


def alike(one: Seen, other: Seen, expected: Seen, within: float) -> bool:
    """Whether two answers gave the same, right or wrong; a number with a bound, the same side."""
    if kind(expected) == "mapping" and kind(one) == kind(other) == "mapping":
        right, ones, others = expected["items"], one["items"], other["items"]
        same = ones.keys() == others.keys()
        return same and all(alike(v, others[k], right.get(k), within) for k, v in ones.items())
    if kind(expected) == "bound" and kind(one) == kind(other) == "number":
        return _side(expected, one) == _side(expected, other)
    return difference(one, other, within) is None


def kind(value: Seen) -> str:
    """What a value is."""
    if isinstance(value, dict):
        return str(value["kind"])
    if isinstance(value, bool):
        return "switch"
    if isinstance(value, int | float):
        return "number"
    return {type(None): "None", str: "text", list: "list"}[type(value)]


def described(value: Seen) -> str:
    """A value in a few words."""
    match kind(value):
        case "tensor" | "array" as word:
            return f"a {word} of shape {_shape(value)}".replace("a array", "an array")
        case "mapping":
            return "a dict with " + (", ".join(value["items"]) or "nothing in it")
        case "list":
            few = ", ".join(described(v) for v in value[:SHOWN])
            return f"[{few}{', ...' if len(value) > SHOWN else ''}]"
        case "number":
            return f"{value:.6g}"
        case "object":
            return f"a {value['type']}"
        case "error":
            return told(value)
        case "bound":
            return _rule(value)
    return repr(value)


def is_seen(value: Any, depth: int = 0) -> bool:
    """Whether it is a value as data; what comes from a process that ran a learner's code may be
    anything."""
    match value:
        case None | bool() | int() | float() | str():
            return True
        case _ if depth > DEEPEST:
            return False
        case list():
            return all(is_seen(v, depth + 1) for v in value)
        case {"kind": "mapping", "items": dict(items)}:
            return all(is_seen(v, depth + 1) for v in items.values())
        case {"kind": "tensor" | "array", "shape": list(shape), "values": values}:
            size = math.prod(n if isinstance(n, int) else -1 for n in shape)
            return values is None or (
                isinstance(values, list)
                and len(values) == size
                and all(isinstance(v, bool | int | float) for v in values)
            )
        case {"kind": "error", "type": str(), "text": str(), "line": None | int()}:
            return True
        case {"kind": "object", "type": str()}:
            return True
    return False


# Kinds of values


def _mappings(expected: Mapping[str, Seen], actual: Seen, within: float, name: str) -> str | None:
    if missing := [k for k in expected if k not in actual]:
        return f"{_of(name)}{', '.join(missing)} is missing."
    if more := [k for k in actual if k not in expected]:
        return f"{_of(name)}{', '.join(more)} is too much."
    inner = (difference(expected[k], actual[k], within, f"{name} {k}".strip()) for k in expected)
    return next((problem for problem in inner if problem), None)


def _lists(expected: list[Seen], actual: list[Seen], within: float, name: str) -> str | None:
    if _flat(expected) and _flat(actual):
        good = len(expected) == len(actual) and not _apart(expected, actual, within)
        return None if good else _said(name, described(expected), described(actual))
    if len(expected) != len(actual):
        return _said(name, f"{len(expected)} items", str(len(actual)))
    pairs = enumerate(zip(expected, actual, strict=True))
    inner = (difference(e, a, within, f"{name}[{i}]") for i, (e, a) in pairs)
    return next((problem for problem in inner if problem), None)


def _tensors(expected: Seen, actual: Seen, within: float, name: str) -> str | None:
    if expected["shape"] != actual["shape"]:
        return _said(f"{name} shape".strip(), _shape(expected), _shape(actual))
    for what in ("dtype", "device"):
        if expected.get(what) != actual.get(what):
            said = _said(f"{name} {what}".strip(), expected[what], str(actual.get(what)))
            return said + MEANINGS[what]
    if expected.get("gradient") != actual.get("gradient"):
        flags = (f"requires_grad={v.get('gradient')}" for v in (expected, actual))
        return _said(name, *flags) + (CUT if expected["gradient"] else KEPT)
    if expected["values"] is None or actual["values"] is None:
        meta = expected.get("device") == "meta" and expected["values"] == actual["values"]
        return None if meta else f"{_of(name)}too large to compare."
    return _values(expected, actual, within, name)


def _values(expected: Seen, actual: Seen, within: float, name: str) -> str | None:
    if expected["dtype"] in ("float32", "float16", "bfloat16"):
        within = max(within, 1e-5 if expected["dtype"] == "float32" else 1e-2)
    right, given = expected["values"], actual["values"]
    apart = _apart(right, given, within)
    if not apart:
        return None
    if len(right) <= SHOWN:
        return _said(name, *_shown(right, given))
    first = apart[0]
    where = f"{name}{_index(first, expected['shape'])}"
    return f"{_numbers(where, right[first], given[first])} {len(apart)} of {len(right)} differ."


def _apart(expected: Sequence[Any], actual: Sequence[Any], within: float) -> list[int]:
    """Where two flat lists differ."""
    pairs = enumerate(zip(expected, actual, strict=True))
    return [i for i, (e, a) in pairs if not _near(e, a, within)]


def _near(expected: Any, actual: Any, within: float) -> bool:
    plain = (str, bool, type(None))
    if isinstance(expected, plain) or isinstance(actual, plain):
        return type(expected) is type(actual) and bool(expected == actual)
    if not (math.isfinite(expected) and math.isfinite(actual)):
        return bool(expected == actual) or (math.isnan(expected) and math.isnan(actual))
    return bool(abs(expected - actual) <= within * max(1.0, abs(expected)))


def _flat(values: list[Seen]) -> bool:
    return len(values) <= SHOWN and not any(isinstance(v, dict | list) for v in values)


def _outside(bound: Seen, actual: Seen, name: str) -> str | None:
    if kind(actual) != "number":
        return _said(name, "a number", described(actual))
    return None if _side(bound, actual) == 0 else _said(name, _rule(bound), f"{actual:.6g}")


def _side(bound: Seen, value: float) -> int:
    """-1 below, 0 inside, 1 above; what is not a number lies above."""
    return -1 if value < bound["low"] else 0 if value <= bound["high"] else 1


def _error(error: Seen) -> tuple[str, str]:
    return error["type"], error["text"]


# Words


def _said(name: str, expected: str, actual: str) -> str:
    return f"{_of(name)}expected {expected}, got {actual}."


def _of(name: str) -> str:
    return f"{name}: " if name else ""


def _numbers(name: str, expected: float, actual: float) -> str:
    return _said(name, *(text.strip("[]") for text in _shown([expected], [actual])))


def _shown(expected: Sequence[Any], actual: Sequence[Any]) -> Iterator[str]:
    """Both with as few digits as tell them apart."""
    digits = next((n for n in (4, 7) if _row(expected, n) != _row(actual, n)), 17)
    yield from (_row(expected, digits), _row(actual, digits))


def _row(values: Sequence[Any], digits: int) -> str:
    words = (str(v) if isinstance(v, bool | int) else f"{v:.{digits}g}" for v in values)
    return f"[{', '.join(words)}]"


def _rule(bound: Seen) -> str:
    low, high = bound["low"], bound["high"]
    if high == math.inf:
        return f"at least {low:g}"
    return f"at most {high:g}" if low == -math.inf else f"between {low:g} and {high:g}"


def _shape(value: Seen) -> str:
    return f"({', '.join(map(str, value['shape']))})"


def _index(position: int, shape: Sequence[int]) -> list[int]:
    index: list[int] = []
    for size in reversed(shape):
        position, rest = divmod(position, size)
        index.insert(0, rest)
    return index


def told(error: Seen) -> str:
    """An error in words that a learner can use."""
    kind, text = error["type"], error["text"]
    if kind == "MemoryError" or "can't allocate memory" in text:
        return "It asked for more memory than a check may have."
    if "File too large" in text:
        return "It printed or wrote more than a check may."
    if kind == "SystemExit":
        return "It ended the program (sys.exit) instead of returning."
    if kind == "RecursionError":
        return "It calls itself again and again (RecursionError): where does it end?"
    if kind == "EOFError":
        return "It waits for input, and in a check nobody types."
    return f"{kind}: {text}" if text else kind

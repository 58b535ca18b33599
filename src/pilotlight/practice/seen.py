"""What came back from a check, as plain data: JSON can hold it, and no code comes with it.

A tensor becomes its shape, dtype, device, gradient flag and values; an error its type, text and
the line of the learner's file; what is none of these, the name of its type.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from pilotlight.practice.exercise import Bound

MOST_VALUES = 20_000
MOST_ITEMS = 10_000
DEEPEST = 6
LARGEST = 10**19

Seen = Any
"""What `seen` returns: null, a switch, a number, a text or a list, as in JSON, or
{"kind": "tensor" | "array" | "mapping" | "bound" | "error" | "object", ...}."""


def seen(value: Any, depth: int = 0) -> Seen:
    """A value as data."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Tensor):
        return _tensor(value)
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, numbers.Integral):
        return int(value) if abs(int(value)) < LARGEST else _object("number of 20 digits or more")
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, Bound):
        return {"kind": "bound", "low": value.low, "high": value.high}
    if depth < DEEPEST:
        if isinstance(value, Mapping):
            items = {str(k): seen(v, depth + 1) for k, v in list(value.items())[:MOST_ITEMS]}
            return {"kind": "mapping", "items": items}
        if isinstance(value, list | tuple | range):
            return [seen(v, depth + 1) for v in value[:MOST_ITEMS]]
    return _object(type(value).__name__)


def _object(what: str) -> Seen:
    return {"kind": "object", "type": what}


def _tensor(value: Tensor) -> Seen:
    if value.is_complex():
        return _object("tensor of complex numbers")
    held = value.device.type != "meta" and value.numel() <= MOST_VALUES
    return {
        "kind": "tensor",
        "shape": list(value.shape),
        "dtype": str(value.dtype).removeprefix("torch."),
        "device": value.device.type,
        "gradient": value.requires_grad,
        "values": value.detach().flatten().tolist() if held else None,
    }


def _array(value: np.ndarray[Any, Any]) -> Seen:
    held = value.size <= MOST_VALUES and value.dtype.kind in "biuf"
    return {
        "kind": "array",
        "shape": list(value.shape),
        "dtype": str(value.dtype),
        "values": value.ravel().tolist() if held else None,
    }


def failed(error: BaseException, file: str) -> Seen:
    """An error as data; `line` is the last one of the learner's file on the way to it."""
    line, trace = None, error.__traceback__
    while trace is not None:  # step by step: after a deep recursion there are very many
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename == file:
        line = error.lineno
    text = " ".join(str(error).split())[:500]
    return {"kind": "error", "type": type(error).__name__, "text": text, "line": line}

"""What was written, as something that checks can use: `answer.momentum_step(...)`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

MODULE = "answer"


def run(text: str, file: str) -> SimpleNamespace:
    """Run the text of a learner's file, as a module of its own, and return its names.

    Raises:
        Whatever the text raises.
    """
    module = ModuleType(MODULE)
    module.__file__ = file
    sys.modules[MODULE] = module  # dataclasses and pickle look their module up
    exec(compile(text, file, "exec", dont_inherit=True), module.__dict__)
    return SimpleNamespace(**module.__dict__)


def signatures(answer: Mapping[str, Any], parts: Sequence[str]) -> dict[str, str]:
    """`step` -> `step(weight, rate=0.1)` for each part; of a class also its own methods."""
    said: dict[str, str] = {}
    for part in parts:
        thing = answer.get(part)
        if thing is None:
            continue
        said[part] = _signature(thing)
        if isinstance(thing, type):
            methods = {n: m for n, m in vars(thing).items() if inspect.isfunction(m)}
            public = (n for n in methods if not n.startswith("_"))
            said |= {f"{part}.{name}": _signature(methods[name]) for name in public}
    return said


def _signature(thing: Any) -> str:
    try:
        own = inspect.signature(thing)
    except (TypeError, ValueError):
        return f"what is not a function but a {type(thing).__name__}"
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in own.parameters.values()]
    return str(inspect.Signature(bare))

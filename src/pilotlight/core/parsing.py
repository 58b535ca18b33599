"""Python texts as syntax trees, in one thread at a time.

CPython 3.11 counts how deep it is in a tree for all threads together. When it changes threads in
the middle, it raises "AST constructor recursion depth mismatch" for a text that is in order.
"""

from __future__ import annotations

import ast
import threading
from typing import Any

_alone = threading.Lock()


def parse(text: str | bytes, filename: str = "<unknown>") -> ast.Module:
    """`ast.parse`.

    Raises:
        SyntaxError: the text is not Python.
    """
    with _alone:
        return ast.parse(text, filename)


def literal(text: str) -> Any:
    """`ast.literal_eval` of a text.

    Raises:
        ValueError, SyntaxError: the text is not a literal.
    """
    with _alone:
        return ast.literal_eval(text)

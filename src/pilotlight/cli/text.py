"""What goes to stdout and what to stderr, and how plain text is laid out.

Results go to stdout, for people or as JSON for machines. Everything else goes to stderr.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from pilotlight.core.event import plain

WIDEST = 100
"""Columns. Longer lines are hard to read, whatever the terminal's width."""


def emit(value: Any) -> None:
    """One JSON value on stdout; what is not a finite number becomes null."""
    print(json.dumps(plain(value), indent=2, allow_nan=False))


def tell(*lines: str) -> None:
    """Messages for a person, on stderr, at once."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def width() -> int:
    """How many columns a line may have."""
    return min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)


def wrapped(text: str) -> str:
    """Paragraphs that fit the terminal. Lines that begin with spaces are kept as they are."""
    paragraphs = textwrap.dedent(text).strip("\n").split("\n\n")
    return "\n\n".join(map(_paragraph, paragraphs))


def _paragraph(text: str) -> str:
    set_off = any(line.startswith(" ") for line in text.splitlines())
    return text if set_off else "\n".join(_lines(text, width()))


def _lines(text: str, room: int) -> list[str]:
    """Lines of words; paths and options are never broken."""
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Rows under one another; the last column is wrapped within its own column."""
    return "\n".join(laid(rows, indent))


def laid(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """The rows of a table, one text for each, which may be of several lines."""
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    texts = []
    for *cells, last in rows:
        first = indent + "".join(f"{c:<{w}}  " for c, w in zip(cells, widths, strict=True))
        lines = _lines(last, max(20, width() - len(first))) or [""]
        texts.append((first + f"\n{' ' * len(first)}".join(lines)).rstrip())
    return texts


def weight(size: int) -> str:
    """Bytes as people say them: 812 bytes, 3.4 MB."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def quoted(path: object) -> str:
    """A path that can be pasted into a command."""
    return f'"{path}"' if " " in str(path) else str(path)

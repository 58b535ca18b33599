"""Text tables: CSV, TSV and their relatives. Delimiter and encoding are found out and said."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pilotlight.core.errors import UsageError, raise_all
from pilotlight.data.columns import Column, Kind, read_column

DELIMITERS = ",\t;|"
TRIED_LINES, TRIED_TEXT = 50, 1_000_000
AT_ONCE = 50_000
DECIMAL_COMMA = re.compile(r"[-+]?[\d.]*,\d+")


def read_delimited(
    path: Path, types: Mapping[str, Kind] | None = None
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """The columns of a text table, and notes on how it was read.

    Raises:
        UsageError: a row has other fields than the header, a name stands twice, a value does not
            fit its column: names rows and columns, all problems at once.
    """
    text, notes = decode(path)
    delimiter = find_delimiter(text)
    names, cells = _cells(path, text, delimiter)
    del text
    comma = delimiter == ";"
    if comma and any(
        DECIMAL_COMMA.fullmatch(c.strip()) for own in cells for c in own[:TRIED_LINES]
    ):
        notes.append("Fields are separated by ';', so 1,5 is read as 1.5.")
    columns: list[Column] = []
    problems: list[str] = []
    cells.reverse()
    for name in names:
        try:  # taken off, so that texts make room for numbers
            columns.append(read_column(name, cells.pop(), (types or {}).get(name), comma))
        except UsageError as error:
            problems += [f"{path.name}, {p}" for p in error.problems]
    raise_all(problems)
    return tuple(columns), tuple(notes)


def decode(path: Path) -> tuple[str, list[str]]:
    """The text of a file: UTF-8, else UTF-16 where it says so, else Western European.

    Raises:
        UsageError: it is empty, or no text.
    """
    data = path.read_bytes()
    if not data.strip():
        raise UsageError(f"{path} is empty.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16"), [f"{path.name} is read as UTF-16."]
    if b"\0" in data[:4096]:
        raise UsageError(f"{path} is no text: it holds zero bytes. A table is CSV or TSV.")
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        note = f"{path.name} is not UTF-8 (line {line}); it is read as Western European (cp1252)."
        return data.decode("cp1252", errors="replace"), [note]


def find_delimiter(text: str) -> str:
    """What separates the fields: that which cuts the first lines into equal numbers of them."""
    head = "".join(text[:TRIED_TEXT].splitlines(keepends=True)[:TRIED_LINES])

    def agreement(delimiter: str) -> tuple[float, int]:
        widths = [len(r) for r in csv.reader(io.StringIO(head), delimiter=delimiter) if r]
        width, times = Counter(widths).most_common(1)[0] if widths else (0, 0)
        return (times / max(1, len(widths)) if width > 1 else 0.0), width

    return max(DELIMITERS, key=agreement)


def _cells(path: Path, text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """The header's names, and the texts of each column."""
    lines = _lines(text, delimiter)
    names = [name.strip() for name in next(lines, [])]
    cells: list[list[str]] = [[] for _ in names]
    uneven: list[tuple[int, int]] = []
    count = 0
    while rows := list(itertools.islice(lines, AT_ONCE)):
        other = [(count + i, len(row)) for i, row in enumerate(rows, 1) if len(row) != len(names)]
        uneven += other
        count += len(rows)
        if not uneven:
            for own, more in zip(cells, zip(*rows, strict=True), strict=True):
                own += more
    raise_all([f"{path.name}: {p}" for p in _problems(names, count, uneven)])
    return names, cells


def _lines(text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return (row for row in reader if any(map(str.strip, row)))


def _problems(names: Sequence[str], rows: int, uneven: Sequence[tuple[int, int]]) -> list[str]:
    problems = []
    if not rows:
        problems.append("there is a header but no row below it.")
    if names and all(_is_number(name) for name in names):
        problems.append(
            f"the first line is read as names, but holds only numbers ({', '.join(names[:3])}"
            "...). Put a line with the columns' names above it."
        )
    problems += [
        f"column {i} has no name. Give it one in the first line."
        for i, name in enumerate(names, 1)
        if not name
    ]
    problems += [
        f"the name {name!r} stands {times} times in the first line. Names must differ."
        for name, times in Counter(filter(None, names)).items()
        if times > 1
    ]
    problems += [f"row {i} has {n} fields, the first line {len(names)}." for i, n in uneven[:5]]
    if len(uneven) > 5:
        problems.append(f"{len(uneven) - 5} more rows have another number of fields.")
    return problems


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

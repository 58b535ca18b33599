"""`list` and `show`: what labs there are, and one lab as a page of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pilotlight.cli.codes import FINE
from pilotlight.cli.text import emit, laid, table, wrapped
from pilotlight.core.errors import UsageError
from pilotlight.core.lab import Lab
from pilotlight.labs.catalogue import Entry, entries, find
from pilotlight.present import words


def show_list(as_json: bool) -> int:
    """Print all labs, grouped by area."""
    found = entries()
    if as_json:
        emit([entry.to_json() for entry in found])
        return FINE
    rows = [(e.name, words.seconds(e.seconds), _expected(e), e.question) for e in found]
    by_area: dict[str, list[str]] = {}
    for entry, text in zip(found, laid(rows), strict=True):
        by_area.setdefault(entry.area, []).append(text)
    for area, texts in by_area.items():
        print(area, *texts, "", sep="\n")
    print("More about one: pilotlight show NAME. To run it: pilotlight run NAME.")
    return FINE


def _expected(entry: Entry) -> str:
    """`2 supported, 1 refuted`, or `exact` for a lab of exhibits only."""
    counts = Counter(entry.expected.values())
    return ", ".join(f"{n} {verdict}" for verdict, n in counts.items()) or "exact"


def show_lab(name: str, script: bool, comparison: str | None) -> int:
    """Print one lab's page, or its plain script."""
    if comparison is not None and not script:
        raise UsageError("--comparison belongs to --script: it says which script to print.")
    find(name)  # a wrong name is told before torch is imported: that alone may take seconds
    from pilotlight.app.reading import lab_page, lab_script

    print(lab_script(name, comparison) if script else page(lab_page(name)))
    return FINE


def page(lab: Lab) -> str:
    """A lab as a page of text."""
    seeds = f", {words.count(lab.seeds, 'seed')}" if lab.trains else ""
    week = f", week {lab.week}" if lab.week else ""
    parts = [
        f"{lab.name} ({lab.area}{week})\n{lab.question}",
        wrapped(lab.text),
        f"A full run: {words.seconds(lab.seconds)}{seeds}.",
        _section(
            "Claims", ((n, f"expected {c.expected}", c.statement) for n, c in lab.claims.items())
        ),
        _section("Exhibits", ((e.id, e.statement) for e in lab.exhibits)),
        _section(
            "Settings",
            ((n, words.said(s.default), s.allowed) for n, s in lab.declared.items()),
        ),
        _section("Comparisons", ((n, _changes(c)) for n, c in lab.compare.items())),
        _section("Settings known to go wrong", lab.wrong.items()),
        _section("Needs", ((name,) for name in lab.needs)),
        _section("Read more", ((source,) for source in lab.read_more)),
    ]
    return "\n\n".join(part for part in parts if part)


def _section(title: str, rows: Iterable[tuple[str, ...]]) -> str:
    """A heading with a table below it; nothing when there are no rows."""
    found = list(rows)
    return f"{title}\n{table(found)}" if found else ""


def _changes(changes: Mapping[str, Any]) -> str:
    """What a comparison sets: `rate=0.1, momentum=0`."""
    told = (f"{n}={'computed' if callable(v) else words.said(v)}" for n, v in changes.items())
    return ", ".join(told) or "the settings as they are"

"""Refuse in words what would not fit into memory, before the system ends the process."""

from __future__ import annotations

from pathlib import Path

from pilotlight.app.machine import look_at_memory
from pilotlight.core.errors import UsageError
from pilotlight.fitting.cost import Cost
from pilotlight.fitting.question import Notice

TEXT = 14
"""Bytes of memory for each byte of a text table while it is read; measured on a million rows."""
TEXTS = (".csv", ".tsv", ".txt")


def available() -> int | None:
    """Bytes that this process may still take; None where the system does not say."""
    memory = look_at_memory()
    known = [amount for amount in (memory.available, memory.limit) if amount]
    return min(known, default=None)


def refuse_large_text(path: str | Path) -> None:
    """Refuse a text table that cannot be read in one piece.

    Raises:
        UsageError: says how much it would take and what takes less.
    """
    file, free = Path(path), available()
    if file.suffix.lower() not in TEXTS or not file.is_file() or free is None:
        return
    size = file.stat().st_size
    if size * TEXT > free:
        raise UsageError(
            f"{path} has {gigabytes(size)}. To read a text table takes about {TEXT} times as "
            f"much, and {gigabytes(free)} are free. Save it as Parquet, which takes far less, or "
            "leave out columns and rows."
        )


def memory_notice(cost: Cost) -> list[Notice]:
    """Whether a fit will not fit into memory, as far as can be told before it."""
    free = available()
    if free is None or cost.bytes <= free:
        return []
    text = (
        f"This would take about {gigabytes(cost.bytes)} of memory, and {gigabytes(free)} are free, "
        "so it is not started. Leave out rows or columns, average trials over longer steps, or "
        "take a machine with more."
    )
    return [Notice("memory", text)]


def refuse_memory(cost: Cost) -> None:
    """Refuse what `memory_notice` warns of.

    Raises:
        UsageError: a fit is too large for this machine.
    """
    for notice in memory_notice(cost):
        raise UsageError(notice.text)


def gigabytes(size: float) -> str:
    """`3.2 GB`, `120 MB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"

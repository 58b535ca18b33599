"""Results as tables that read well in a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

HEAD = (
    "contender",
    "networks at once",
    "µs a step",
    "× DataLoader loop",
    "× tensor loop",
    "time ÷ floor",
    "accuracy",
    "compile s",
)
MEGA = 1e6


def laid_out(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width: the first to the left, the others to the right."""
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    rule = ["-" * widths[0]] + ["-" * (w - 1) + ":" for w in widths[1:]]
    lines = [_line(row, widths) for row in (head, *rows)]
    return "\n".join([lines[0], _line(rule, widths), *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0])]
    cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return f"| {' | '.join(cells)} |"


def of_task(results: Sequence[Mapping[str, Any]]) -> str:
    """All contenders of one task: time for one step of one network, and ratios."""
    return laid_out(HEAD, [_row(r) for r in results])


def _row(result: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        result["contender"],
        str(result["together"]),
        f"{result['best'] * MEGA:,.1f}",
        f"{result['times_reference']:.2f}",
        f"{result['times_tensors']:.2f}",
        f"{result['times_floor']:.2f}",
        _accuracy(result),
        "" if result["compile_seconds"] is None else f"{result['compile_seconds']:.1f}",
    )


def _accuracy(result: Mapping[str, Any]) -> str:
    mean, sd = result["accuracy"], result["accuracy_sd"]
    if mean is None:
        return ""
    spread = "" if sd is None else f" ± {sd:.3f}"
    return f"{mean:.3f}{spread} ({result['networks']})"


def of_cores(cores: Mapping[str, Any]) -> str:
    """The clock's seconds with one worker process and with two."""
    rows = [
        (name, f"{min(r['one']):.2f}", f"{min(r['two']):.2f}", f"{r['ratio']:.2f}")
        for name, r in cores.items()
        if isinstance(r, Mapping)
    ]
    return laid_out(("run", "one job, s", "two jobs, s", "ratio"), rows)


def of_memory(memory: Mapping[str, Any]) -> str:
    """Bytes that are needed, one by one, and the peak."""
    needed = memory["needed"]
    rows = [(name, f"{size / MEGA:.1f}") for name, size in needed.items()]
    rows += [
        ("all that is needed", f"{sum(needed.values()) / MEGA:.1f}"),
        ("peak, measured", f"{memory['peak'] / MEGA:.1f}"),
        ("peak ÷ needed", f"{memory['ratio']:.2f}"),
    ]
    return laid_out((f"{memory['networks']} networks", "MB"), rows)

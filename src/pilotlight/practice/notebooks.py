"""An exercise as a notebook: the task, what to write, a cell that checks it, and the hints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pilotlight.practice import source
from pilotlight.practice.catalogue import Entry

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def notebook(entry: Entry, hints: Sequence[str], solved: bool = False) -> str:
    """The text of an .ipynb file; with `solved` the solution stands where else the stub does."""
    return as_notebook(_cells(entry, hints, solved))


def as_notebook(cells: Iterable[tuple[str, str]]) -> str:
    """The text of an .ipynb file with these cells, each "markdown" or "code" and its text."""
    made: list[dict[str, Any]] = [
        {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text}
        | ({"execution_count": None, "outputs": []} if kind == "code" else {})
        for number, (kind, text) in enumerate(cells, 1)
    ]
    about = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    whole = {"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def script(entry: Entry, hints: Sequence[str], solved: bool = False) -> str:
    """The same cells as a script in the percent format, which jupytext reads."""
    blocks = []
    for kind, text in _cells(entry, hints, solved):
        if kind == "markdown":
            lines = [f"# {line}".rstrip() for line in text.splitlines()]
            blocks.append("\n".join(["# %% [markdown]", *lines]))
        else:
            blocks.append(f"# %%\n{text}")
    return "\n\n".join(blocks) + "\n"


def _cells(entry: Entry, hints: Sequence[str], solved: bool) -> Iterator[tuple[str, str]]:
    title, task = source.task(entry.text)
    variant = " (solution)" if solved else ""
    yield "markdown", f"# {title}{variant}\n\n{task}"
    yield "code", "import pilotlight as pl"
    text = source.solution(entry.text) if solved else source.stub(entry.text, entry.name)
    yield "code", source.DOCSTRING.sub("", text, count=1).strip()
    names = ", ".join(source.parts(entry.text))
    yield "code", f'pl.check("{entry.name}", {names})'
    folded = (
        f"<details><summary>Hint {number} of {len(hints)}</summary>\n\n{hint}\n\n</details>"
        for number, hint in enumerate(hints, 1)
    )
    yield "markdown", "\n\n".join(folded)

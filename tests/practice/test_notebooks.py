"""Each exercise is a notebook too: valid, the same as its script, and it runs."""

from __future__ import annotations

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from pilotlight.practice.catalogue import entries, find
from pilotlight.practice.notebooks import notebook, script

NAMES = [entry.name for entry in entries()]
slow = pytest.mark.slow


def made(name: str, solved: bool):
    entry = find(name)
    return nbformat.reads(notebook(entry, entry.hints, solved), as_version=4)


@pytest.mark.parametrize("solved", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_and_the_same_as_its_script(name, solved):
    entry, book = find(name), made(name, solved)
    nbformat.validate(book)
    read = jupytext.reads(script(entry, entry.hints, solved), fmt="py:percent")
    assert [(c.cell_type, c.source) for c in read.cells] == [
        (c.cell_type, c.source) for c in book.cells
    ]
    text = "\n".join(cell.source for cell in book.cells)
    assert ("NotImplementedError" in text) != solved
    assert text.count("<details>") == len(entry.hints)


def executed(name: str, solved: bool, place):
    book = made(name, solved)
    resources = {"metadata": {"path": str(place)}}
    NotebookClient(book, timeout=120, resources=resources).execute()
    return book.cells[3].outputs[0]["data"]["text/plain"]


def test_a_solution_runs_in_a_kernel(tmp_path):
    assert executed("momentum", True, tmp_path).startswith("All 6 checks of momentum passed.")
    assert (tmp_path / "practice" / "progress.json").exists()


@slow
@pytest.mark.parametrize("name", NAMES)
def test_every_notebook_runs(name, tmp_path):
    assert "is still to be written" in executed(name, False, tmp_path)
    assert " passed." in executed(name, True, tmp_path)

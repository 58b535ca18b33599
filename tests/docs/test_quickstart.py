"""The quickstart, run from top to bottom in a real kernel as a reader would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient


@pytest.fixture(scope="module")
def quickstart(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    notebook = nbformat.read(root / "docs" / "quickstart.ipynb", as_version=4)
    place = {"metadata": {"path": str(tmp_path_factory.mktemp("quickstart"))}}
    NotebookClient(notebook, timeout=60, resources=place).execute()  # raises where a cell does
    return notebook


def cell(notebook: Any, words: str) -> Any:
    [found] = [c for c in notebook.cells if c.cell_type == "code" and words in c.source]
    return found


def kinds(notebook: Any, words: str) -> list[set[str]]:
    return [set(o.get("data", {})) for o in cell(notebook, words).outputs]


def page(notebook: Any, words: str) -> str:
    """The HTML of a cell's value, which stands below the bar."""
    _, value = cell(notebook, words).outputs
    return str(value["data"]["text/html"])


def test_it_is_made_from_the_script(root: Path) -> None:
    script = jupytext.read(root / "docs" / "quickstart.py", fmt="py:percent")
    notebook = nbformat.read(root / "docs" / "quickstart.ipynb", as_version=4)
    assert [(c.cell_type, c.source.replace("  # noqa: B018", "")) for c in script.cells] == [
        (c.cell_type, c.source) for c in notebook.cells
    ]
    assert not [c for c in notebook.cells if c.get("outputs")]


def test_all_cells_run_without_a_word_on_stderr(quickstart: Any) -> None:
    outputs = [o for c in quickstart.cells if c.cell_type == "code" for o in c.outputs]
    assert len(outputs) >= 8
    assert [o for o in outputs if o.get("name") == "stderr" or o.output_type == "error"] == []


def test_the_first_run_shows_a_table_and_a_figure(quickstart: Any) -> None:
    shown = page(quickstart, 'run = pl.run("momentum", quick=True)')
    assert "For exploring: no verdict." in shown
    assert "<table" in shown
    assert "data:image/png;base64," in shown


def test_numbers_and_the_own_plot(quickstart: Any) -> None:
    [printed] = cell(quickstart, "metrics:").outputs
    lines = printed["text"].splitlines()
    assert lines[0].startswith("metrics: epoch ")
    assert [line.split()[0] for line in lines[1:3]] == ["plain", "heavy_ball"]
    assert all(0 <= float(x) <= 1 for line in lines[1:] for x in line.split()[1:])
    assert all(len(line.split()) == 4 for line in lines[1:])  # three seeds
    assert kinds(quickstart, "plt.show()") == [{"image/png", "text/plain"}]


def test_a_changed_setting_gives_no_verdict(quickstart: Any) -> None:
    shown = page(quickstart, 'changes={"rate": 0.1}')
    assert "For exploring: no verdict." in shown
    assert "rate=0.1" in shown


def test_the_printed_script_is_plain_pytorch(quickstart: Any) -> None:
    [printed] = cell(quickstart, "print(run.report.script)").outputs
    assert "import pilotlight" not in printed["text"]
    assert "loss.backward()" in printed["text"]
    compile(printed["text"], "momentum.py", "exec")


def test_the_lab_of_ones_own_has_a_verdict(quickstart: Any) -> None:
    shown = page(quickstart, "lab = pl.Lab(")
    assert "<strong>supported</strong>" in shown
    assert "For exploring" not in shown

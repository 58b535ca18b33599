"""`pl.run` in a real kernel, as Jupyter, Colab and VS Code run cells."""

from __future__ import annotations

import asyncio
import base64
import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

OURS = """
import random, matplotlib, numpy, torch
import matplotlib.pyplot as plt
def state():
    return (random.getstate(), str(numpy.random.get_state()), str(torch.get_rng_state().tolist()),
            torch.get_num_threads(), matplotlib.get_backend(), dict(matplotlib.rcParams),
            plt.get_fignums())
before = state()
"""
A_LAB = """
from torch.nn.functional import cross_entropy
lab = pl.Lab(
    name="width", question="Does a wider layer help?", area="mine", seconds=5, text="",
    data=pl.digits, model=lambda s: pl.mlp(64, [s.width], 10), train=pl.supervised(cross_entropy),
    optimizer=pl.sgd, compare=dict(narrow={}, wide=dict(width=8)), seeds=3,
    settings=dict(rate=pl.log(1e-4, 1, 0.1), width=4, batch=16, epochs=6),
    claims=dict(better=pl.Claim("It does.", "wide", "narrow", at_least=0.05)),
)
"""
CELLS = {
    "state": OURS,
    "run": "import pilotlight as pl\nrun = pl.run('momentum', quick=True)\nrun",
    "untouched": "state() == before",
    "unknown": "pl.run('momentm')",
    "interrupted": A_LAB + "pl.run(lab, out='stopped')",
    "resumed": "resumed = pl.run(lab, resume_from='stopped')",
    "whole": "whole = pl.run(lab)",
    "same": "resumed.report.members == whole.report.members, len(whole.report.members)",
}

Content = Mapping[str, Any]


class Client(NotebookClient):
    """Keeps all messages by cell; presses the interrupt button at one of them."""

    def __init__(self, notebook: Any, place: Path) -> None:
        resources = {"metadata": {"path": str(place)}}
        super().__init__(notebook, timeout=120, allow_errors=True, resources=resources)
        self.seen: dict[str, list[tuple[str, Content]]] = {name: [] for name in CELLS}

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        name = list(CELLS)[cell_index]
        self.seen[name].append((msg["msg_type"], msg["content"]))
        if name == "interrupted" and shares(self.seen[name][-1:], above=55):
            self.pressing = asyncio.ensure_future(self.km.interrupt_kernel())
        return super().process_message(msg, cell, cell_index)


def shares(messages: Sequence[tuple[str, Content]], above: float = -1) -> list[float]:
    """Per cent done, of the messages that draw a bar."""
    texts = [content["data"]["text/plain"] for kind, content in messages if "display" in kind]
    found = [float(match[1]) for text in texts if (match := re.match(r"([\d.]+) %", text))]
    return [share for share in found if share > above]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Client:
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = Client(notebook, tmp_path_factory.mktemp("kernel"))
    client.execute()
    return client


def outputs(session: Client, name: str) -> list[Any]:
    return list(session.nb.cells[list(CELLS).index(name)].outputs)


def value(session: Client, name: str) -> str:
    [output] = outputs(session, name)
    return str(output["data"]["text/plain"])


def test_one_display_is_updated_in_place(session: Client) -> None:
    messages = session.seen["run"]
    drawn = [
        (kind, content["transient"]["display_id"])
        for kind, content in messages
        if "display" in kind
    ]
    assert drawn[0][0] == "display_data"
    assert {kind for kind, _ in drawn[1:]} == {"update_display_data"}
    assert len({identity for _, identity in drawn}) == 1
    assert shares(messages) == sorted(shares(messages))
    assert not [kind for kind, _ in messages if kind == "stream"]


def test_a_table_and_an_image_are_left(session: Client) -> None:
    bar, shown = outputs(session, "run")
    assert bar["data"]["text/plain"].startswith("Done. Report: runs")
    page = shown["data"]["text/html"]
    assert "<table" in page
    assert "At a small rate, momentum ends more accurate." in page
    [image] = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    data = base64.b64decode(image)
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    assert width >= 800
    assert height >= 400


def test_the_state_of_the_kernel_is_untouched(session: Client) -> None:
    assert value(session, "untouched") == "True"


def test_a_wrong_name_is_one_line(session: Client) -> None:
    [error] = outputs(session, "unknown")
    assert error["ename"] == "UsageError"
    [line] = error["traceback"]
    assert line.startswith("UsageError: unknown lab 'momentm'. Did you mean 'momentum'?")


def test_the_interrupt_button_leaves_a_run_that_goes_on(session: Client) -> None:
    bar, error = outputs(session, "interrupted")
    assert "To go on: pl.run(lab, resume_from='stopped')" in bar["data"]["text/plain"]
    assert (error["ename"], error["traceback"]) == ("KeyboardInterrupt", ["KeyboardInterrupt"])
    assert max(shares(session.seen["interrupted"])) < 100
    assert min(shares(session.seen["resumed"])) >= 50  # the narrow networks were done
    assert value(session, "same") == "(True, 6)"

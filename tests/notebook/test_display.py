"""The bar: time left, pace of drawing, a line in a terminal, a cell in a real kernel."""

from __future__ import annotations

import io

import pytest

from pilotlight.core.event import Measured, Progress
from pilotlight.notebook import display
from pilotlight.notebook.display import Bar, Line, find_screen, in_notebook, measured_words


class Recorder:
    """A screen that remembers what it was told."""

    between = 0.1

    def __init__(self) -> None:
        self.drawn: list[tuple[float, str]] = []
        self.ended: list[str] = []

    def draw(self, share: float, words: str) -> None:
        self.drawn.append((share, words))

    def end(self, message: str) -> None:
        self.ended.append(message)


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def measured(*values: float | None) -> Measured:
    """An evaluation of so many networks."""
    return Measured(0, 10, 1.0, tuple(range(len(values))), {"test_accuracy": values})


def test_time_left_follows_the_pace():
    screen, clock = Recorder(), Clock()
    bar = Bar(screen, clock)
    bar.start(1000)
    bar.update(Progress(0, 1000))
    clock.now += 10
    bar.update(Progress(250, 1000))
    assert screen.drawn == [(0.0, "starting"), (0.0, "0 %"), (0.25, "25 %, about 30 seconds left")]


def test_a_resumed_run_counts_only_its_own_steps():
    screen, clock = Recorder(), Clock()
    bar = Bar(screen, clock)
    bar.start(1000)
    bar.update(Progress(800, 1000))
    clock.now += 10
    bar.update(Progress(900, 1000))
    assert screen.drawn[-1] == (0.9, "90 %, about 10 seconds left")


def test_it_draws_at_most_ten_times_a_second():
    screen, clock = Recorder(), Clock()
    bar = Bar(screen, clock)
    bar.start(1000)
    for done in range(1000):
        bar.update(Progress(done, 1000))
        clock.now += 0.002
    assert len(screen.drawn) - 1 <= 20


def test_the_newest_values_stay_until_newer_ones_come():
    screen, clock = Recorder(), Clock()
    bar = Bar(screen, clock)
    bar.start(10)
    bar.update(Progress(0, 10), measured(0.90, 0.86, 0.94))
    clock.now += 1
    bar.update(Progress(5, 10))
    assert screen.drawn[-1][1] == (
        "50 %, 1 second left, test accuracy 0.900 (0.860 to 0.940, 3 networks)"
    )


def test_a_run_without_steps_is_no_division_by_zero():
    screen = Recorder()
    bar = Bar(screen, Clock())
    bar.start(0)
    bar.update(Progress(0, 0))
    bar.close("done")
    assert screen.drawn[-1] == (0.0, "0 %")
    assert screen.ended == ["done"]


def test_values_of_diverged_networks_are_left_out():
    assert measured_words(measured(None, 0.5)) == "test accuracy 0.5 (1 network)"
    assert measured_words(measured(None, None)) == ""


def test_a_terminal_line_is_rewritten(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    line = Line(stream)
    line.draw(0.5, "50 %, a very long remark that does not fit on the line")
    line.end("done")
    first, second, last = stream.getvalue().partition("\n")[0].split("\r")
    assert first == ""
    assert second.startswith("[############............] 50 %")
    assert len(second) == len(last) == 59
    assert last.rstrip() == "done"
    assert line.between == 0.1


def test_a_file_gets_plain_lines_now_and_then():
    stream = io.StringIO()
    clock = Clock()
    bar = Bar(Line(stream), clock)
    bar.start(100)
    for done in range(100):
        bar.update(Progress(done, 100))
        clock.now += 0.5
    bar.close("done: 4 networks")
    lines = stream.getvalue().splitlines()
    assert "\r" not in stream.getvalue()
    assert lines[0] == "starting"
    assert lines[-1] == "done: 4 networks"
    assert len(lines) == 2 + 5  # 50 seconds, a line every ten


def test_a_stream_that_cannot_write_a_character_gets_a_question_mark():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Line(stream).end("précision")
    assert raw.getvalue() == b"pr?cision\n"


def test_outside_a_notebook_it_is_a_line():
    assert not in_notebook()
    assert isinstance(find_screen(), Line)


def test_in_a_kernel_one_output_is_redrawn():
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    source = "\n".join(
        [
            "from pilotlight.core.event import Progress",
            "from pilotlight.notebook import Bar",
            "bar = Bar()",
            "bar.start(4)",
            "bar.update(Progress(1, 4))",
            "bar.close('4 networks <done>')",
        ]
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbclient.NotebookClient(notebook, timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    assert output["data"]["text/plain"] == "4 networks <done>"
    assert output["data"]["text/html"] == "<div>4 networks &lt;done&gt;</div>"


def test_the_cell_shows_share_and_words(monkeypatch):
    shown = []
    monkeypatch.setattr(display.Cell, "_show", lambda self, *both: shown.append(both))
    display.Cell().draw(0.25, "25 % <b>")
    text, markup = shown[0]
    assert text == "25 % <b>"
    assert 'aria-valuenow="25"' in markup
    assert "width: 25.0%" in markup
    assert "25 % &lt;b&gt;" in markup

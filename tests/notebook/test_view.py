"""A run in a notebook: its table and figure, its text, its parts."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from pilotlight.core.report import Report
from pilotlight.notebook import RunView


def test_it_hands_on_what_the_report_knows(report: Report):
    view = RunView(report)
    assert view.verdicts == {"better": "supported"}
    assert view.history["test_accuracy"]["plain"][0] == [0.1, 0.5, 0.6]
    assert view.folder == Path("runs/momentum-1")
    assert view.report is report


def test_plot_gives_the_main_figure_or_the_labs_own(report: Report):
    assert len(RunView(report).plot().axes) == 2
    own = RunView(report, lambda report, figure: figure.add_subplot().set_title(report.lab))
    assert [a.get_title("left") for a in own.plot().axes] == ["momentum"]


def test_the_text_is_the_summary_without_colour(report: Report):
    text = repr(RunView(report))
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "supported" in text
    assert "0.15 to 0.25" in text
    assert "Momentum is > plain" in text


def test_the_html_has_table_and_picture_and_is_escaped(report: Report):
    markup = RunView(report)._repr_html_()
    assert "Is a &lt; b &amp; c?" in markup
    assert "Momentum is &gt; plain &lt;b&gt;everywhere&lt;/b&gt;." in markup
    assert "99 % interval 0.15 to 0.25" in markup
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', markup)
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.format == "PNG"
        assert image.width > 800


def test_the_html_is_well_formed(report: Report):
    class Strict(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag, attrs):
            if tag not in ("br", "img"):
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    reader = Strict()
    reader.feed(RunView(report)._repr_html_())
    assert reader.open == []


@pytest.mark.parametrize("show", [repr, RunView._repr_html_])
def test_a_stopped_run_says_so_and_how_to_go_on(report: Report, show):
    stopped = replace(
        report, state="stopped", evidence=False, why_no_verdict=("the run was stopped",)
    )
    text = " ".join(show(RunView(stopped)).split())
    assert "This run was stopped before its end" in text
    assert "pilotlight run --resume runs/momentum-1" in text
    assert "For exploring: no verdict." in text
    assert "the run was stopped" in text

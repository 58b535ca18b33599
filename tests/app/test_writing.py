"""What is written for reading: a lab's movie goes into the page, also of a run told anew."""

from __future__ import annotations

from dataclasses import replace

from pilotlight.app.reporting import summarise
from pilotlight.app.running import start
from pilotlight.app.writing import write_pages
from pilotlight.core.command import RunCommand
from pilotlight.record.folder import Folder


def outputs(model, batch, settings, state):
    return {"outputs": model(batch.inputs[:3])}


def draw(report, figure, snapshot):
    (shown,) = [m.snapshots[snapshot] for m in report.members if m.snapshots]
    figure.text(0.5, 0.5, f"after {shown['step']} steps: {shown['outputs']}")


def test_a_movie_is_drawn_from_what_the_journal_kept(lab, tmp_path):
    filming = replace(lab, source="", movie=draw, train=replace(lab.train, snapshot=outputs))
    out, one = str(tmp_path / "run"), next(iter(lab.compare))
    running = start(RunCommand(filming, seeds=2, compare=(one,), out=out))
    for _ in running:
        pass
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert page.count('<img src="data:image/png;base64,') == 1
    folder = Folder.open(out)
    write_pages(folder, summarise(folder, filming), filming)
    assert (tmp_path / "run" / "report.html").read_text("utf-8") == page
    write_pages(folder, summarise(folder, lab), lab)
    assert "<img src=" not in (tmp_path / "run" / "report.html").read_text("utf-8")

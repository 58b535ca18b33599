"""Pictures and the page of a run, into its folder."""

from __future__ import annotations

from pathlib import Path

from pilotlight.core.lab import Lab
from pilotlight.core.report import Report
from pilotlight.present.figures import illustrations, main_figure, to_png, to_svg
from pilotlight.present.movies import film
from pilotlight.present.page import page
from pilotlight.present.stills import stills
from pilotlight.record.folder import Folder


def write_pages(folder: Folder, report: Report, lab: Lab | None) -> Path:
    """figures/main.png, figures/main.svg and report.html; returns the page's path."""
    picture = lab.picture if lab else None
    figure = main_figure(report, picture)
    folder.write_bytes("figures/main.png", to_png(figure))
    folder.write_text("figures/main.svg", to_svg(figure))
    moving = film(report, lab.movie if lab else None)
    made = page(report, illustrations(report, picture), moving, stills(report))
    return folder.write_text("report.html", made)

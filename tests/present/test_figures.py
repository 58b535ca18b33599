"""Figures hold the numbers of the report, are legible, repeatable and leave no trace behind."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from PIL import Image

from pilotlight.core.report import Report
from pilotlight.present.figures import (
    curves,
    curves_figure,
    curves_note,
    illustrations,
    main_caption,
    main_figure,
    to_png,
    to_svg,
)
from pilotlight.present.palette import LINES

METRIC = "validation_accuracy"


def texts_of(figure: Figure) -> list:
    """All texts with some content, but for the numbers of ticks, which may lie out of sight."""
    FigureCanvasAgg(figure).draw()
    ticks = figure.findobj(matplotlib.axis.Tick)
    of_ticks = [label for tick in ticks for label in (tick.label1, tick.label2)]
    found = figure.findobj(matplotlib.text.Text)
    return [t for t in found if t.get_text().strip() and t not in of_ticks]


def extents_of(figure: Figure) -> list:
    """Where the texts are, in pixels."""
    texts = texts_of(figure)
    renderer = figure.canvas.get_renderer()
    return [(t.get_text(), t.get_window_extent(renderer)) for t in texts]


def drawn(report: Report, metric: str = METRIC):
    """The axes of curves in a figure of their own."""
    figure = Figure(figsize=(8, 4))
    curves(report, metric, figure)
    return figure, figure.axes[0]


def test_the_mean_line_is_the_mean_of_the_networks(statistical: Report):
    _, axes = drawn(statistical)
    rows = [m for m in statistical.members if m.comparison == "plain"]
    mean = np.mean([m.curves[METRIC] for m in rows], axis=0)
    thick = [ln for ln in axes.lines if ln.get_linewidth() == 2.0 and ln.get_color() == LINES[0]]
    assert len(thick) == 1
    np.testing.assert_allclose(thick[0].get_ydata(), mean)
    np.testing.assert_allclose(thick[0].get_xdata(), range(16))


def test_the_band_holds_lowest_and_highest(statistical: Report):
    _, axes = drawn(statistical)
    bands = [c for c in axes.collections if isinstance(c, PolyCollection)]
    assert len(bands) == 3
    heights = bands[0].get_paths()[0].vertices[:, 1]
    rows = [m.curves[METRIC] for m in statistical.members if m.comparison == "plain"]
    assert heights.min() == pytest.approx(np.min(rows))
    assert heights.max() == pytest.approx(np.max(rows))


def test_each_single_network_is_drawn_faintly(statistical: Report):
    _, axes = drawn(statistical)
    assert sum(line.get_linewidth() == 0.7 for line in axes.lines) == 15


def test_a_cross_stands_where_a_network_diverged(statistical: Report):
    _, axes = drawn(statistical)
    (cross,) = [line for line in axes.lines if line.get_marker() == "x"]
    lost = next(m for m in statistical.members if m.diverged_at)
    assert cross.get_xdata()[0] == 5
    assert cross.get_ydata()[0] == pytest.approx(lost.curves[METRIC][5])
    assert cross.get_color() == LINES[2]


def test_a_diverging_network_does_not_spoil_the_scale(statistical: Report):
    _, axes = drawn(statistical, "train_loss")
    assert axes.get_ylim()[1] < 3  # its loss was 3e7
    (cross,) = [line for line in axes.lines if line.get_marker() == "x"]
    assert cross.get_ydata()[0] == pytest.approx(axes.get_ylim()[1])


def test_names_stand_at_the_line_ends_and_do_not_overlap(statistical: Report):
    figure, axes = drawn(statistical)
    boxes = dict(extents_of(figure))
    names = [boxes[name] for name in ("plain", "heavy_ball", "larger_step")]
    assert axes.get_legend() is None
    assert not any(a.overlaps(b) for a, b in combinations(names, 2))
    assert boxes["heavy_ball"].y0 > boxes["larger_step"].y0 > boxes["plain"].y0


def test_ten_names_at_one_height_do_not_overlap_either(statistical: Report):
    row = statistical.members[0]
    rows = tuple(replace(row, comparison=f"number_{k}", index=k) for k in range(10))
    figure, _ = drawn(replace(statistical, members=rows))
    names = [box for text, box in extents_of(figure) if text.startswith("number_")]
    assert len(names) == 10
    assert not any(a.overlaps(b) for a, b in combinations(names, 2))


@pytest.mark.parametrize("kind", ["statistical", "exact", "exploring", "stopped"])
def test_no_text_leaves_the_figure(kind, request):
    figure = main_figure(request.getfixturevalue(kind))
    for text, box in extents_of(figure):
        assert box.x0 >= 0, text
        assert box.x1 <= figure.bbox.width, text
        assert box.y0 >= 0, text
        assert box.y1 <= figure.bbox.height, text


@pytest.mark.parametrize("kind", ["statistical", "exact", "exploring", "stopped", "hostile"])
def test_no_figure_shows_nan_or_none(kind, request):
    root = ET.fromstring(to_svg(main_figure(request.getfixturevalue(kind))))
    shown = [t.text or "" for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert len(shown) > 10
    assert not [t for t in shown if re.search(r"nan|none|null|inf", t, re.IGNORECASE)]


def test_of_many_comparisons_those_that_the_claims_name_are_drawn(statistical: Report):
    """Also the claims' comparisons that come last in the lab's order."""
    first = statistical.members[0]
    crowd = [replace(first, comparison=f"other {i}") for i in range(12)]
    report = replace(statistical, members=(*crowd, *statistical.members))
    named = {side for c in statistical.claims for side in (c.left, c.right) if side}
    metric = METRIC
    figure = curves_figure(report, metric)
    names = {t.get_text() for t in texts_of(figure)}
    every = {m.comparison for m in report.members}
    assert named <= names
    assert len(names & every) == 10
    assert f" 10 of {len(every)} comparisons." in curves_note(report, metric)


def test_the_note_names_band_crosses_and_data(statistical: Report):
    assert curves_note(statistical, METRIC) == (
        "Line: mean of 4 to 5 networks; band: lowest to highest of them. "
        "Crosses: diverged (1 of 5 in larger_step), not in the mean. Data: digits."
    )
    figure, _ = drawn(statistical)
    shown = " ".join(" ".join(t.get_text().split()) for t in texts_of(figure))
    assert "band: lowest to highest of them" in shown


def test_losses_that_span_decades_get_a_logarithmic_axis(statistical: Report):
    rows = tuple(
        replace(m, curves=m.curves | {"loss": [10.0 ** (1 - k / 3) for k in range(16)]})
        for m in statistical.members[:5]
    )
    _, axes = drawn(replace(statistical, members=rows), "loss")
    assert axes.get_yscale() == "log"
    _, axes = drawn(statistical)
    assert axes.get_yscale() == "linear"


def test_one_evaluation_shows_as_points(statistical: Report):
    rows = tuple(
        replace(m, curves={k: v[:1] for k, v in m.curves.items()}) for m in statistical.members
    )
    _, axes = drawn(replace(statistical, members=rows))
    assert sum(line.get_marker() == "o" for line in axes.lines) == 3


def test_the_main_figure_is_the_labs_own_picture_if_it_has_one(statistical: Report):
    seen = []

    def picture(report: Report, figure: Figure) -> None:
        seen.append(report)
        axes = figure.add_subplot(title="$\\alpha$")
        axes.plot([0, 1], [0, 1])
        assert axes.title.get_parse_math()

    figure = main_figure(statistical, picture)
    assert seen == [statistical]
    assert len(figure.axes) == 1
    assert figure.axes[0].lines[0].get_color() == LINES[0]
    assert main_caption(statistical, picture).startswith("Drawn from 15 networks")
    assert main_caption(replace(statistical, members=()), picture) == "Drawn by the lab."


def test_the_main_figure_shows_curves_and_one_row_per_claim(statistical: Report):
    figure = main_figure(statistical)
    assert len(figure.axes) == 1 + 3
    assert figure.get_size_inches()[0] == 8
    assert main_caption(statistical) == (
        "Validation accuracy along the way; below, each claim's effect with its interval."
    )


def test_an_exact_lab_shows_its_exhibits(exact: Report):
    assert len(main_figure(exact).axes) == 4
    assert main_caption(exact) == "Each exhibit's error against its tolerance."


def test_a_run_without_anything_yet_has_a_figure_too(exact: Report):
    empty = replace(exact, exhibits=())
    assert [t.get_text() for t in texts_of(main_figure(empty))] == ["Nothing is measured yet."]
    (only,) = illustrations(empty)
    assert "Nothing is measured yet." in only[2]


def test_each_other_metric_has_its_own_figure(statistical: Report):
    assert [title for title, _, _ in illustrations(statistical)] == [
        "What the run shows",
        "Train loss",
    ]


def test_the_same_report_gives_the_same_bytes(statistical: Report):
    first, second = main_figure(statistical), main_figure(statistical)
    assert to_svg(first) == to_svg(second)
    assert to_svg(first) == to_svg(first)
    assert to_png(first) == to_png(second)


def test_the_svg_is_one_element_with_readable_text(hostile: Report):
    svg = to_svg(main_figure(hostile))
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    words = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "supported" in words
    assert any("训练" in (w or "") for w in words)
    assert "<script" not in svg
    assert "<metadata" not in svg
    assert "date" not in svg.lower()


def test_the_png_has_the_size_that_was_asked_for(exact: Report):
    figure = main_figure(exact)
    with Image.open(io.BytesIO(to_png(figure, 100))) as image:
        assert image.width == 800
        assert image.text == {}


def test_drawing_leaves_matplotlibs_settings_alone(statistical: Report):
    before = dict(matplotlib.rcParams)
    to_svg(main_figure(statistical))
    curves_figure(statistical, METRIC)
    assert dict(matplotlib.rcParams) == before


def test_pyplot_is_never_loaded():
    code = (
        "import sys, pilotlight.present.figures, pilotlight.present.page\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

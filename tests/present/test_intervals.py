"""Rows of effects and of errors stand where their numbers say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pilotlight.core.report import Report
from pilotlight.present.intervals import effects, effects_height, exhibits, exhibits_height
from pilotlight.present.palette import VERDICTS


def effect_figure(report: Report) -> Figure:
    """The effects of a report in a figure of the height they need."""
    figure = Figure(figsize=(8, effects_height(report)))
    effects(report, figure)
    return figure


def shaded(axes: Axes) -> tuple[float, float]:
    """The shaded region of a row."""
    (patch,) = [p for p in axes.patches if isinstance(p, Rectangle)]
    return patch.get_x(), patch.get_x() + patch.get_width()


def test_bar_and_dot_are_interval_and_effect(statistical: Report):
    axes = effect_figure(statistical).axes[0]
    (bar,) = [line for line in axes.lines if line.get_linewidth() == 3.2]
    (dot,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert list(bar.get_xdata()) == [0.1521, 0.2505]
    assert list(dot.get_xdata()) == [0.2013]
    assert dot.get_color() == VERDICTS["supported"]


def test_the_shaded_side_is_the_one_that_supports(statistical: Report):
    at_least, within, at_most = effect_figure(statistical).axes
    assert shaded(at_least) == pytest.approx((0.05, at_least.get_xlim()[1]))
    assert shaded(within) == pytest.approx((-0.02, 0.02))
    assert shaded(at_most) == pytest.approx((at_most.get_xlim()[0], -2))


def test_every_row_shows_zero_its_bound_and_its_interval(statistical: Report):
    for axes, claim in zip(effect_figure(statistical).axes, statistical.claims, strict=True):
        low, high = axes.get_xlim()
        assert low < min(0, claim.interval[0])
        assert high > max(0, claim.interval[1])


def test_the_verdict_is_a_word_with_what_is_behind_it(statistical: Report):
    words = [t.get_text() for t in effect_figure(statistical).texts]
    for word in ("supported", "refuted", "undecided", "+0.201 accuracy", "5 seeds, p = 0.004"):
        assert word in words
    assert "−7.9 to 1.1 (99.67 %)" in words


def test_numbers_are_never_cut_only_a_long_unit(statistical: Report):
    claim = replace(
        statistical.claims[0],
        effect=-0.00021,
        interval=(-0.00251, 0.00204),
        unit="squared errors per hundred thousand rows",
    )
    words = [t.get_text() for t in effect_figure(replace(statistical, claims=(claim,))).texts]
    assert "−0.00021 squared errors per…" in words
    assert "−0.0025 to 0.0020 (99.67 %)" in words


def test_without_a_verdict_it_says_for_exploring(exploring: Report, stopped: Report):
    words = [t.get_text() for t in effect_figure(exploring).texts]
    assert words.count("for exploring") == 3
    assert words.count("no interval") == 3
    assert [t.get_text() for t in effect_figure(stopped).texts].count(
        "effect cannot be computed"
    ) == 3


def test_a_claim_without_a_known_bound_has_no_shade(statistical: Report):
    claim = replace(statistical.claims[0], bound="")
    (axes,) = effect_figure(replace(statistical, claims=(claim,))).axes
    assert not axes.patches


def test_errors_lie_on_one_logarithmic_axis(exact: Report):
    figure = Figure(figsize=(8, exhibits_height(exact)))
    exhibits(exact, figure)
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    low, high = figure.axes[0].get_xlim()
    marks = [axes.lines[-1] for axes in figure.axes]
    assert [m.get_xdata()[0] for m in marks] == pytest.approx([3.1e-14, low, 2e-3, high])
    assert [m.get_marker() for m in marks] == ["o", "<", "o", ">"]
    assert shaded(figure.axes[2]) == pytest.approx((low, 1e-6))
    words = [t.get_text() for t in figure.texts]
    assert words.count("passed") == 2
    assert words.count("failed") == 2
    assert "error not finite" in words


def test_an_error_that_a_record_holds_as_null_shows_as_not_finite(exact: Report):
    lost = replace(exact.exhibits[3], error=None)
    figure = Figure(figsize=(8, 2))
    exhibits(replace(exact, exhibits=(lost,)), figure)
    assert "error not finite" in [t.get_text() for t in figure.texts]

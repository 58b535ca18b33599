"""What a fit's first line says, and its page: whole, escaped, with the split drawn."""

from __future__ import annotations

import re

import numpy as np
import pytest

from pilotlight.present.fit_drawings import drawn_curve, drawn_scores, drawn_splits
from pilotlight.present.fit_words import bar, between, estimates, headline, rows, shade, signed


def result(better: bool | None, *codes: str):
    baseline = {
        "name": "ridge",
        "score": 0.7,
        "interval": [0.6, 0.8],
        "difference": 0.1,
        "difference_interval": [0.05, 0.15],
    }
    mean = baseline | {"name": "mean", "score": 0.0, "interval": None}
    return {
        "metric": "R2",
        "targets": ["y"],
        "by_target": [],
        "learning_curve": None,
        "score": 0.8,
        "interval": [0.75, 0.85],
        "network_is_better": better,
        "baselines": [mean, baseline],
        "best_baseline": "ridge",
        "networks": [{"name": "mlp", "score": 0.8, "interval": [0.75, 0.85]}],
        "warnings": [{"code": c, "text": "Look."} for c in codes],
    }


@pytest.mark.parametrize(
    ("better", "codes", "first"),
    [
        (True, (), "The network is better: R2 0.800 (0.750 to 0.850)"),
        (False, (), "The network is not better: "),
        (None, (), "The network is not better, as far as these data can tell: "),
        (None, ("slow-drift",), "These folds cannot tell, as they measure drift (see slow-drift)"),
    ],
)
def test_the_first_line_says_whether_it_is_worth_it(better, codes, first):
    said = headline(result(better, *codes))
    assert said.startswith(first)
    assert "ridge, has 0.700; the difference is +0.100 (0.050 to 0.150)" in said


def test_what_has_no_interval_says_so():
    assert between(None) == "no interval"
    assert signed(-0.0412) == "-0.041"
    assert [row[0] for row in rows(result(True))] == ["network", "mean", "ridge"]


def test_every_fold_is_a_strip_of_its_rows():
    splits = {
        "outer0-train": np.arange(4, 10),
        "outer0-test": np.arange(3),
        "outer1-train": np.arange(5),
        "outer1-test": np.arange(5, 10),
        "whole-train": np.arange(10),
    }
    drawn = str(drawn_splits(splits, 10))
    colours = re.findall(r'width="([\d.]+)" height="14" fill="(#\w+)"', drawn)
    assert [c for _, c in colours] == ["#c9540a", "#eceff3", "#9fb6cf", "#9fb6cf", "#c9540a"]
    assert [float(w) for w, _ in colours] == [216, 72, 432, 360, 360]


def test_a_million_rows_are_drawn_with_few_marks():
    splits = {"outer0-train": np.arange(1, 10**6, 2), "outer0-test": np.arange(0, 10**6, 2)}
    assert str(drawn_splits(splits, 10**6)).count("<rect") <= 240


def test_scores_are_drawn_where_they_are_and_names_are_escaped():
    models = [("network", 0.8, [0.75, 0.85]), ("<b>", 0.9, None)]
    drawn = str(drawn_scores(models, "R2"))
    assert "&lt;b&gt;" in drawn
    ends = re.findall(
        r'<text class="axis" x="([\d.]+)" y="\d+" text-anchor="(?:start|end)">(0.\d+)', drawn
    )
    assert [v for _, v in ends] == ["0.75", "0.90"]
    low, high = (float(x) for x, _ in ends)
    dots = [float(x) for x in re.findall(r'<circle [^>]*cx="([\d.]+)"', drawn)]
    assert dots[0] == pytest.approx(low + (0.8 - 0.75) / 0.15 * (high - low), abs=0.2)
    assert dots[1] == pytest.approx(high)


def test_the_trivial_baseline_is_left_to_the_table():
    assert [name for name, *_ in estimates(result(True))] == ["network", "ridge"]


def test_a_curve_is_drawn_and_none_is_none():
    points = [
        {"share": s, "rows": r, "score": v, "interval": [v - 0.02, v + 0.02]}
        for s, r, v in ((0.25, 25, 0.6), (0.5, 50, 0.7), (1.0, 1000, 0.8))
    ]
    drawn = str(drawn_curve({"points": points}, "R2"))
    heights = [float(y) for y in re.findall(r'<circle [^>]*cy="([\d.]+)"', drawn)]
    assert heights[0] > heights[1] > heights[2]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)
    assert "1,000 rows" in drawn
    assert str(drawn_curve(None, "R2")) == ""


def test_shades_and_bars_are_shares():
    assert [shade(n, [30, 10, 0]) for n in (30, 10, 0)] == [45, 15, 0]
    told = {"importance": [{"drop": 0.4}, {"drop": 0.1}, {"drop": -0.1}]}
    assert [bar(d, told) for d in (0.4, 0.1, -0.1)] == [100.0, 25.0, 0.0]
    assert bar(-0.1, {"importance": [{"drop": -0.1}]}) == 0.0

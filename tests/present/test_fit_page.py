"""What a fit's first line says, and its page: whole, escaped, with the split drawn."""

from __future__ import annotations

import re

import numpy as np
import pytest

from pilotlight.present.fit_page import drawn_splits
from pilotlight.present.fit_words import between, headline, rows, signed


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

"""Means and bands over networks, held against numpy on the plain rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pilotlight.core.report import MemberRow, Report
from pilotlight.present.spread import (
    along_the_way,
    axis_of,
    finals,
    main_metric,
    mean_words,
    spreads,
)


def curves_of(report: Report, comparison: str) -> np.ndarray:
    """The curves of the networks that did not diverge, shape (networks, evaluations)."""
    rows = [m for m in report.members if m.comparison == comparison and m.diverged_at is None]
    return np.array([m.curves["validation_accuracy"] for m in rows], dtype=float)


def test_mean_and_range_are_numpys_over_networks_that_did_not_diverge(statistical: Report):
    found = {s.comparison: s for s in spreads(statistical, "validation_accuracy")}
    assert list(found) == ["plain", "heavy_ball", "larger_step"]
    for name, spread in found.items():
        values = curves_of(statistical, name)
        np.testing.assert_allclose(spread.mean, values.mean(axis=0))
        np.testing.assert_allclose(spread.low, values.min(axis=0))  # larger_step has only four
        np.testing.assert_allclose(spread.high, values.max(axis=0))
    assert found["larger_step"].diverged == 1
    assert found["plain"].diverged == 0


def test_with_five_networks_everywhere_the_band_is_the_middle_80_percent(statistical: Report):
    rows = tuple(m for m in statistical.members if m.comparison != "larger_step")
    found = spreads(replace(statistical, members=rows), "validation_accuracy")
    values = curves_of(statistical, "plain")
    np.testing.assert_allclose(found[0].low, np.quantile(values, 0.1, axis=0))
    np.testing.assert_allclose(found[0].high, np.quantile(values, 0.9, axis=0))
    assert mean_words(found) == "Line: mean of 5 networks; band: the middle 80 % of them."


def test_the_words_name_the_band_that_is_drawn(statistical: Report, exploring: Report):
    metric = "validation_accuracy"
    assert mean_words(spreads(statistical, metric)) == (
        "Line: mean of 4 to 5 networks; band: lowest to highest of them."
    )
    assert mean_words(spreads(exploring, metric)) == "Line: one network, so no spread."


def test_a_diverged_network_keeps_its_track_up_to_the_end(statistical: Report):
    larger = spreads(statistical, "validation_accuracy")[2]
    tracks = [t for t in larger.tracks if t.diverged]
    assert [list(t.x) for t in tracks] == [[0, 1, 2, 3, 4, 5]]


def test_without_any_finite_network_there_is_no_mean(statistical: Report):
    rows = tuple(replace(m, diverged_at=7) for m in statistical.members)
    found = spreads(replace(statistical, members=rows), "validation_accuracy")
    assert [s.counted for s in found] == [0, 0, 0]
    assert all(len(s.mean) == 0 for s in found)
    assert mean_words(found) == "Every network diverged."


def test_a_network_that_stopped_early_keeps_the_value_of_its_best_weights():
    def row(index: int, curve: list[float | None], stopped: int | None) -> MemberRow:
        return MemberRow(
            index,
            "a",
            index,
            {},
            curves={"epoch": [0.0, 1.0, 2.0, 3.0][: len(curve)], "loss": curve},
            final={"loss": 0.5},
            stopped_at=stopped,
        )

    report = Report(
        *("lab", "?", "", False, (), (), ()),
        members=(row(0, [4.0, 1.0], 10), row(1, [4.0, 3.0, 2.0, 1.5], None)),
        run="runs/x",
        state="finished",
        seconds=1,
        versions={},
    )
    (spread,) = spreads(report, "loss")
    np.testing.assert_allclose(spread.mean, [4.0, 2.0, 1.25, 1.0])


def test_gaps_at_single_evaluations_are_skipped(statistical: Report):
    first, *others = [m for m in statistical.members if m.comparison == "plain"]
    gappy = [None, *first.curves["validation_accuracy"][1:]]
    rows = (replace(first, curves=first.curves | {"validation_accuracy": gappy}), *others)
    (spread,) = spreads(replace(statistical, members=rows), "validation_accuracy")
    expected = np.mean([m.curves["validation_accuracy"][0] for m in others])
    assert spread.mean[0] == pytest.approx(expected)


def test_a_metric_of_the_end_is_told_by_the_nearest_curve(statistical: Report):
    assert main_metric(statistical) == "test_accuracy"
    assert along_the_way(statistical, "test_accuracy") == "validation_accuracy"
    assert along_the_way(statistical, "train_loss") == "train_loss"
    assert along_the_way(statistical, "epochs_to_90") == "validation_accuracy"
    assert along_the_way(replace(statistical, members=()), "test_accuracy") is None


def test_without_claims_the_first_measured_metric_is_the_main_one(statistical: Report):
    assert main_metric(replace(statistical, claims=())) == "validation_accuracy"
    assert main_metric(replace(statistical, claims=(), members=())) is None


def test_curves_run_along_epochs_else_steps_else_evaluations(statistical: Report):
    def without(*names: str) -> Report:
        rows = (
            replace(m, curves={k: v for k, v in m.curves.items() if k not in names})
            for m in statistical.members
        )
        return replace(statistical, members=tuple(rows))

    assert axis_of(statistical) == "epoch"
    bare = without("epoch")
    assert axis_of(bare) == "evaluation"
    assert list(spreads(bare, "train_loss")[0].x) == list(range(1, 17))


def test_final_values_are_sorted_and_leave_out_what_diverged(statistical: Report):
    found = finals(statistical, "test_accuracy")
    assert [len(v) for v in found.values()] == [5, 5, 4]
    assert found["plain"] == sorted(found["plain"])

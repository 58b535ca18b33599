"""From a folder to a report and back: what is judged once is read the same ever after."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pilotlight.app.prepare import prepare
from pilotlight.app.reporting import history_arrays, result_of, summarise
from pilotlight.core.command import RunCommand
from pilotlight.core.event import CohortDone, Diverged, Exhibited, Finished, Measured, Note
from pilotlight.core.lab import Claim
from pilotlight.core.report import MemberRow
from pilotlight.record.folder import Folder

WIDE, NARROW = (0, 1, 2, 3, 4), (10, 11, 12, 13, 14)
"""Members of the comparisons, five seeds each, in the plan's order."""


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@pytest.fixture
def folder(path: str, tmp_path: Path) -> Folder:
    """A run that was planned and has no events yet."""
    return Folder.create("ring", prepare(RunCommand(path)).config, out=str(tmp_path / "run"))


def measured(members, accuracies, step=0, final=False) -> Measured:
    values = {"test_accuracy": tuple(accuracies), "test_loss": tuple(a for a in accuracies)}
    return Measured(0 if members == WIDE else 1, step, step / 6, members, values, final)


def add(folder: Folder, *events) -> Folder:
    with folder.lock():
        for event in events:
            folder.append(event)
    return folder


def trained(folder: Folder) -> Folder:
    """All networks of two comparisons measured: the wide ones are better by 0.2 to 0.24."""
    wide = [0.9, 0.91, 0.92, 0.93, 0.94]
    return add(
        folder,
        measured(WIDE, [0.5] * 5),
        measured(NARROW, [0.5] * 5),
        measured(WIDE, wide, step=36, final=True),
        measured(NARROW, [0.7] * 5, step=36, final=True),
        Exhibited("half_of_the_plane", 0.0, 1e-6, True, {}),
    )


# State and evidence


def test_a_run_that_has_just_begun(folder, lab):
    report = summarise(folder, lab)
    assert (report.state, report.evidence, report.seconds) == ("stopped", False, 0.0)
    assert report.why_no_verdict == ("the run is not finished",)
    assert len(report.members) == 15
    assert report.comparisons == ("wide", "wide_and_slow", "narrow")
    assert {claim.verdict for claim in report.claims} == {None}


@pytest.mark.parametrize("compare", [("wide", "narrow"), ("narrow",)])
def test_claims_about_comparisons_that_were_left_out_are_left_out(path, lab, tmp_path, compare):
    config = prepare(RunCommand(path, compare=compare)).config
    report = summarise(Folder.create("ring", config, out=str(tmp_path / "some")), lab)
    about = {n for n, c in lab.claims.items() if {c.left, c.right or c.left} <= set(compare)}
    assert {claim.id for claim in report.claims} == about
    assert len(about) < len(lab.claims)


def test_a_trend_is_left_out_only_if_one_of_its_comparisons_is(path, lab, tmp_path):
    trends = {
        "of_two": Claim("Wider is better.", trend={"narrow": 0, "wide": 1}, at_least=0.1),
        "of_three": Claim("No.", trend={"narrow": 0, "wide": 1, "wide_and_slow": 2}, at_least=0.1),
    }
    config = prepare(RunCommand(path, compare=("wide", "narrow"))).config
    folder = Folder.create("ring", config, out=str(tmp_path / "some"))
    report = summarise(folder, replace(lab, claims=trends))
    assert [claim.id for claim in report.claims] == ["of_two"]


def test_a_run_in_training_is_running(folder, lab):
    with folder.lock():
        assert summarise(folder, lab).state == "running"
    assert summarise(folder, lab).state == "stopped"


def test_no_verdict_before_all_is_trained(folder, lab):
    before = summarise(trained(folder), lab)
    assert not before.evidence
    assert before.verdicts == {"sooner": None, "alike": None}
    after = summarise(add(folder, Finished(3.5)), lab)
    assert (after.evidence, after.why_no_verdict, after.seconds) == (True, (), 3.5)
    sooner = after.claims[0]
    assert sooner.verdict == "supported"
    assert sooner.effect == pytest.approx(0.22)
    assert sooner.interval[0] > 0.1


def test_a_run_for_exploring_never_gives_a_verdict(path, lab, tmp_path):
    config = prepare(RunCommand(path, changes={"rate": "0.5"})).config
    folder = Folder.create("ring", config, out=str(tmp_path / "run"))
    report = summarise(add(trained(folder), Finished(1.0)), lab)
    assert not report.evidence
    assert report.why_no_verdict == ("settings other than the lab's own (rate=0.5)",)
    assert report.verdicts == {"sooner": None, "alike": None}
    assert report.claims[0].effect == pytest.approx(0.22)


def test_without_its_lab_an_unfinished_run_still_shows_its_curves(folder):
    report = summarise(trained(folder), None)
    assert (report.claims, report.exhibits, report.text) == ((), (), "")
    assert report.history["test_accuracy"]["wide"][0] == [0.5, 0.9]
    assert report.question == "Does a wider network learn a ring sooner?"


def test_an_exhibit_that_is_not_shown_yet_is_left_out(folder, lab):
    assert summarise(folder, lab).exhibits == ()
    (shown,) = summarise(trained(folder), lab).exhibits
    assert (shown.id, shown.passed, shown.tolerance) == ("half_of_the_plane", True, 1e-6)
    assert shown.statement.startswith("Half of all points")


def test_a_lab_of_a_notebook_has_no_script_and_is_reported_all_the_same(folder, lab):
    assert "def train" in summarise(folder, lab).script
    assert summarise(folder, replace(lab, source="")).script == ""


# Notes


def test_notes_tell_of_what_happened_and_of_networks_that_diverged(folder, lab):
    add(folder, Note("nn.LSTM cannot be stacked: 3 networks train one by one."))
    add(folder, Diverged(1, 6, 10), Diverged(1, 12, 14), Diverged(0, 6, 2))
    assert summarise(folder, lab).notes == (
        "nn.LSTM cannot be stacked: 3 networks train one by one.",
        "wide: 1 of 5 networks diverged.",
        "narrow: 2 of 5 networks diverged.",
    )


def test_a_network_that_only_the_last_measurement_shows_to_have_diverged_is_told(folder, lab):
    add(folder, measured(WIDE, [0.9, None, 0.9, 0.9, 0.9], step=36, final=True))
    report = summarise(folder, lab)
    assert report.notes == ("wide: 1 of 5 networks diverged.",)
    assert report.members[1].diverged_at == 36


# What is kept


def test_a_finished_run_is_read_as_it_was_judged(folder, lab):
    add(trained(folder), Finished(3.5))
    first = summarise(folder, lab)
    kept = json.loads(json.dumps(result_of(first), allow_nan=False), parse_constant=refuse)
    folder.finish(kept, history_arrays(first.members))
    assert summarise(folder, lab) == replace(first, state="finished")
    assert summarise(folder, None) == replace(first, state="finished")


def test_a_lab_that_was_edited_since_does_not_change_a_finished_run(folder, lab):
    add(trained(folder), Finished(3.5))
    first = summarise(folder, lab)
    folder.finish(result_of(first), {})
    edited = replace(lab, text="Other.", claims={}, exhibits=[], scope="other", wrong={})
    assert summarise(folder, edited) == replace(first, state="finished")


def test_the_result_names_no_folder_and_holds_the_documented_summary(finished):
    result = json.loads((finished.folder / "result.json").read_text("utf-8"), parse_constant=refuse)
    report = finished.report()
    assert result["run"] == "."
    assert {k: v for k, v in result.items() if k in report.to_json() and k != "run"} == {
        k: v for k, v in report.to_json().items() if k != "run"
    }
    assert result["device"] == "cpu"
    assert str(finished.folder) not in (finished.folder / "result.json").read_text("utf-8")


def test_a_field_of_a_later_version_is_passed_over(folder, lab):
    add(trained(folder), Finished(3.5))
    first = summarise(folder, lab)
    result = result_of(first)
    result["report"]["claims"][0]["mood"] = "good"
    result["report"]["exhibits"][0]["mood"] = "good"
    folder.finish(result, {})
    assert summarise(folder, None) == replace(first, state="finished")


# Curves as arrays


def row(index: int, **curves) -> MemberRow:
    return MemberRow(index, "wide", 1000 + index, {}, curves)


def test_curves_become_arrays_with_nan_where_one_has_ended():
    arrays = history_arrays(
        [
            row(0, epoch=[0.0, 1.0, 2.0], loss=[3.0, 2.0, 1.0]),
            row(1, epoch=[0.0, 1.0], loss=[3.0, None]),
            row(2),
        ]
    )
    nan = np.nan
    np.testing.assert_array_equal(arrays["epoch"], [[0, 1, 2], [0, 1, nan], [nan] * 3])
    np.testing.assert_array_equal(arrays["loss"], [[3, 2, 1], [3, nan, nan], [nan] * 3])
    assert arrays["loss"].dtype == np.float64


def test_a_metric_that_only_some_networks_have():
    arrays = history_arrays([row(0, loss=[1.0]), row(1, reward=[2.0])])
    np.testing.assert_array_equal(arrays["loss"], [[1.0], [np.nan]])
    np.testing.assert_array_equal(arrays["reward"], [[np.nan], [2.0]])


def test_no_networks_no_arrays():
    assert history_arrays([]) == {}


def test_the_history_of_a_finished_run_is_that_of_its_journal(finished):
    report = finished.report()
    history = np.load(finished.folder / "history.npz")
    assert set(history.files) == {"epoch", "step", *report.metrics}
    for name in history.files:
        assert history[name].shape == (15, 7)
    for member in report.members:
        curve = np.array(member.curves["test_accuracy"], dtype=float)
        np.testing.assert_array_equal(history["test_accuracy"][member.index][: len(curve)], curve)


def test_what_lies_beside_is_told(finished):
    about = finished.report().about
    assert about["device"] == "cpu"
    assert about["data"]["name"] == "ring"
    assert about["command"].startswith("pilotlight run ")
    assert about["scope"] == "a toy"
    assert len(about["splits"]) == 5
    assert [s["train"] + s["validation"] + s["test"] for s in about["splits"]] == [160] * 5


def test_cohorts_that_are_done_do_not_end_a_run(folder, lab):
    add(trained(folder), CohortDone(0, 1.0, {}), CohortDone(1, 1.0, {}))
    assert not summarise(folder, lab).evidence

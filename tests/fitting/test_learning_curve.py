"""A learning curve: parts of the training rows, the same held-out rows, words with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from small_fits import arrays, fit, question_of, study_of

from pilotlight.fitting.choose import Choice
from pilotlight.fitting.layout import refit, search
from pilotlight.fitting.parts import part_of
from pilotlight.present.fit_words import curve_words

ROWS = np.arange(10, 110)


def test_smaller_parts_lie_in_larger_ones_and_hold_classes_in_equal_shares():
    data = arrays(120)
    data["y"] = np.where(np.arange(120) % 5 == 0, "few", "many")
    question = question_of(data)
    quarter, half = (part_of(question, ROWS, s, "a") for s in (0.25, 0.5))
    assert (len(quarter), len(half)) == (25, 50)
    assert set(quarter) < set(half) < set(ROWS)
    for part in (quarter, half):
        few = np.mean([question.classes[int(c)] == "few" for c in question.y[part]])
        assert few == pytest.approx(0.2, abs=0.04)
    other = part_of(question, ROWS, 0.5, "b")
    assert set(other) != set(half)
    np.testing.assert_array_equal(half, part_of(question, ROWS, 0.5, "a"))


def test_groups_stay_whole():
    animal = np.repeat(np.arange(12), 10)
    question = question_of(arrays(120, animal=animal), group="animal")
    part = part_of(question, ROWS, 0.5, "a")
    held = set(animal[part])
    assert len(held) == 5
    np.testing.assert_array_equal(part, ROWS[np.isin(animal[ROWS], list(held))])


def test_in_time_a_part_is_a_stretch():
    question = question_of(arrays(120), in_time=True)
    part = part_of(question, ROWS, 0.25, "a")
    steps = np.diff(part)
    assert len(part) == 25
    assert np.count_nonzero(steps != 1) <= 1  # at most one seam, where it goes round


def test_few_rows_or_groups_have_no_curve():
    assert study_of(question_of(arrays(120)), seeds=1).shares == (0.25, 0.5)
    assert study_of(question_of(arrays(75)), seeds=1).shares == (0.5,)
    assert study_of(question_of(arrays(45)), seeds=1).shares == ()
    few = question_of(arrays(160, animal=np.repeat(np.arange(4), 40)), group="animal")
    assert study_of(few, folds=4, seeds=1).shares == ()


def test_parts_train_as_long_and_never_on_all_rows_place():
    study = study_of(question_of(arrays()), seeds=2)
    choices = [Choice(p.index, "mlp", 0, 4, 1.0) for p in study.places]
    layout = refit(study, choices, search(study))
    by_share = {}
    for member in layout.members:
        rows, _ = layout.rows(member)
        by_share.setdefault(int(member.settings.share), []).append(len(rows))
        outer = int(member.settings.place)
        if outer < 3:
            assert not set(rows) & set(study.folds.outer[outer].test)
    assert {s: len(r) for s, r in by_share.items()} == {0: 4 * 2, 1: 3 * 2, 2: 3 * 2}
    assert set(by_share[1]) == {20}
    assert set(by_share[2]) == {40}
    assert len({m.settings.epoch_steps for m in layout.members}) == 1


def test_a_task_that_needs_many_rows_rises_and_an_easy_one_does_not(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(240, 40))
    hard = {"X": x, "y": x @ rng.normal(size=40) + rng.normal(size=240)}
    easy = {"X": x[:, :2], "y": x[:, 0] + 0.01 * x[:, 1]}
    curves = [fit(tmp_path / n, d).result for n, d in (("hard", hard), ("easy", easy))]
    points = curves[0]["learning_curve"]["points"]
    assert [p["share"] for p in points] == [0.25, 0.5, 1.0]
    assert [p["rows"] for p in points] == [40, 80, 160]
    assert points[0]["score"] < points[1]["score"] < points[2]["score"] == curves[0]["score"]
    assert "more rows of this kind would likely help" in curve_words(curves[0])
    assert "levelled off" in curve_words(curves[1]) or "cannot tell" in curve_words(curves[1])
    assert curves[1]["learning_curve"]["gain"] < 0.1


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ([0.01, 0.05], "more rows of this kind would likely help"),
        ([-0.02, 0.004], "more rows of this kind would hardly help"),
        ([-0.02, 0.05], "these data cannot tell"),
        (None, "these data cannot tell"),
    ],
)
def test_the_words_follow_the_interval(interval, said):
    curve = {"points": [], "gain": 0.01, "gain_interval": interval}
    assert said in curve_words({"learning_curve": curve})
    assert curve_words({"learning_curve": None}) == ""

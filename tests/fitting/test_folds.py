"""Folds by rule and by file; see test_no_leak.py for what they keep apart."""

from __future__ import annotations

import json

import numpy as np
import pytest
from small_fits import arrays, question_of

from pilotlight.core.errors import UsageError
from pilotlight.fitting.folds import make_folds, memory


def test_classes_are_spread_evenly():
    y = np.array(["a"] * 60 + ["b"] * 30 + ["c"] * 10)
    question = question_of({**arrays(100), "y": np.random.default_rng(0).permutation(y)})
    for fold in make_folds(question, 5, 2).outer:
        assert np.bincount(question.y[fold.test].astype(int)).tolist() == [12, 6, 2]


def test_groups_are_spread_so_that_folds_are_even():
    animal = np.repeat(np.arange(20), 10)
    label = np.where(animal % 2, "odd", "even")
    question = question_of({**arrays(200), "y": label, "animal": animal}, group="animal")
    for fold in make_folds(question, 5, 2).outer:
        assert np.bincount(question.y[fold.test].astype(int)).tolist() == [20, 20]


def test_there_are_never_more_folds_than_groups():
    question = question_of({**arrays(90), "animal": np.repeat([0, 1, 2], 30)}, group="animal")
    folds = make_folds(question, 5, 3)
    assert len(folds.outer) == 3
    assert [len(inner) for inner in folds.inner] == [2, 2, 2]
    assert folds.unit == "animal"


@pytest.mark.parametrize(
    ("rows", "asked", "said"),
    [
        (7, {}, "7 rows are too few for 5 folds"),
        (30, {"group": "animal"}, "too few groups. Three are needed"),
        (12, {"in_time": True}, "12 rows are too few for 5 blocks of time"),
        (200, {"in_time": True, "group": "mixed"}, "lie among one another in time"),
    ],
)
def test_what_cannot_be_cut(rows, asked, said):
    data = {**arrays(rows), "animal": np.arange(rows) % 2, "mixed": np.arange(rows) % 3}
    with pytest.raises(UsageError, match=said):
        make_folds(question_of(data, **asked))


def test_memory_is_the_lag_at_which_a_target_has_forgotten_itself():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=5000)
    assert memory(question_of({**arrays(5000), "y": noise}, in_time=True)) == 1
    slow = np.convolve(noise, np.ones(30), "same")  # correlation 1 - lag / 30
    assert memory(question_of({**arrays(5000), "y": slow}, in_time=True)) == pytest.approx(
        27, abs=4
    )


def test_a_file_of_test_rows_counts_from_0_and_as_the_file_of_data_does(tmp_path):
    path = tmp_path / "folds.json"
    data = arrays(40)
    data["y"][5] = np.nan  # left out, so later rows move up
    path.write_text(json.dumps([list(range(20)), list(range(20, 40))]))
    question = question_of(data)
    folds = make_folds(question, given=path)
    assert question.rows[folds.outer[1].test].tolist() == list(range(21, 41))
    assert "given by folds.json" in folds.rule


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2", "is not JSON"),
        ("[[1, 2]]", "no list of two folds"),
        ("[[1, 2], [2, 3]]", "row 2 .* test twice"),
        ("[[1, 2], [99]]", "rows are whole numbers from 0 to 19"),
        ("[[1, 2], []]", "fold 1 has no row"),
    ],
)
def test_files_of_folds_that_do_not_fit(text, said, tmp_path):
    path = tmp_path / "folds.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        make_folds(question_of(arrays(20)), given=path)


def test_given_folds_that_tear_groups_are_said(tmp_path):
    path = tmp_path / "folds.json"
    path.write_text(json.dumps([list(range(0, 40, 2)), list(range(1, 40, 2))]))
    question = question_of({**arrays(40), "animal": np.repeat(np.arange(8), 5)}, group="animal")
    codes = {n.code for n in make_folds(question, inner=2, given=path).notices}
    assert codes == {"folds-split-groups"}


def test_a_class_that_a_fold_cannot_learn_is_said():
    label = np.repeat(["a", "b", "c"], 30)
    data = {**arrays(90), "y": label, "site": np.repeat(np.arange(9), 10) // 3}
    found = make_folds(question_of(data, group="site"), 3, 2)
    assert {n.code for n in found.notices} == {"class-not-in-fold"}

"""A question is put to data, or it is said why it cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from small_fits import arrays, question_of

from pilotlight.core.errors import UsageError
from pilotlight.data.files import from_arrays, read
from pilotlight.fitting.ask import ask
from pilotlight.fitting.question import Asked


def codes(question):
    return {n.code for n in question.notices}


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        (["b", "a", "b", "a"] * 5, "classification", ("a", "b")),
        ([0, 1, 2, 5] * 5, "classification", ("0", "1", "2", "5")),
        ([0.5, 1, 2, 5] * 5, "regression", ()),
        (list(range(20)), "regression", ()),
    ],
)
def test_the_task_is_guessed_from_the_target(y, task, classes):
    question = question_of({**arrays(20), "y": y})
    assert (question.task, question.classes) == (task, classes)
    assert ("task-guessed" in codes(question)) == (classes == ("0", "1", "2", "5"))


def test_a_task_can_be_given():
    data = {**arrays(20), "y": np.arange(20) % 4}
    assert question_of(data, task="counts").task == "counts"
    assert question_of(data, task="regression").classes == ()
    with pytest.raises(UsageError, match="must hold whole numbers from 0"):
        question_of({**data, "y": data["y"] - 1.5}, task="counts")
    with pytest.raises(UsageError, match="holds texts, not numbers"):
        question_of({**data, "y": ["a", "b"] * 10}, task="regression")
    with pytest.raises(UsageError, match=r"unknown task 'count'\. Did you mean 'counts'"):
        question_of(data, task="count")


def test_rows_without_a_target_or_a_group_are_left_out_and_said():
    data = {**arrays(20), "animal": np.repeat(["a", "b", "", "d"], 5)}
    data["y"][[2, 7]] = np.nan
    question = question_of(data, group="animal")
    assert len(question.y) == 20 - 2 - 5
    assert question.rows[:4].tolist() == [1, 2, 4, 5]
    said = {n.code: n.text for n in question.notices}
    assert "2 of 20 rows have no 'y' and are left out: rows 3, 8." in said["missing-target"]
    assert "rows 11, 12, 13, 14, 15" in said["missing-group"]
    assert question.group_names == ("a", "b", "d")


def test_columns_that_tell_nothing_are_left_out_and_said():
    data = {
        **arrays(20),
        "same": np.ones(20),
        "id": np.arange(20),
        "name": list("abcdefghijklmnopqrst"),
    }
    question = question_of(data)
    assert [f.name for f in question.features] == ["X0", "X1", "X2"]
    texts = [n.text for n in question.notices]
    assert [t for t in texts if "'same'" in t and "left out" in t]
    assert [t for t in texts if "'id'" in t and "left out" in t]
    assert [t for t in texts if "'name'" in t and "left out" in t]


def test_the_group_and_what_is_left_out_are_no_features():
    question = ask(read("penguins"), Asked("species", "island", leave_out=("sex",)))
    names = [f.name for f in question.features]
    assert names == ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]


def test_trials_are_laid_out_flat_and_what_stands_beside_is_said():
    trials = np.random.default_rng(0).normal(size=(12, 5, 2))
    found = from_arrays("t", {"X": trials, "y": np.arange(12.0) ** 1.5, "depth": np.arange(12.0)})
    question = ask(found, Asked("y"))
    assert question.shape == (5, 2)
    np.testing.assert_array_equal(question.x.reshape(12, 5, 2), trials)
    assert "not-used" in codes(question)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"target": "z"}, "--target: unknown column 'z'"),
        ({"group": "anmal"}, "--group: unknown column 'anmal'. Did you mean 'animal'"),
        ({"leave_out": ("X9",)}, "--leave-out: unknown column 'X9'"),
        ({"group": "y"}, "cannot be both the target and the group"),
    ],
)
def test_names_that_do_not_exist(asked, said):
    with pytest.raises(UsageError, match=said):
        question_of({**arrays(20), "animal": ["a", "b"] * 10}, **asked)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.ones(20), "the same in all rows"),
        (np.full(20, np.nan), "missing in all rows"),
        ([f"mouse {i}" for i in range(20)], "20 classes in 20 rows"),
    ],
)
def test_targets_that_cannot_be_predicted(y, said):
    with pytest.raises(UsageError, match=said):
        question_of({**arrays(20), "y": y})


def test_no_feature_left():
    with pytest.raises(UsageError, match="No column is left"):
        question_of({"y": np.arange(20.0) ** 2, "id": np.arange(20)})

"""What is seen before training; each notice by its code, and not where it does not belong."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from small_fits import arrays, question_of

from pilotlight.fitting.drift import shift_test, shifted_score
from pilotlight.fitting.folds import make_folds
from pilotlight.fitting.profile import look

RNG = np.random.default_rng(3)
ROWS = 200


def codes(data, **asked):
    question = question_of({**arrays(ROWS), **data}, **asked)
    return {n.code: n.text for n in look(question, make_folds(question, 4, 2))}


def test_good_data_are_left_in_peace():
    assert codes({}) == {}


def test_a_column_that_gives_the_answer_away():
    y = RNG.normal(size=ROWS)
    assert "'made' alone" in codes({"y": y, "made": 2 * y + 1})["answer-column"]
    label = np.array(["a", "b"])[(y > 0).astype(int)]
    code = np.where(label == "a", "ctrl", "drug")
    found = codes({"y": label, "code": code})["answer-column"]
    assert "--leave-out code" in found


@pytest.mark.parametrize(
    "column",
    [
        {"subject": RNG.integers(0, 20, ROWS)},
        {"mouse_id": np.array([f"m{i}" for i in RNG.integers(0, 20, ROWS)])},
        {"where": np.repeat([f"cage {i}" for i in range(20)], 10)},
        {"number": np.repeat(RNG.permutation(20), 10)},
    ],
)
def test_columns_that_look_like_groups(column):
    name = next(iter(column))
    assert f"--group {name}" in codes(column)["looks-like-group"]
    assert "looks-like-group" not in codes(column, group=name)


def test_sessions_within_declared_animals_need_not_be_declared():
    inside = {"animal": np.repeat(np.arange(10), 20), "session": np.repeat(np.arange(40), 5)}
    assert "looks-like-group" not in codes(inside, group="animal")
    across = inside | {"session": np.tile(np.arange(40), 5)}
    assert "--group session" in codes(across, group="animal")["looks-like-group"]


@pytest.mark.parametrize(
    "column",
    [
        {"day": RNG.integers(0, 30, ROWS)},
        {"when": np.cumsum(RNG.exponential(size=ROWS))},
        {
            "seen": np.array(
                [datetime.date(2030, 1, 1 + i % 28) for i in range(ROWS)], "datetime64[D]"
            )
        },
    ],
)
def test_columns_that_look_like_time(column):
    assert "--in-time" in codes(column)["looks-like-time"]


def test_rows_that_are_not_in_the_order_of_their_time():
    shuffled = {"time": RNG.permutation(ROWS) * 0.5}
    assert "sort them first" in codes(shuffled, in_time=True)["not-in-order"]
    assert "not-in-order" not in codes({"time": np.arange(ROWS) * 0.5}, in_time=True)


@pytest.mark.parametrize("kind", ["numbers", "classes"])
def test_slow_drift_is_seen_though_the_signals_know_nothing_of_one_another(kind):
    rng = np.random.default_rng(0)
    slow = np.cumsum(rng.normal(size=(ROWS, 6)), axis=0)
    y = slow[:, 5] if kind == "numbers" else np.where(slow[:, 5] > np.median(slow[:, 5]), "a", "b")
    data = {"X": slow[:, :5], "y": y}
    assert "shifted in time" in codes(data)["slow-drift"]
    assert shifted_score(question_of(data)) > 0.3
    in_time = codes(data, in_time=True)
    assert "slow-drift" not in in_time
    assert "as well" in in_time["no-better-than-shifted"]


def test_a_file_sorted_by_its_target_is_no_drift_but_said():
    assert set(codes({"y": np.repeat(["a", "b"], ROWS // 2)})) == {"sorted-by-target"}


def test_sizes_classes_copies_and_gaps():
    rare = np.array(["a"] * 180 + ["b"] * 16 + ["c"] * 4)[RNG.permutation(ROWS)]
    found = codes({"y": rare})
    assert "90 % of the rows are 'a'" in found["imbalanced"]
    assert "c (4)" in found["rare-class"]
    assert (
        "3 values of 'animal' are few"
        in codes({"animal": RNG.permutation(np.repeat([0, 1, 2], [60, 60, 80]))}, group="animal")[
            "few-groups"
        ]
    )
    assert "few-rows" in {n.code for n in _notices(arrays(40))}
    copied = {n: np.concatenate([a, a[:5]]) for n, a in arrays(100).items()}
    assert "5 rows repeat another" in {n.code: n.text for n in _notices(copied)}["duplicates"]
    gaps = arrays(150)
    gaps["X"][:15, 1] = np.nan
    assert "X1 10 %" in {n.code: n.text for n in _notices(gaps)}["missing-values"]


def _notices(data):
    question = question_of(data)
    return look(question, make_folds(question, 4, 2))


def test_the_shift_test_tells_truth_from_drift():
    """True signals among slow ones are found; of independent ones few are taken for true."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(100):
        slow = np.cumsum(rng.normal(size=(ROWS, 4)), axis=0)
        question = question_of({"X": slow[:, :3], "y": slow[:, 3]}, in_time=True)
        found.append(shift_test(question, make_folds(question, 4, 2).outer)[1])
    assert np.mean(np.array(found) < 0.05) <= 0.12
    true = {"X": slow[:, :3], "y": slow[:, 0] + rng.normal(size=ROWS)}
    question = question_of(true, in_time=True)
    assert shift_test(question, make_folds(question, 4, 2).outer)[1] <= 0.02

"""Own data by their ending: tables, arrays, MATLAB files."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from scipy.io import savemat

from pilotlight.core.errors import UsageError
from pilotlight.data.files import from_arrays, read


def test_tables_that_come_along():
    penguins, mpg = read("penguins"), read("mpg")
    assert (penguins.rows, len(penguins.columns)) == (344, 7)
    assert (mpg.rows, len(mpg.columns)) == (398, 9)
    assert penguins.column("species").categories == ("Adelie", "Chinstrap", "Gentoo")
    assert int(np.isnan(mpg.column("horsepower").values).sum()) == 6  # as UCI says


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pengins", "Did you mean 'penguins'"),
        ("data.xlsx", "There is no file"),
        (".", "is a folder"),
    ],
)
def test_what_is_not_there(name, said):
    with pytest.raises(UsageError, match=said):
        read(name)


def test_an_ending_that_is_not_known(tmp_path):
    path = tmp_path / "data.xlsx"
    path.write_text("a,b")
    with pytest.raises(UsageError, match=r"unknown ending '\.xlsx'"):
        read(path)


def test_types_can_be_given_and_must_exist(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("year,y\n70,1\n71,2\n")
    assert read(path, {"year": "category"}).column("year").kind == "category"
    with pytest.raises(UsageError, match=r"unknown column 'yaer'\. Did you mean 'year'"):
        read(path, {"yaer": "category"})
    with pytest.raises(UsageError, match=r"unknown type 'categroy'\. Did you mean 'category'"):
        read(path, {"year": "categroy"})


def test_named_arrays(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, X=np.arange(12).reshape(4, 3), y=["a", "b", "a", "b"], other=np.zeros(9))
    found = read(path)
    assert [c.name for c in found.columns] == ["y", "X0", "X1", "X2"]
    np.testing.assert_array_equal(found.column("X1").values, [1, 4, 7, 10])
    assert "other (9,)" in found.notes[0]


def test_trials_with_lengths_are_padded():
    lengths = np.array([3, 5])
    found = from_arrays("t", {"X": np.ones((2, 5, 4)), "y": [0, 1], "lengths": lengths})
    assert found.trials.shape == (2, 5, 4)
    np.testing.assert_array_equal(np.isnan(found.trials).all(2).sum(1), [2, 0])
    assert [c.name for c in found.columns] == ["y"]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"X": np.zeros((2, 2, 2, 2))}, "trials x time x channels"),
        ({"X": np.array([["a", "b"]])}, "It is numbers"),
        ({"a": np.zeros((2, 2))}, "has no array 'X'"),
        ({"X": np.zeros((2, 5, 1)), "lengths": np.array([0, 5])}, "trial 1 has length 0"),
        ({"X": np.full((2, 5, 1), np.inf)}, "trial 1, step 1, channel 1 is infinite"),
    ],
)
def test_arrays_that_do_not_fit(arrays, said):
    with pytest.raises(UsageError, match=said):
        from_arrays("data", arrays)


def test_an_npz_that_would_run_code_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, X=np.zeros((2, 2)), y=np.array([{}, []], dtype=object))
    with pytest.raises(UsageError, match="without running code"):
        read(path)


def test_matlab(tmp_path):
    path = tmp_path / "data.mat"
    names = np.array(["left", "right", "left"], dtype=object)
    savemat(path, {"X": np.arange(6.0).reshape(3, 2), "choice": names, "n": np.array([1, 2, 3])})
    found = read(path)
    assert found.column("choice").categories == ("left", "right")
    np.testing.assert_array_equal(found.column("X1").values, [1, 3, 5])


def test_a_new_matlab_file_is_told_how_to_convert(tmp_path):
    path = tmp_path / "data.mat"
    # the header of version 7.3, as MATLAB writes it: 0x0200 and the mark of byte order
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(512))
    with pytest.raises(UsageError, match=r"MATLAB 7\.3 .*-v7"):
        read(path)


def test_parquet(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    day = datetime.date(2030, 1, 2)
    held = {
        "whole": arrow.array([1, None, 3]),
        "part": arrow.array([1.5, None, float("nan")]),
        "text": arrow.array(["a", None, "b"]),
        "coded": arrow.array(["x", "y", "x"]).dictionary_encode(),
        "yes": arrow.array([True, None, False]),
        "day": arrow.array([day, None, day]),
        "long": arrow.array([datetime.timedelta(minutes=1)] * 3),
    }
    path = tmp_path / "data.parquet"
    parquet.write_table(arrow.table(held), path)
    found = read(path)
    kinds = {c.name: c.kind for c in found.columns}
    assert kinds == {
        "whole": "number",
        "part": "number",
        "text": "category",
        "coded": "category",
        "yes": "category",
        "day": "date",
        "long": "number",
    }
    first = ["1", "1.5", "a", "x", "True", "2030-01-02 00:00:00", "60"]
    assert [c.text(0) for c in found.columns] == first
    assert [c.text(1) for c in found.columns][:3] == ["", "", ""]
    assert read(path, {"whole": "category"}).column("whole").kind == "category"


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"a": [[1, 2], [3]]}, "'a' holds several values in row 1"),
        ({"a": []}, "has columns, but no row"),
        (None, "cannot be read as Parquet"),
    ],
)
def test_parquet_that_is_no_table_of_columns(held, said, tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "data.parquet"
    path.write_bytes(b"nothing of the kind")
    if held is not None:
        parquet.write_table(arrow.table(held), path)
    with pytest.raises(UsageError, match=said):
        read(path)


@pytest.mark.parametrize("name", ["data.npz", "data.mat"])
@pytest.mark.parametrize("content", [b"", b"nothing of the kind"])
def test_files_that_are_not_what_their_ending_says(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=r"is no \.npz file|cannot be read as a MATLAB file"):
        read(tmp_path / name)

"""Text tables of all sorts, and what is said of those that cannot be read."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from pilotlight.core.errors import UsageError
from pilotlight.data.delimited import find_delimiter, read_delimited


@pytest.fixture
def table(tmp_path):
    def write(data: str | bytes):
        path = tmp_path / "data.csv"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


def names(columns):
    return [c.name for c in columns]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter, table):
    rows = [["name", "a b", "c"], ['says "hi", twice', "1", "2"], ["x\ny", "3", "4"]]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    assert find_delimiter(text.getvalue()) == delimiter
    columns, notes = read_delimited(table(text.getvalue()))
    assert names(columns) == rows[0]
    assert columns[0].text(0) == 'says "hi", twice'
    assert columns[0].text(1) == "x\ny"
    np.testing.assert_array_equal(columns[2].values, [2, 4])
    assert notes == ()


def test_one_column_is_a_table_too(table):
    columns, _ = read_delimited(table("weight\n1\n2\n"))
    assert names(columns) == ["weight"]


def test_a_decimal_comma_is_said(table):
    columns, notes = read_delimited(table("a;b\n1,5;x\n2,5;y\n"))
    np.testing.assert_array_equal(columns[0].values, [1.5, 2.5])
    assert "1,5 is read as 1.5" in notes[0]


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", ""), ("utf-8-sig", ""), ("cp1252", "line 2"), ("utf-16", "UTF-16")],
)
def test_encodings(encoding, said, table):
    columns, notes = read_delimited(table("name,n\nMüller,1\nŠ,2\n".encode(encoding)))
    assert columns[0].categories == ("Müller", "Š")
    assert said in " ".join(notes)


def test_blank_lines_are_no_rows(table):
    columns, _ = read_delimited(table("a,b\n\n1,2\n,\n3,4\n\n"))
    np.testing.assert_array_equal(columns[0].values, [1, 3])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("a,b\n", "no row below"),
        ("a,b\n1,2\n1,2,3\n4\n", r"row 2 has 3 fields, the first line 2"),
        ("a,b,a\n1,2,3\n", "the name 'a' stands 2 times"),
        ("a,,c\n1,2,3\n", "column 2 has no name"),
        ("1,2\n3,4\n", "holds only numbers"),
        (b"\x89PNG\r\n\0\0\0", "is no text"),
        ("a,b\n" + "1,2\n" * 20 + "x,y\n", r"data.csv, column 'a': row 21: 'x'"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(text, said, table):
    with pytest.raises(UsageError, match=said):
        read_delimited(table(text))


def test_all_problems_come_together(table):
    with pytest.raises(UsageError, match="row 21") as caught:
        read_delimited(table("a,b\n" + "1,2\n" * 20 + "x,y\n"))
    assert len(caught.value.problems) == 2

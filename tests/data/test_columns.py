"""Texts become numbers, categories and dates, or are refused by row and column."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from pilotlight.core.errors import UsageError
from pilotlight.data.columns import column_of, read_column


def test_numbers_with_the_usual_marks_of_what_is_missing():
    column = read_column("weight", ["1.5", " 2e3 ", "", "NA", "nan", "?", "none", "-7"])
    assert column.kind == "number"
    np.testing.assert_array_equal(
        column.values, [1.5, 2000, np.nan, np.nan, np.nan, np.nan, np.nan, -7]
    )


def test_none_is_a_category_where_others_are_texts():
    column = read_column("drug", ["none", "aspirin", "", "none"])
    assert (column.kind, column.categories) == ("category", ("aspirin", "none"))
    np.testing.assert_array_equal(column.values, [1, 0, np.nan, 1])
    assert [column.text(i) for i in range(4)] == ["none", "aspirin", "", "none"]


def test_dates_are_days():
    column = read_column("day", ["1970-01-03", "2030-01-31 12:00", "NA"])
    assert column.kind == "date"
    days = (datetime.date(2030, 1, 31) - datetime.date(1970, 1, 1)).days
    np.testing.assert_allclose(column.values, [2, days + 0.5, np.nan])
    assert column.text(1) == "2030-01-31 12:00:00"


def test_a_text_among_numbers_is_refused_by_row_and_column():
    texts = ["1"] * 40 + ["about 7", "2", "12,5"]
    with pytest.raises(UsageError, match=r"column 'weight': row 41: 'about 7', row 43: '12,5'"):
        read_column("weight", texts)
    assert read_column("weight", texts, "category").kind == "category"


def test_a_decimal_comma_where_it_is_allowed():
    np.testing.assert_array_equal(
        read_column("w", ["1,5", "1.234,5"], comma=True).values, [1.5, 1234.5]
    )


@pytest.mark.parametrize("text", ["1_000", "inf", "0x10"])
def test_what_only_python_takes_for_a_number_is_a_text(text):
    assert read_column("a", [text, text]).kind == "category"


def test_a_kind_can_be_given():
    assert read_column("year", ["70", "71"], "category").categories == ("70", "71")
    with pytest.raises(UsageError, match="is not a date such as"):
        read_column("year", ["70", "71"], "date")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([1, 2, 3]), "number"),
        (np.array([1.5, np.nan]), "number"),
        (np.array([True, False]), "category"),
        (np.array(["a", "b"]), "category"),
        (["1", "2"], "number"),
        (["a", None], "category"),
        (np.array(["2030-01-31"], dtype="datetime64[D]"), "date"),
    ],
)
def test_arrays_and_lists(values, kind):
    assert column_of("x", values).kind == kind


def test_an_array_of_two_dimensions_is_no_column():
    with pytest.raises(UsageError, match=r"'x' has shape \(2, 2\)"):
        column_of("x", np.zeros((2, 2)))

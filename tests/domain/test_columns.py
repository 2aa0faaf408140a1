"""What stands in a column of a file nobody has described."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from plimsoll.domain.lenders_file.columns import (
    ColumnKind,
    TextColumn,
    days,
    decimal_mark,
    in_order,
    in_values,
    numbers,
    read_column,
)


def a_column(cells: Sequence[str], heading: str = "x") -> TextColumn:
    words = sorted(set(cells))
    places = {word: place for place, word in enumerate(words)}
    return TextColumn(heading, words, np.array([places[cell] for cell in cells], dtype=np.int32))


def many(*cells: str, times: int = 50) -> list[str]:
    return list(cells) * times


@pytest.mark.parametrize(
    ("words", "decimal", "read"),
    [
        (["12.5", "1,049.00", "-3"], ".", [12.5, 1049.0, -3.0]),
        (["12,5", "1.049,00", "-3"], ",", [12.5, 1049.0, -3.0]),
        (["36 months", "14.65%", "$1,200", "(250)", "1e3"], ".", [36.0, 14.65, 1200.0, -250.0, 1000.0]),
    ],
)
def test_numbers_are_read_over_units_currency_and_thousands(words, decimal, read):
    assert numbers(words, decimal).tolist() == read


@pytest.mark.parametrize("word", ["", "NA", "n/a", "unknown", "NULL", "?", "inf", "nan", "keine Angabe", "none"])
def test_nobody_knows_is_no_number(word):
    assert np.isnan(numbers([word])[0])


def test_a_code_is_no_number_where_the_pack_says_so():
    assert np.isnan(numbers(["5", "-1"], missing=("-1",))).tolist() == [False, True]


def test_a_column_of_numbers_says_its_range_and_how_much_is_missing():
    read = read_column(a_column([str(number) for number in range(100)] + ["NA"] * 100))
    assert (read.kind, read.smallest, read.median, read.largest, read.whole) == (ColumnKind.NUMBER, 0, 49.5, 99, True)
    assert read.missing_share == 0.5
    assert read.missing == ("NA",)


def test_9999_far_above_everything_else_is_suspected_to_mean_nobody_knows():
    read = read_column(a_column([str(number) for number in range(80)] + ["9999"] * 20))
    assert read.suspected == ("9999",)
    assert read.largest == 79


def test_minus_one_below_a_long_row_of_counts_is_suspected():
    read = read_column(a_column([str(number) for number in range(60)] + ["-1"] * 40))
    assert read.suspected == ("-1",)
    assert read.smallest == 0


def test_minus_one_among_a_few_codes_is_one_of_them():
    assert read_column(a_column(many("-2", "-1", "0", "1", "2"))).suspected == ()


def test_99_inside_the_range_of_the_others_is_a_number():
    assert read_column(a_column([str(number) for number in range(1, 150)] * 3)).suspected == ()


@pytest.mark.parametrize(
    ("word", "day"),
    [
        ("2011-12-05", date(2011, 12, 5)),
        ("05.12.2011", date(2011, 12, 5)),
        ("25/12/2011", date(2011, 12, 25)),
        ("12/25/2011", date(2011, 12, 25)),
        ("Dec-2011", date(2011, 12, 1)),
        ("2011-12", date(2011, 12, 1)),
        ("20111205", date(2011, 12, 5)),
        ("2011-12-05 13:45:00", date(2011, 12, 5)),
    ],
)
def test_days_are_read_in_the_forms_people_write_them(word, day):
    assert days([word])[0].astype(date) == day


def test_a_column_of_days_is_no_column_of_numbers():
    assert (
        read_column(a_column([f"2011{month:02d}{day:02d}" for month in range(1, 13) for day in (1, 9, 17)])).kind
        is ColumnKind.DAY
    )


def test_eight_digits_that_are_no_days_are_numbers():
    assert read_column(a_column([str(20991000 + number) for number in range(300)])).kind is ColumnKind.NUMBER


def test_a_category_keeps_its_frequent_values_and_calls_the_rest_other():
    cells = many("rent", "own", times=100) + [f"rare {number % 45}" for number in range(90)]
    read = read_column(a_column(cells))
    assert read.kind is ColumnKind.CATEGORY
    assert read.values[:2] == ("own", "rent") or read.values[:2] == ("rent", "own")
    assert read.values[-1] == "other"
    assert read.rare > 20


def test_a_value_that_is_called_other_already_takes_the_rare_ones():
    read = read_column(a_column([*many("rent", "own", "OTHER", times=100), "castle"]))
    assert [value for value in read.values if value.lower() == "other"] == ["OTHER"]
    rows = in_values(a_column(["rent", "castle", "", "unknown"]), read.values)
    assert rows.tolist() == ["rent", "OTHER", None, None]


def test_words_that_differ_in_nearly_every_row_are_no_category():
    assert read_column(a_column([f"person {number}" for number in range(200)])).kind is ColumnKind.NAME


@pytest.mark.parametrize(
    ("words", "ordered"),
    [
        (["10+ years", "< 1 year", "2 years", "1 year"], ("< 1 year", "1 year", "2 years", "10+ years")),
        (["B", "A", "C"], ("A", "B", "C")),
        (["high", "low", "medium"], ("low", "medium", "high")),
        (["A", "N", "W"], ()),
        (["rent", "own", "free"], ()),
    ],
)
def test_an_order_is_read_off_the_words_only_where_they_have_one(words, ordered):
    assert in_order(words) == ordered


def test_one_value_is_constant_and_none_is_empty():
    assert read_column(a_column(["Individual"] * 30)).kind is ColumnKind.CONSTANT
    assert read_column(a_column(["7"] * 30 + [""] * 3)).kind is ColumnKind.CONSTANT
    assert read_column(a_column(["", "NA"] * 30)).kind is ColumnKind.EMPTY


def test_the_decimal_mark_is_the_one_most_cells_have():
    assert decimal_mark([a_column(["1,5", "2,75", "1.000,50"])]) == ","
    assert decimal_mark([a_column(["1.5", "2.75", "1,000.50"])]) == "."
    assert decimal_mark([a_column(["1", "2"])]) == "."

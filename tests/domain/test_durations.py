"""Spans of time as they are said."""

from plimsoll.domain.durations import months_in_words


def test_months_are_said_as_years_once_nobody_would_count_them():
    assert [months_in_words(months) for months in (9.34, 23.9, 24, 806.6)] == [
        "9.3 months", "23.9 months", "2 years", "67 years",
    ]  # fmt: skip

from datetime import date

import numpy as np

from plimsoll.domain.models.examples import Examples, pooled


def some_examples() -> Examples:
    return Examples(
        columns={"income": np.array([1.0, 2.0, np.nan]), "housing": np.array(["own", None, "rent"], dtype=object)},
        bad=np.array([True, False, True]),
        label_known_on=np.array(["2009-06-01", "2010-06-01", "2011-06-01"], dtype="datetime64[D]"),
        groups={"age": np.array([20, 40, 60])},
    )


def test_taking_rows_takes_them_from_every_column():
    taken = some_examples().take(np.array([2, 0]))
    assert list(taken.columns["housing"]) == ["rent", "own"]
    assert list(taken.bad) == [True, True]
    assert list(taken.groups["age"]) == [60, 20]


def test_a_label_is_not_read_before_it_was_known():
    assert len(some_examples().known_by(date(2010, 6, 1))) == 2
    assert len(some_examples().known_by(date(2009, 5, 31))) == 0


def test_labels_without_a_date_are_known_always():
    examples = Examples(columns={}, bad=np.array([True, False]))
    assert len(examples.known_by(date(1900, 1, 1))) == 2
    assert examples.target_rate == 0.5


def of_a_file(**days) -> Examples:
    return Examples(
        columns={"income": np.array([1.0, 2.0]), "housing": np.array(["own", None], dtype=object)},
        bad=np.array([True, False]),
        groups={"age": np.array(["young", "old"], dtype=object)},
        references=np.array(["A-1", "A-2"], dtype=object),
        **{name: np.array(told, dtype="datetime64[D]") for name, told in days.items()},
    )


def decided_here(*references: str) -> Examples:
    rows = len(references)
    day = np.datetime64("2026-06-01")
    return Examples(
        columns={"housing": np.full(rows, "rent", dtype=object), "income": np.full(rows, 3.0)},
        bad=np.full(rows, False),
        applied_on=np.full(rows, day),
        label_known_on=np.full(rows, day + 90),
        references=np.array(references, dtype=object),
        decided_here=np.ones(rows, dtype=np.bool_),
    )


def test_outcomes_on_record_are_put_after_the_file():
    both = pooled(of_a_file(), decided_here("app_1"))
    assert list(both.columns["income"]) == [1.0, 2.0, 3.0]
    assert list(both.columns["housing"]) == ["own", None, "rent"]
    assert list(both.bad) == [True, False, False]
    assert list(both.references) == ["A-1", "A-2", "app_1"]
    assert both.count_decided_here == 1


def test_a_file_without_days_is_of_before_and_always_known():
    both = pooled(of_a_file(), decided_here("app_1"))
    assert list(both.of_before) == [True, True, False]
    assert len(both.known_by(date(2026, 6, 1))) == 2
    assert len(both.known_by(date(2026, 8, 30))) == 3


def test_a_file_with_days_keeps_them():
    both = pooled(of_a_file(applied_on=["2025-01-01"] * 2, label_known_on=["2025-06-01"] * 2), decided_here("app_1"))
    assert not both.of_before.any()
    assert len(both.known_by(date(2025, 5, 31))) == 0
    assert str(both.applied_on.max()) == "2026-06-01"


def test_an_application_that_is_in_the_file_too_counts_once_and_as_the_file_has_it():
    """Or a champion that learnt from the file would be asked about it as about something new."""
    both = pooled(of_a_file(), decided_here("A-2", "app_1"))
    assert list(both.references) == ["A-1", "A-2", "app_1"]
    assert list(both.columns["income"]) == [1.0, 2.0, 3.0]


def test_with_nothing_on_record_the_file_is_as_it_was():
    file = of_a_file()
    assert pooled(file, decided_here()) is file
    assert not file.of_before.any()


def test_of_somebody_decided_here_no_group_is_known():
    assert list(pooled(of_a_file(), decided_here("app_1")).groups["age"]) == ["young", "old", None]

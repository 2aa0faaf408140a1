from datetime import date

import numpy as np

from plimsoll.domain.examples import Examples


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

"""How an application ended, from one column of a lender's file."""

import pytest

from plimsoll.domain.lenders_file.labels import (
    TargetUnclear,
    endings,
    find_column,
    split_target,
    taken_as_good,
    target_of,
)
from tests.domain.test_columns import a_column

STATUS = ["Fully Paid"] * 60 + ["Charged Off"] * 30 + ["Current"] * 10 + [""] * 5


def test_zero_and_one_need_no_saying():
    assert target_of(a_column(["0"] * 60 + ["1"] * 40, "bad"), ()).bad_values == ("1",)
    assert target_of(a_column(["0.0"] * 60 + ["1.0"] * 40, "bad"), ()).bad_values == ("1.0",)


def test_words_need_saying_and_the_values_are_listed():
    with pytest.raises(TargetUnclear, match=r"'Fully Paid' \(60\), 'Charged Off' \(30\).*--target 'status'=VALUE"):
        target_of(a_column(STATUS, "status"), ())


def test_a_value_is_found_whatever_its_case_and_a_wrong_one_is_answered_with_the_nearest():
    column = a_column(STATUS, "status")
    assert target_of(column, ("charged off",)).bad_values == ("Charged Off",)
    with pytest.raises(TargetUnclear, match="did you mean 'Charged Off'"):
        target_of(column, ("chargedoff",))


def test_all_others_are_good_unless_the_good_are_named():
    column = a_column(STATUS, "status")
    everything = endings(column, target_of(column, ("Charged Off",))).tolist()
    assert (everything.count(1), everything.count(0), everything.count(-1)) == (30, 70, 5)
    finished = endings(column, target_of(column, ("Charged Off",), ("Fully Paid",))).tolist()
    assert (finished.count(1), finished.count(0), finished.count(-1)) == (30, 60, 15)


def test_words_that_nobody_called_good_are_counted_so_that_somebody_can_look_at_them():
    column = a_column(STATUS, "status")
    assert taken_as_good(column, target_of(column, ("Charged Off",))) == {"Fully Paid": 60, "Current": 10}
    assert taken_as_good(column, target_of(column, ("Charged Off",), ("Fully Paid",))) == {}


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["1"] * 90, "every one of 90 applications ended badly"),
        (["0"] * 90, "Every row of 'bad' is 0"),
        (["1"] * 7 + ["0"] * 90, "7 applications ended badly and 90 well; training needs at least 25 of each"),
        (["", "NA"] * 40, "is empty"),
    ],
)
def test_one_class_or_next_to_none_is_refused_in_a_sentence(cells, told):
    with pytest.raises(TargetUnclear) as refused:
        target_of(a_column(cells, "bad"), ())
    assert told in refused.value.message


def test_several_bad_values_are_parted_by_a_bar():
    assert split_target("loan_status=Charged Off|Default") == ("loan_status", ("Charged Off", "Default"))
    assert split_target("bad") == ("bad", ())


def test_a_wrong_column_is_answered_with_near_names():
    assert find_column("LOAN_STATUS", ["loan_status", "dti"]) == "loan_status"
    with pytest.raises(TargetUnclear, match="no column 'loan_statsu'; did you mean 'loan_status'"):
        find_column("loan_statsu", ["loan_status", "dti"])
    with pytest.raises(TargetUnclear, match="the columns are: loan_status, dti"):
        find_column("xyzzy", ["loan_status", "dti"])

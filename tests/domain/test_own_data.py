"""What becomes of each column of a file, and why."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from plimsoll.domain.lenders_file.own_data import (
    AMOUNT,
    INCOME,
    TERM,
    NothingToLearnFrom,
    OwnData,
    Part,
    Placed,
    Wishes,
    WishRefused,
    understand,
)
from plimsoll.domain.underwriting.product import FeatureKind
from tests.domain.test_columns import a_column

ROWS = 400
RANDOM = np.random.default_rng(3)
ENDED = RANDOM.random(ROWS) < 0.3


def understood(wishes: Wishes | None = None, **columns: Sequence[object]) -> OwnData:
    """A file with these columns beside a plain feature and the target; `_` in a name stands for a space nowhere."""
    cells: Mapping[str, Sequence[object]] = {
        "ratio": np.round(RANDOM.random(ROWS), 3).tolist(), **columns, "bad": ENDED.astype(int).tolist()
    }  # fmt: skip
    read = {name: a_column([str(cell) for cell in values], name) for name, values in cells.items()}
    return understand(read, "bad", ENDED, wishes=wishes)


def placed(found: OwnData, heading: str) -> Placed:
    return next(column for column in found.placed if column.heading == heading)


def draws(*values: object, rows: int = ROWS) -> list[object]:
    return RANDOM.choice(np.array(values, dtype=object), rows).tolist()


def test_sensitive_columns_are_groups_and_never_features():
    found = understood(sex=draws("m", "f"), Age=draws(*range(20, 70)), marital_status=draws("single", "married"))
    assert [column.part for column in found.placed[1:4]] == [Part.GROUP] * 3
    assert [feature.heading for feature in found.features] == ["ratio"]


def test_what_says_who_somebody_is_is_not_read_at_all():
    found = understood(
        telephone=draws("0170", "0171"), zip_code=draws("10115", "80331"), name=[f"n{row}" for row in range(ROWS)]
    )
    assert {column.part for column in found.placed[1:4]} == {Part.LEFT_OUT}
    assert all("not read at all" in column.why for column in found.placed[1:4])


def test_a_sensitive_column_cannot_be_kept_by_asking():
    with pytest.raises(WishRefused, match="'sex' looks like sex, which no model may weigh"):
        understood(Wishes(keep=("sex",)), sex=draws("m", "f"))


def test_what_the_person_says_of_a_column_wins():
    found = understood(
        Wishes(keep=("int_rate",), leave_out=("purpose",), sensitive=("village",)),
        int_rate=draws(0.1, 0.2, 0.3), purpose=draws("a", "b"), village=draws("x", "y"),
    )  # fmt: skip
    assert placed(found, "int_rate").part is Part.FEATURE
    assert placed(found, "purpose").part is Part.LEFT_OUT
    assert placed(found, "village").part is Part.GROUP


def test_a_leak_is_named_by_its_name_and_by_its_figures():
    paid = np.where(ENDED, RANDOM.uniform(0, 50, ROWS), RANDOM.uniform(60, 100, ROWS)).round(2).tolist()
    found = understood(recoveries=draws(0, 1, 2, 3), x17=paid)
    assert "by its name" in placed(found, "recoveries").why
    assert placed(found, "recoveries").suspicion == "leak"
    assert placed(found, "x17").suspicion == "leak"
    assert "AUC" in placed(found, "x17").why


@pytest.mark.parametrize(
    ("amount", "term", "income"),
    [("amt_credit", "duration in months", "income_year"), ("loan_amnt", "term", "annual_inc")],
)
def test_amount_term_and_income_take_their_place_in_the_application(amount, term, income):
    found = understood(
        **{
            amount: RANDOM.integers(500, 9000, ROWS).tolist(),
            term: draws("12 months", "36 months", "60 months"),
            income: RANDOM.integers(12000, 90000, ROWS).tolist(),
        }
    )
    assert {feature.heading: feature.path for feature in found.features if feature.in_frame} == {
        amount: AMOUNT, term: TERM, income: INCOME,
    }  # fmt: skip
    assert found.at(INCOME).divide_by == 12  # type: ignore[union-attr]


def test_a_band_that_is_called_income_is_a_field_of_its_own():
    found = understood(income=draws(1, 2, 3, 4))
    assert next(feature for feature in found.features if feature.heading == "income").path == "financial.income"


def test_your_own_number_a_day_a_constant_and_a_repetition_are_no_features():
    ratio = np.round(RANDOM.random(ROWS), 3).tolist()
    found = understood(
        loan_id=range(1000, 1000 + ROWS),
        issue_d=[f"2020-01-{1 + row % 28:02d}" for row in range(ROWS)],
        default_date=[f"2021-01-{1 + row % 28:02d}" for row in range(ROWS)],
        country=["DE"] * ROWS,
        notes=[f"call {row} went well" for row in range(ROWS)],
        share=ratio,
        share_again=ratio,
    )
    assert placed(found, "loan_id").part is Part.REFERENCE
    assert placed(found, "issue_d").part is Part.APPLIED_ON
    assert placed(found, "default_date").part is Part.LABEL_KNOWN_ON
    assert placed(found, "country").suspicion == "constant"
    assert placed(found, "notes").suspicion == "text"
    assert placed(found, "share_again").why == "the same as 'share' in every row"


def test_a_day_that_only_the_bads_have_is_a_leak_and_not_the_day_of_the_label():
    days = [f"2021-01-{1 + row % 28:02d}" if ENDED[row] else "" for row in range(ROWS)]
    assert placed(understood(default_date=days), "default_date").suspicion == "leak"


def test_months_of_one_thing_give_one_reason():
    found = understood(**{f"PAY_{month}": RANDOM.integers(0, 9, ROWS).tolist() for month in (2, 3, 4)})
    assert {feature.concept for feature in found.features} == {"ratio", "pay"}


def test_odd_headings_become_plain_names_that_differ():
    found = understood(
        **{"class": draws("x", "y"), "Größe": draws(1, 2, 3), "GROSSE": draws(4, 5, 6), "2nd": draws(7, 8)}
    )
    assert [feature.name for feature in found.features] == ["ratio", "class_given", "grosse", "grosse_2", "n_2nd"]


def test_codes_are_told_from_amounts_by_how_risk_jumps():
    codes = RANDOM.integers(0, 6, 4000)
    bad = RANDOM.random(4000) < np.array([0.1, 0.5, 0.1, 0.5, 0.1, 0.5])[codes]
    columns = {
        "branch": a_column([str(code) for code in codes], "branch"),
        "bad": a_column(bad.astype(int).astype(str), "bad"),
    }
    feature = understand(columns, "bad", bad).features[0]
    assert (feature.kind, feature.values) == (FeatureKind.CATEGORY, ("0", "1", "2", "3", "4", "5"))
    assert feature.reading.typical == str(np.bincount(codes).argmax())


def test_a_file_with_nothing_to_learn_from_says_why():
    with pytest.raises(NothingToLearnFrom, match="sex: sensitive"):
        understood(Wishes(leave_out=("ratio",)), sex=draws("m", "f"))

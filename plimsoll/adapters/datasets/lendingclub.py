"""LendingClub's loans of 2007-11 as labelled applications: what was known when, and what never may be an input.

42,535 loans, all ended, 15.1 % charged off. The product brings this loader and no copy of the
set: its folder is named by whoever has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.models.data_checks import KnownAt
from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.underwriting.product import Direction, FeatureKind, FeatureSpec

FILE = "lendingclub_2007_2011.csv.gz"
# A loan is written off this long after its last payment, and only then its end is known.
DAYS_TO_CHARGE_OFF = 150

UP, DOWN, FREE = Direction.UP, Direction.DOWN, Direction.FREE
NUMBERS = {
    "loan_amnt": (UP, "amount"),
    "term": (UP, "term"),
    "annual_inc": (DOWN, "income"),
    "dti": (UP, "obligations"),
    "delinq_2yrs": (UP, "late_payments"),
    "inq_last_6mths": (UP, "inquiries"),
    "mths_since_last_delinq": (FREE, "late_payments"),
    "mths_since_last_record": (FREE, "public_records"),
    "open_acc": (FREE, "accounts"),
    "pub_rec": (UP, "public_records"),
    "revol_bal": (FREE, "balances"),
    "revol_util": (UP, "balances"),
    "total_acc": (FREE, "accounts"),
    "pub_rec_bankruptcies": (UP, "public_records"),
    "years_of_credit": (DOWN, "history"),
    "emp_years": (FREE, "employment"),
}
CATEGORIES = {
    "home_ownership": "housing",
    "verification_status": "verification",
    "purpose": "purpose",
    "addr_state": "state",
}
# The platform's own judgement of the risk: inputs only to a model that is to sit behind it.
PRICE = {"int_rate": (UP, "price"), "installment": (UP, "price")}
PRICE_STEPS = {"sub_grade": (UP, "price")}

AFTER_THE_DECISION = (
    "funded_amnt_inv",
    "loan_status",
    "pymnt_plan",
    "out_prncp",
    "out_prncp_inv",
    "total_pymnt",
    "total_pymnt_inv",
    "total_rec_prncp",
    "total_rec_int",
    "total_rec_late_fee",
    "recoveries",
    "collection_recovery_fee",
    "last_pymnt_d",
    "last_pymnt_amnt",
    "last_credit_pull_d",
    "hardship_flag",
    "debt_settlement_flag",
    "debt_settlement_flag_date",
    "settlement_status",
    "settlement_date",
    "settlement_amount",
    "settlement_percentage",
    "settlement_term",
)
AT_THE_DECISION = ("funded_amnt", "issue_d", "issue_year", "int_rate", "installment", "grade", "sub_grade")

MONTHS = ("debt_settlement_flag_date", "settlement_date")  # written `Feb-2016`
_EMPLOYED = {"< 1 year": 0.0, "10+ years": 10.0}


@dataclass(frozen=True)
class LendingClub:
    """`folder` holds the file of 2007-11."""

    folder: Path

    def examples(self, *, within_months: int | None = None) -> Examples:
        """Every loan with all its columns, leaks and all, labelled by its final end.

        With `within_months` the label is "charged off within so many months on book", which is
        known for every loan that long after its issue and needs no waiting for the last instalment.
        """
        columns = self.columns()
        issued, ended = columns["issue_d"], _ended_on(columns)
        bad = np.array(["Charged Off" in status for status in columns["loan_status"]])
        known_on = ended
        if within_months is not None:
            known_on = _months_later(issued, within_months)
            bad = bad & (ended <= known_on)
        return Examples(
            columns=columns,
            bad=bad,
            applied_on=issued,
            label_known_on=known_on,
            references=np.array([f"LC-{number:.0f}" for number in columns["loan_no"]], dtype=object),
        )

    def columns(self) -> dict[str, Column]:
        from pyarrow import csv

        table = csv.read_csv(self.folder / FILE, convert_options=_as_words(MONTHS))
        columns = {name: _column(table[name]) for name in table.column_names}
        for name in MONTHS:
            columns[name] = np.array([_month(said) for said in columns[name]], dtype="datetime64[D]")
        columns["years_of_credit"] = _years(columns["earliest_cr_line"], columns["issue_d"])
        columns["emp_years"] = np.array([_employed(said) for said in columns["emp_length"]])
        return columns

    def features(self, columns: Mapping[str, Column], *, with_price: bool) -> tuple[FeatureSpec, ...]:
        """What a model may read, with the directions a lender would insist on."""
        numbers = NUMBERS | (PRICE if with_price else {})
        chosen = [_number(name, *terms) for name, terms in numbers.items()]
        chosen += [_words(name, concept, columns[name]) for name, concept in CATEGORIES.items()]
        if with_price:
            chosen += [
                _words(name, concept, columns[name]).model_copy(
                    update={"kind": FeatureKind.ORDINAL, "direction": direction}
                )
                for name, (direction, concept) in PRICE_STEPS.items()
            ]
        return tuple(chosen)


def known_at() -> dict[str, KnownAt]:
    """When each column that is not the applicant's own word was first known."""
    return {name: KnownAt.AFTER for name in AFTER_THE_DECISION} | {name: KnownAt.DECISION for name in AT_THE_DECISION}


def issued_between(examples: Examples, first: date, last: date) -> npt.NDArray[np.bool_]:
    issued: Any = examples.applied_on
    return (issued >= np.datetime64(first)) & (issued <= np.datetime64(last))


def _as_words(names: Sequence[str]) -> Any:
    """No guessing: these are empty for so long that a reader would take them for nothing."""
    import pyarrow
    from pyarrow import csv

    return csv.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.string()), strings_can_be_null=True)


def _month(said: Any) -> Any:
    return np.datetime64(datetime.strptime(said, "%b-%Y").date()) if said else np.datetime64("NaT")


def _column(values: Any) -> Column:
    import pyarrow.types as types

    if types.is_date(values.type):
        return values.to_numpy().astype("datetime64[D]")
    if types.is_integer(values.type) or types.is_floating(values.type):
        return values.to_numpy().astype(np.float64)
    return np.array(values.to_pylist(), dtype=object)


def _ended_on(columns: dict[str, Column]) -> Column:
    """When the end of each loan was known: the last payment, and for a write-off its delay on top."""
    last = columns["last_pymnt_d"].copy()
    never = np.isnat(last)
    last[never] = columns["issue_d"][never] + np.timedelta64(30, "D")
    charged_off = np.array(["Charged Off" in status for status in columns["loan_status"]])
    return np.where(charged_off, last + np.timedelta64(DAYS_TO_CHARGE_OFF, "D"), last)


def _months_later(days: Column, months: int) -> Column:
    whole = days.astype("datetime64[M]")
    return (whole + np.timedelta64(months, "M")).astype("datetime64[D]") + (days - whole.astype("datetime64[D]"))


def _years(since: Column, until: Column) -> Column:
    days = (until - since).astype("timedelta64[D]").astype(np.float64)
    return np.where(np.isnat(since), np.nan, days / 365.25)


def _employed(said: Any) -> float:
    if said is None or not any(letter.isdigit() for letter in said):
        return float("nan")
    return _EMPLOYED.get(said, float(said.split()[0]) if said.split()[0].isdigit() else float("nan"))


def _number(name: str, direction: Direction, concept: str) -> FeatureSpec:
    return FeatureSpec(name=name, path=f"file.{name}", kind=FeatureKind.NUMBER, direction=direction, concept=concept)


def _words(name: str, concept: str, values: Column) -> FeatureSpec:
    seen = sorted({value for value in values if value})
    return FeatureSpec(name=name, path=f"file.{name}", kind=FeatureKind.CATEGORY, values=tuple(seen), concept=concept)

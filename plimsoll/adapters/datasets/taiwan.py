"""Taiwan's card accounts of 2005 as labelled examples, without what sees the outcome month.

Yeh and Lien 2009 (UCI 350, CC BY 4.0), 30,000 accounts, 22 % default in October. `PAY_0` is
no feature: for most accounts that turn late its value cannot be explained by September's
payments. Sex, age, education and marriage are kept apart for the fairness report.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plimsoll.domain.models.data_checks import KnownAt
from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.underwriting.product import Direction, FeatureKind, FeatureSpec

FILE = "default_of_credit_card_clients.csv.gz"
OUTCOME = "default_next_month"
SENSITIVE = ("SEX", "AGE", "EDUCATION", "MARRIAGE")
AS_OF, OUTCOME_KNOWN = np.datetime64("2005-09-30"), np.datetime64("2005-10-31")


@dataclass(frozen=True)
class Taiwan:
    """`folder` holds the UCI file."""

    folder: Path

    def examples(self) -> Examples:
        columns = self.columns()
        groups = {
            "sex": np.where(columns.pop("SEX") == 1, "male", "female").astype(object),
            "age": np.array([_age_band(age) for age in columns.pop("AGE")], dtype=object),
            "education": _named(columns.pop("EDUCATION"), ("graduate school", "university", "high school")),
            "marriage": _named(columns.pop("MARRIAGE"), ("married", "single")),
        }
        bad = columns.pop(OUTCOME) == 1
        return Examples(
            columns=columns,
            bad=bad,
            applied_on=np.full(len(bad), AS_OF),
            label_known_on=np.full(len(bad), OUTCOME_KNOWN),
            groups=groups,
            references=np.array([f"TW-{number:.0f}" for number in columns.pop("ID")], dtype=object),
        )

    def columns(self) -> dict[str, Column]:
        from pyarrow import csv

        table = csv.read_csv(self.folder / FILE)
        return {name: table[name].to_numpy().astype(np.float64) for name in table.column_names}

    def features(self) -> tuple[FeatureSpec, ...]:
        """Everything known by the end of September: limit, statements, payments, and states up to August."""
        chosen = [_number("LIMIT_BAL", Direction.DOWN, "limit")]
        chosen += [_number(f"PAY_{month}", Direction.UP, "late_payments") for month in range(2, 7)]
        chosen += [_number(f"BILL_AMT{month}", Direction.FREE, "balances") for month in range(1, 7)]
        chosen += [_number(f"PAY_AMT{month}", Direction.DOWN, "payments") for month in range(1, 7)]
        return tuple(chosen)


def known_at() -> dict[str, KnownAt]:
    return {"PAY_0": KnownAt.AFTER}


def _age_band(age: float) -> str:
    return "up to 25" if age <= 25 else "26 to 40" if age <= 40 else "41 to 61" if age <= 61 else "62 and older"


def _named(codes: Column, names: tuple[str, ...]) -> Column:
    """Codes outside the book are `other`."""
    return np.array([names[int(code) - 1] if 1 <= code <= len(names) else "other" for code in codes], dtype=object)


def _number(name: str, direction: Direction, concept: str) -> FeatureSpec:
    return FeatureSpec(name=name, path=f"file.{name}", kind=FeatureKind.NUMBER, direction=direction, concept=concept)

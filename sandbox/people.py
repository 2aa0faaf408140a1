"""Who lives in the sandbox: real applicants, personas, and as many generated people as are asked for.

Real ones are the rows of the South German set under made-up names. Personas each show one
situation. Everybody else is generated from their reference: the same reference is always
the same person, with the same evidence at every source.
"""

import csv
import random
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from sandbox import vocabulary as words
from sandbox.generated import generate
from sandbox.person import Person
from sandbox.personas import PERSONAS

SOUTH_GERMAN = Path(__file__).resolve().parent.parent / "data" / "south_german"

# The columns a source may know. The label, `credit_risk`, is not among them: whether a loan
# went bad is reported to the lender later, and no source may hint at it.
COLUMNS = ("status", "savings", "credit_history", "other_installment_plans", "number_credits")


class People:
    """Finds anybody by reference; never fails, because strangers are generated."""

    def __init__(self, folder: Path = SOUTH_GERMAN) -> None:
        self._known = {person.reference: person for person in (*real_people(folder), *PERSONAS)}
        self._generated = lru_cache(maxsize=20_000)(generate)

    def find(self, reference: str) -> Person:
        return self._known.get(reference) or self._generated(reference)

    def real(self) -> list[Person]:
        return [person for person in self._known.values() if person.kind == "real"]

    def choose_real(self, count: int, seed: int | None) -> list[dict[str, Any]]:
        """In the order of the set, or in an order drawn by the seed."""
        people = self.real()
        if seed is not None:
            random.Random(seed).shuffle(people)
        return [person.introduction() for person in people[:count]]

    def choose_generated(self, count: int, seed: int | None) -> list[dict[str, Any]]:
        prefix = "GEN" if seed is None else f"GEN-{seed}"
        return [generate(f"{prefix}-{number}").introduction() for number in range(1, count + 1)]

    def personas(self) -> list[dict[str, Any]]:
        return [persona.introduction() for persona in PERSONAS]


def real_people(folder: Path) -> Iterator[Person]:
    for introduced, codes in zip(introductions(folder), evidence_codes(folder), strict=True):
        yield Person(
            kind="real",
            reference=introduced["reference"],
            name=introduced["name"],
            date_of_birth=date.fromisoformat(introduced["date_of_birth"]),
            checking_state=words.CHECKING_STATES[codes["status"] - 1],
            savings_band=words.SAVINGS_BANDS[codes["savings"] - 1],
            repayment_history=words.REPAYMENT_HISTORIES[codes["credit_history"]],
            other_plans=words.OTHER_PLANS[codes["other_installment_plans"] - 1],
            credits_here=words.CREDITS_HERE[codes["number_credits"] - 1],
        )


def introductions(folder: Path) -> list[dict[str, str]]:
    with (folder / "people.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def evidence_codes(folder: Path) -> Iterator[dict[str, int]]:
    """The allowed columns of each row, picked by name; the others are dropped unread."""
    with (folder / "south_german_credit.csv").open(newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        places = {column: header.index(column) for column in COLUMNS}
        for row in rows:
            yield {column: int(row[place]) for column, place in places.items()}

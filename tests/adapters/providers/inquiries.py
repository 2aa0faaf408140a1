"""Inquiries for the adapter tests, about the people of the sandbox."""

import csv
from datetime import date
from pathlib import Path
from uuid import uuid4

from plimsoll.domain.underwriting.evidence import Inquiry, Subject

SOUTH_GERMAN = Path(__file__).parents[3] / "data" / "south_german"


def an_inquiry(source: str, reference: str = "GEN-42", born: str = "1990-05-17", key: str | None = None) -> Inquiry:
    return Inquiry(
        key=key or f"evr-{uuid4()}",
        source=source,
        purpose="credit_application",
        subject=Subject(reference=reference, name="N. N.", date_of_birth=date.fromisoformat(born), country="DE"),
    )


def rows() -> list[dict[str, str]]:
    """The South German set with the made-up people beside it."""
    people, codes = read_csv("people.csv"), read_csv("south_german_credit.csv")
    return [{**person, **row} for person, row in zip(people, codes, strict=True)]


def read_csv(name: str) -> list[dict[str, str]]:
    with (SOUTH_GERMAN / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))

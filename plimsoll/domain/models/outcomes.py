"""What became of those who were decided about: reports from whoever services the loans.

A report is kept for good. It may be sent again without effect; what turns out to be wrong is
corrected by a later row, so that what was known on any day can still be said.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from plimsoll.domain.errors import Conflict, FieldsInvalid, InvalidRequest, PlimsollError
from plimsoll.domain.underwriting.application import Money, Text
from plimsoll.domain.values import Status, Value


def _written_as_a_day(day: Any) -> Any:
    """A number would be read as seconds since 1970, and a moment has no one day on earth."""
    if isinstance(day, str) and len(day) == len("2026-03-31"):
        return day
    if isinstance(day, date):
        return day
    raise ValueError("write the day as YYYY-MM-DD")


MOST_AT_ONCE = 500
Day = Annotated[date, BeforeValidator(_written_as_a_day)]


class Label(StrEnum):
    GOOD = "good"
    BAD = "bad"


class Mark(StrEnum):
    """What a report speaks of: how it ended, or a sign on the way there."""

    FINAL = "final"
    FIRST_PAYMENT_DEFAULT = "first_payment_default"
    THIRTY_DAYS_LATE_IN_THREE_MONTHS = "thirty_days_late_in_three_months"
    SIXTY_DAYS_LATE_IN_SIX_MONTHS = "sixty_days_late_in_six_months"
    NINETY_DAYS_LATE_IN_TWELVE_MONTHS = "ninety_days_late_in_twelve_months"

    @property
    def months(self) -> int | None:
        """After how many months every loan of a vintage can show it; the product says so for the final one."""
        return {
            Mark.FIRST_PAYMENT_DEFAULT: 2,  # the first instalment, and a month's grace
            Mark.THIRTY_DAYS_LATE_IN_THREE_MONTHS: 3,
            Mark.SIXTY_DAYS_LATE_IN_SIX_MONTHS: 6,
            Mark.NINETY_DAYS_LATE_IN_TWELVE_MONTHS: 12,
        }.get(self)

    @property
    def words(self) -> str:
        return self.value.replace("_", " ")


EARLY: tuple[Mark, ...] = tuple(mark for mark in Mark if mark is not Mark.FINAL)


class OutcomeReport(Value):
    """One thing that was seen of one application."""

    application_id: Text | None = Field(default=None, description="Ours, `app_…`; or name `external_id`.")
    external_id: Text | None = Field(default=None, description="Your own number of the application.")
    product: Text | None = Field(default=None, description="Tells two apart that share a number.")
    label: Label
    mark: Mark = Mark.FINAL
    observed_on: Day = Field(description="The day it happened.")
    known_on: Day | None = Field(default=None, description="The day it could be known first; today when left out.")
    amount: Money | None = Field(default=None, ge=0, description="What was lost of a bad one, repaid of a good.")
    correction: bool = Field(default=False, description="Whether this replaces what was reported before.")

    @model_validator(mode="after")
    def _names_one_application(self) -> "OutcomeReport":
        if (self.application_id is None) == (self.external_id is None):
            raise ValueError("name the application by `application_id` or by `external_id`, one of them")
        return self

    @property
    def name(self) -> str:
        return self.application_id or self.external_id or ""

    @property
    def bad(self) -> bool:
        return self.label is Label.BAD


def read_report(body: Any) -> OutcomeReport:
    """The report in this JSON. Raises FieldsInvalid naming every field that is wrong."""
    if not isinstance(body, dict):
        raise FieldsInvalid(f"An outcome is a JSON object, not a {type(body).__name__}.")
    try:
        return OutcomeReport.model_validate(body)
    except ValidationError as error:
        fields = [
            {"field": ".".join(map(str, found["loc"])) or "body", "problem": _plain(found["type"], found["msg"])}
            for found in error.errors(include_url=False, include_input=False)
        ]
        said = "; ".join(f"`{field['field']}`: {field['problem']}" for field in fields)
        raise FieldsInvalid(f"The outcome does not fit: {said}.", fields=fields) from None


def _plain(kind: str, message: str) -> str:
    return {"missing": "is missing", "extra_forbidden": "is no field of an outcome"}.get(
        kind, message.removeprefix("Value error, ")
    )


class Said(Value):
    """The newest row on record about one mark of one application."""

    bad: bool
    observed_on: date
    known_on: date
    amount: Decimal | None = None

    def repeats(self, report: OutcomeReport) -> bool:
        """Whether the report says what is on record: then the day it is said on changes nothing."""
        return (self.bad, self.observed_on, self.amount) == (report.bad, report.observed_on, report.amount)


class Candidate(Value):
    """An application a report may speak of."""

    application: str
    product: str
    status: Status
    decided_on: date | None


def the_one_meant(report: OutcomeReport, candidates: list[Candidate]) -> Candidate:
    """The application of a report. Raises InvalidRequest when its number is carried by several that were decided."""
    fitting = [found for found in candidates if report.product in (None, found.product)]
    decided = [found for found in fitting if found.decided_on is not None]
    if len(decided) > 1:
        raise InvalidRequest(
            f"{len(decided)} decided applications carry the number {report.name!r}: "
            "name the one you mean by `application_id`, or its `product`."
        )
    return (decided or fitting)[0]


def problem_of(report: OutcomeReport, found: Candidate, said: Said | None, today: date) -> PlimsollError | None:
    """Why this report cannot be taken, in one sentence; None when it can."""
    known_on = report.known_on or today
    for name, day in (("observed_on", report.observed_on), ("known_on", known_on)):
        if day > today:
            return InvalidRequest(f"{report.name}: `{name}` is {day}, which is still to come (today is {today}).")
    if known_on < report.observed_on:
        return InvalidRequest(
            f"{report.name}: it cannot be known on {known_on} what happened on {report.observed_on}: "
            "leave `known_on` out, or give a later day."
        )
    if found.decided_on is None:
        return Conflict(
            f"{report.name} has no decision (it is {found.status}), so there is no outcome of it: report it once "
            "it is decided."
        )
    if report.observed_on < found.decided_on:
        return InvalidRequest(
            f"{report.name}: `observed_on` is {report.observed_on}, before the decision of {found.decided_on}: "
            "is it the right application?"
        )
    return _contradiction(report, said, known_on) if said else _nothing_to_correct(report)


def _contradiction(report: OutcomeReport, said: Said, known_on: date) -> PlimsollError | None:
    if not report.correction:
        return Conflict(
            f"{report.name} is on record as {_in_words(said)} ({report.mark.words}): if that was wrong, "
            "send this again with `correction`."
        )
    if known_on <= said.known_on:
        return Conflict(
            f"{report.name} is on record as {_in_words(said)}: a correction needs a `known_on` after {said.known_on}, "
            "since what was known that day stays."
        )
    return None


def _nothing_to_correct(report: OutcomeReport) -> PlimsollError | None:
    if report.correction:
        return Conflict(f"{report.name} has no outcome ({report.mark.words}) yet: leave out `correction`.")
    return None


def _in_words(said: Said) -> str:
    amount = f", amount {said.amount}" if said.amount is not None else ""
    return f"{'bad' if said.bad else 'good'}, seen on {said.observed_on}{amount}, known on {said.known_on}"

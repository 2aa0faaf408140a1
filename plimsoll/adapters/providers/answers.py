"""From a source's reply to an Answer: read strictly, make sure it is about the right person."""

from datetime import date
from typing import Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from plimsoll.adapters.providers.http import Reply, unavailable
from plimsoll.domain.errors import WrongPerson
from plimsoll.domain.underwriting.evidence import Answer, Inquiry, Subject


class Payload(BaseModel):
    """What we read of a source's answer. Fields we do not know are left in the raw body; nothing is guessed."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class AnsweredAbout(Payload):
    reference: str
    date_of_birth: date


class Statement(Payload):
    """Every source tells whom its answer is about, and of when it is."""

    subject: AnsweredAbout
    as_of: AwareDatetime


StatementType = TypeVar("StatementType", bound=Statement)


def read_statement(model: type[StatementType], inquiry: Inquiry, reply: Reply) -> StatementType:
    """The validated payload; SourceUnavailable for nonsense, WrongPerson for somebody else's file."""
    if reply.status != 200:
        raise unavailable(inquiry.source, "refused", f"answered with status {reply.status}")
    try:
        statement = model.model_validate_json(reply.body)
    except ValidationError:
        # The validation error quotes the answer, which is personal data: it is not passed on.
        raise unavailable(inquiry.source, "garbage", "sent an answer we cannot read") from None
    if not is_about(statement.subject, inquiry.subject):
        raise WrongPerson(f"{inquiry.source} answered about somebody else", source=inquiry.source)
    return statement


def is_about(answered: AnsweredAbout, asked: Subject) -> bool:
    return (answered.reference, answered.date_of_birth) == (asked.reference, asked.date_of_birth)


def as_answer(inquiry: Inquiry, reply: Reply, statement: Statement, summary: dict[str, Any]) -> Answer:
    return Answer(
        source=inquiry.source, raw=reply.body, summary=summary, as_of=statement.as_of, repeated=reply.repeated
    )


class Absence(Payload):
    """How a source says that it has nothing: a 404 with a code of its own."""

    class Error(Payload):
        code: str

    error: Error


def speaks_of_absence(reply: Reply, code: str) -> bool:
    """A 404 from a wrong address must not pass for "we know of no such call": the code must be there."""
    if reply.status != 404:
        return False
    try:
        return Absence.model_validate_json(reply.body).error.code == code
    except ValidationError:
        return False


def question_about(inquiry: Inquiry) -> dict[str, Any]:
    """The common form of a question: who, and for what purpose."""
    subject = inquiry.subject
    return {
        "reference": subject.reference,
        "name": subject.name,
        "date_of_birth": subject.date_of_birth.isoformat(),
        "country": subject.country,
        "purpose": inquiry.purpose,
    }

"""What a reviewer does at a case besides deciding it: ask for a paper, hand the case up, see it unswayed."""

from datetime import datetime, timedelta

from pydantic import Field

from plimsoll.domain.access import Actor, Role
from plimsoll.domain.errors import FieldsInvalid, InvalidRequest
from plimsoll.domain.underwriting.product import ReviewTerms
from plimsoll.domain.values import Value

LARGEST_PAPER = 2 * 1024 * 1024
# A paper is what it begins with, whatever it calls itself.
BEGINNINGS = {"application/pdf": b"%PDF-", "image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}


class Paper(Value):
    """A document as the applicant handed it in."""

    name: str = Field(max_length=200)
    media_type: str
    content: bytes


def checked_paper(name: str, media_type: str, content: bytes) -> Paper:
    """Raises InvalidRequest for what is no PDF, JPEG or PNG of at most 2 MiB."""
    kind = media_type.partition(";")[0].strip().lower()
    if kind not in BEGINNINGS:
        raise InvalidRequest(
            f"A document is {', '.join(BEGINNINGS)}, not {kind or 'of no type'}: say so as Content-Type."
        )
    if not content.startswith(BEGINNINGS[kind]):
        raise InvalidRequest(f"This file is no {kind}, whatever it is called: send the document itself.")
    if len(content) > LARGEST_PAPER:
        raise InvalidRequest(
            f"The document has {len(content):,} bytes; the most is {LARGEST_PAPER:,}: scan it smaller."
        )
    return Paper(name=name or "document", media_type=kind, content=content)


def check_document_code(terms: ReviewTerms, code: str) -> None:
    """Raises FieldsInvalid for a paper that the product does not list."""
    if code not in terms.documents:
        listed = ", ".join(terms.documents) or "none yet: they go under [review.documents] of its product.toml"
        problem = f"{code!r} is not a document of this product; there are {listed}"
        raise FieldsInvalid(
            "This document cannot be asked for: see `fields`.", fields=[{"field": "code", "problem": problem}]
        )


def due_while_waiting(terms: ReviewTerms, due_at: datetime, deadline: datetime, now: datetime) -> datetime:
    """An answer is owed again when the applicant has had their time, and never later than the case may last."""
    return min(deadline, max(due_at, now + timedelta(days=terms.document_days)))


def due_after_papers(terms: ReviewTerms, deadline: datetime, now: datetime) -> datetime:
    return min(deadline, now + timedelta(hours=terms.first_answer_hours))


def is_senior(actor: Actor) -> bool:
    return Role.SENIOR_REVIEWER in actor.roles


def judges_unswayed(terms: ReviewTerms, waiting: bool, has_answered: bool) -> bool:
    """Whether the score stays covered: the product asks for the reviewer's own word first (automation bias)."""
    return terms.score_after_verdict and waiting and not has_answered

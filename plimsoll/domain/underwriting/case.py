"""A case: one application with everything known about it so far. Steps read it and add to it."""

from datetime import date, datetime
from typing import Any

from plimsoll.domain.models.scoring import ModelPin, Score
from plimsoll.domain.underwriting.decision import Verdict
from plimsoll.domain.underwriting.evidence import EvidenceState, Subject
from plimsoll.domain.underwriting.product import SourceTerms
from plimsoll.domain.values import Outcome, Status, Value


class EvidenceRecord(Value):
    """One inquiry and what became of it."""

    id: str
    source: str
    purpose: str
    state: EvidenceState
    summary: dict[str, Any] | None = None
    attempts: int = 0
    deadline: datetime
    reserved_at: datetime
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    last_error: str | None = None


class PersonsAnswer(Value):
    """A reviewer's final word on a referred case."""

    actor: str
    outcome: Outcome
    reason: str
    second_actor: str | None = None
    amount: str | None = None  # of a counter-offer made by a person
    term_months: int | None = None


class Case(Value):
    """Personal data inside: it stays in activities and never enters a workflow."""

    application: str
    person: str
    product: str
    round: int
    status: Status
    accepted_at: datetime
    jurisdiction: str
    request: str  # id of the request that brought it in
    wrapped_key: bytes  # the person's key, wrapped: opens nothing by itself
    body: dict[str, Any]
    evidence: tuple[EvidenceRecord, ...] = ()
    model_pin: ModelPin | None = None  # the version it began with; a release changes nothing for it
    score: Score | None = None
    verdict: Verdict | None = None
    decided: Outcome | None = None

    def asked(self, source: str) -> EvidenceRecord | None:
        return next((record for record in self.evidence if record.source == source), None)

    def with_record(self, record: EvidenceRecord) -> "Case":
        others = tuple(other for other in self.evidence if other.source != record.source)
        return self.model_copy(update={"evidence": (*others, record)})

    @property
    def summaries(self) -> dict[str, dict[str, Any]]:
        """source -> summary, of those that answered about the right person."""
        answered = (record for record in self.evidence if record.state is EvidenceState.ANSWERED)
        return {record.source: record.summary for record in answered if record.summary is not None}

    def sources_in(self, *states: EvidenceState) -> tuple[str, ...]:
        return tuple(sorted(record.source for record in self.evidence if record.state in states))

    @property
    def subject(self) -> Subject:
        applicant = self.body["applicant"]
        return Subject(
            reference=applicant["id"],
            name=applicant["name"],
            date_of_birth=date.fromisoformat(applicant["date_of_birth"]),
            country=self.jurisdiction,
        )

    def may_ask(self, terms: SourceTerms) -> bool:
        """Whether the applicant agreed to this inquiry, where the product says they must."""
        return not terms.consent_required or self.consent_for(terms.name, terms.purpose) is not None

    def consent_for(self, source: str, purpose: str) -> dict[str, Any] | None:
        return next(
            (c for c in self.body.get("consents", ()) if c["source"] == source and c["purpose"] == purpose), None
        )


def waiting_on(evidence: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What a case waits on, since when and until when at the latest; None when on nothing."""
    waits = [
        found
        for found in evidence
        if found["state"] in (EvidenceState.RESERVED, EvidenceState.SENT) and found["last_error"]
    ]
    if not waits:
        return None
    since: list[datetime] = [wait["waiting_since"] for wait in waits if wait["waiting_since"]]
    return {
        "what": sorted(wait["source"] for wait in waits),
        "why": {wait["source"]: wait["last_error"] for wait in waits},
        "since": min(since) if since else None,
        "until": max(wait["deadline"] for wait in waits),
    }

"""The telephone company: how punctually bills are paid."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from plimsoll.adapters.providers.answers import (
    Statement,
    as_answer,
    question_about,
    read_statement,
    speaks_of_absence,
)
from plimsoll.adapters.providers.http import Reply, SourceClient
from plimsoll.domain.errors import OutcomeUnknown
from plimsoll.domain.underwriting.evidence import Answer, Inquiry, Recovery


class TelecomProfile(Statement):
    on_time_rate: Annotated[float, Field(ge=0, le=1)]
    tenure_months: Annotated[int, Field(ge=0)]

    def summary(self) -> dict[str, Any]:
        return {
            "customer": True,
            "on_time_rate": self.on_time_rate,
            "tenure_months": self.tenure_months,
        }


class Telecom:
    """Keeps no keys: every call is a new inquiry, and nobody can tell what became of one."""

    name = "telecom"
    recovery = Recovery.NEITHER

    def __init__(self, base_url: str, client: SourceClient) -> None:
        self._profiles = f"{base_url.rstrip('/')}/telecom/profiles"
        self._client = client

    async def pull(self, inquiry: Inquiry) -> Answer:
        reply = await self._client.post(self.name, self._profiles, question_about(inquiry), inquiry.key)
        if speaks_of_absence(reply, "not_here"):
            return not_a_customer(inquiry, reply)
        profile = read_statement(TelecomProfile, inquiry, reply)
        return as_answer(inquiry, reply, profile, profile.summary())

    async def recall(self, inquiry: Inquiry) -> Answer | None:
        raise OutcomeUnknown("the telephone company keeps no keys", source=self.name)


def not_a_customer(inquiry: Inquiry, reply: Reply) -> Answer:
    """An answer, not an error. It carries no date of its own, so it is as of now."""
    summary = {"customer": False}
    return Answer(source=inquiry.source, raw=reply.body, summary=summary, as_of=datetime.now(UTC))

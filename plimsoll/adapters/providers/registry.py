"""The public registers: identity, sanctions, insolvency, death."""

from typing import Any

from plimsoll.adapters.providers.answers import Statement, as_answer, question_about, read_statement
from plimsoll.adapters.providers.http import SourceClient
from plimsoll.domain.errors import OutcomeUnknown
from plimsoll.domain.underwriting.evidence import Answer, Inquiry, Recovery


class RegistrySearch(Statement):
    identity_confirmed: bool
    sanctions_hit: bool
    insolvent: bool
    deceased: bool

    def summary(self) -> dict[str, Any]:
        return {
            "identity_confirmed": self.identity_confirmed,
            "sanctions_hit": self.sanctions_hit,
            "insolvent": self.insolvent,
            "deceased": self.deceased,
        }


class Registry:
    """Answers the same key with the same answer, so a call in doubt is simply made again."""

    name = "registry"
    recovery = Recovery.IDEMPOTENT

    def __init__(self, base_url: str, client: SourceClient) -> None:
        self._searches = f"{base_url.rstrip('/')}/registry/searches"
        self._client = client

    async def pull(self, inquiry: Inquiry) -> Answer:
        reply = await self._client.post(self.name, self._searches, question_about(inquiry), inquiry.key)
        search = read_statement(RegistrySearch, inquiry, reply)
        return as_answer(inquiry, reply, search, search.summary())

    async def recall(self, inquiry: Inquiry) -> Answer | None:
        raise OutcomeUnknown("the registry cannot be asked what became of a call", source=self.name)

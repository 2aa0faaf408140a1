"""What people did to runs by hand: on record before it is done, with who and why."""

from datetime import datetime

from plimsoll.adapters.postgres.database import Database
from plimsoll.domain.access import Actor
from plimsoll.domain.ledger import entry

ENTER = """
insert into ledger_entry (kind, application_id, body, digest) values (%(kind)s, %(about)s, %(body)s, %(digest)s)
"""


class Urging:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(
        self, kind: str, *, by: Actor, reason: str, request: str, now: datetime, application: str | None = None,
        source: str | None = None,
    ) -> None:  # fmt: skip
        """`kind`: source.resumed for everything parked on it, application.retried for one case."""
        facts = {"source": source} if source else {}
        written = entry(kind, application=application, actor=by.id, reason=reason, request=request, at=now, **facts)
        said = {"kind": kind, "about": application, "body": written.body, "digest": written.digest}
        await self._database.run(ENTER, said)

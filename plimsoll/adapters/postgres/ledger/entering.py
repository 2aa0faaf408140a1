"""Entering the record: in the transaction that does what is entered, or by itself where nothing else changes."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from plimsoll.adapters.postgres.database import Database
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ledger import Entry, entry

ENTER = """
insert into ledger_entry (kind, application_id, body, digest) values (%(kind)s, %(about)s, %(body)s, %(digest)s)
"""
OF_AN_APPLICATION = """
insert into ledger_entry (kind, application_id, body, digest)
select %(kind)s, id, %(body)s, %(digest)s from application where id = %(about)s returning id
"""


async def enter(connection: AsyncConnection[DictRow], written: Entry, about: str | None = None) -> None:
    """`about`: what the entry is found by where that is no application, an episode or a person."""
    await connection.execute(ENTER, columns(written, about or written.application))


class Acts:
    """What people did that changes no row of ours: files taken out of the house, runs urged on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(
        self, kind: str, *, by: Actor, reason: str, request: str, now: datetime, application: str | None = None,
        **facts: Any,
    ) -> None:  # fmt: skip
        """On record before it is done. Raises NotFound for an application that is not there."""
        written = entry(kind, application=application, actor=by.id, reason=reason, request=request, at=now, **facts)
        if application is None:
            await self._database.run(ENTER, columns(written, None))
        elif await self._database.row(OF_AN_APPLICATION, columns(written, application)) is None:
            raise NotFound(f"There is no application {application}.")


def columns(written: Entry, about: str | None) -> dict[str, Any]:
    """What `ENTER` is given, alone or within a statement that does what is entered."""
    return {"kind": written.kind, "about": about, "body": written.body, "digest": written.digest}

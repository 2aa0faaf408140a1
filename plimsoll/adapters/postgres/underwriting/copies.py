"""Files that people took out of the house about a case: on record, with the mark that stands on them."""

from datetime import datetime

from plimsoll.adapters.postgres.database import Database
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ledger import entry

ENTER = """
insert into ledger_entry (kind, application_id, body, digest)
select %(kind)s, id, %(body)s, %(digest)s from application where id = %(application)s returning id
"""


class Copies:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(
        self, application: str, *, form: str, mark: str, content: str, by: Actor, request: str, now: datetime
    ) -> None:
        """`content` is the digest of the file, so that a paper can be told from its imitation. Raises NotFound."""
        written = entry(
            "application.copied", application=application, actor=by.id, reason=f"for the {form}", request=request,
            at=now, form=form, copy=mark, content=content,
        )  # fmt: skip
        made = await self._database.row(
            ENTER,
            {"kind": written.kind, "application": application, "body": written.body, "digest": written.digest},
        )
        if made is None:
            raise NotFound(f"There is no application {application}.")

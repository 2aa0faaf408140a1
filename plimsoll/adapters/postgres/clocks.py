"""The time a person let pass for one case, in test mode: what is checked outside its run goes by it, too."""

from datetime import UTC, datetime, timedelta

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.access import SYSTEM
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ids import INTERVENTION
from plimsoll.domain.ledger import entry

MOVE = """
with moved as (
    update {table} set clock_offset = clock_offset + %(seconds)s where id = %(id)s returning id
)
insert into ledger_entry (kind, application_id, body, digest)
select 'clock.moved', id, %(body)s, %(digest)s from moved
"""


class Clocks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def move(self, case: str, span: timedelta) -> None:
        of_application = not case.startswith(f"{INTERVENTION}_")
        seconds = int(span.total_seconds())
        written = entry(
            "clock.moved",
            application=case if of_application else None,
            actor=SYSTEM.id,
            reason="test mode",
            request=case,
            at=datetime.now(UTC),
            about=case,
            seconds=seconds,
        )
        table = "application" if of_application else "intervention"
        await self._database.run(
            MOVE.format(table=table),
            {"id": case, "seconds": seconds, "body": written.body, "digest": written.digest},
        )

    async def run_of_application(self, application: str) -> Row:
        """Raises NotFound."""
        row = await self._database.row(
            "select round, run_suffix from application where id = %(id)s", {"id": application}
        )
        if row is None:
            raise NotFound(f"There is no application {application}.")
        return row

"""Files on their way in, and how far each is: what was interrupted goes on from there."""

from datetime import datetime

from plimsoll.adapters.postgres.database import Database
from plimsoll.domain.access import Actor
from plimsoll.ports.watching import FileProgress

BEGIN = """
insert into transaction_load (digest, way, file, actor_id, started_at, changed_at)
values (%(digest)s, %(way)s, %(file)s, %(actor)s, %(now)s, %(now)s)
on conflict (digest, way) do update set changed_at = transaction_load.changed_at
returning id, lines, new, repeated, rejected, started_at, ended_at
"""
ADVANCE = """
update transaction_load set lines = %(lines)s, new = %(new)s, repeated = %(repeated)s, rejected = %(rejected)s,
    changed_at = %(now)s, ended_at = %(ended_at)s
where id = %(id)s
"""


class FileLoads:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, digest: bytes, way: str, file: str, *, actor: Actor, now: datetime) -> FileProgress:
        """Where this file stands: at its beginning when nobody has begun it."""
        row = await self._database.row(
            BEGIN, {"digest": digest, "way": way, "file": file, "actor": actor.id, "now": now}
        )
        assert row is not None
        return FileProgress(**row)

    async def advance(self, progress: FileProgress, *, now: datetime) -> None:
        await self._database.run(ADVANCE, progress.model_dump(exclude={"started_at"}) | {"now": now})

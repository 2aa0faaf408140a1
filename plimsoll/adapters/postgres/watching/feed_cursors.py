"""How far each feed is read."""

from datetime import datetime

from plimsoll.adapters.postgres.database import Database

MOVE = """
insert into feed_cursor (feed, cursor, changed_at) values (%(feed)s, %(cursor)s, %(now)s)
on conflict (feed) do update set cursor = excluded.cursor, changed_at = excluded.changed_at
"""


class FeedCursors:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def cursor(self, feed: str) -> str:
        """Where the next page begins; "" at the very beginning."""
        row = await self._database.row("select cursor from feed_cursor where feed = %(feed)s", {"feed": feed})
        return row["cursor"] if row else ""

    async def move(self, feed: str, cursor: str, *, now: datetime) -> None:
        await self._database.run(MOVE, {"feed": feed, "cursor": cursor, "now": now})

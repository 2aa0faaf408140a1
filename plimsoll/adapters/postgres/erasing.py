"""Erasing a person everywhere, in one transaction: nothing of theirs can be read after it, nothing is half gone.

What is sealed dies with the person's key; what is not (transactions, the record kept of them, risks, addresses,
consents) is deleted. What stays are ids, codes, figures of decisions and digests, so that the ledger verifies.
"""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.outreach import record
from plimsoll.adapters.postgres.outreach.interventions import CLOSE_TASKS
from plimsoll.adapters.postgres.outreach.people import enter
from plimsoll.adapters.postgres.underwriting.applications import WITHDRAW
from plimsoll.adapters.postgres.watching.transaction_log import ERASE as ERASE_TRANSACTIONS
from plimsoll.adapters.postgres.watching.transaction_log import ONE_AT_A_TIME
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ids import APPLICATION, PERSON
from plimsoll.domain.ledger import entry
from plimsoll.domain.outreach.episode import Ending
from plimsoll.domain.values import Value
from plimsoll.ports import Vault

# Whoever reads the stream holds its cursor, whoever takes events in holds the other lock, and neither waits for a
# person while holding it: so nothing of theirs is written behind our back.
NOBODY_READS = "select name from stream_cursor order by name for update"
NOBODY_TAKES_IN = "select pg_advisory_xact_lock(%(lock)s)"
FIND = """
select id, erased_at from person
where id = %(id)s or reference_hash = %(hash)s
   or id = (select person_id from application where id = %(application)s)
"""
LOCK = "select id, erased_at from person where id = %(person)s for no key update"
KEY = "update person set wrapped_key = null, erased_at = %(now)s where id = %(person)s"
OPEN_APPLICATIONS = """
select id from application where person_id = %(person)s and closed_at is null order by id for update
"""
OPEN_EPISODES = "select id from intervention where person_id = %(person)s and ended_at is null order by id for update"
END_EPISODE = """
update intervention set state = 'ended', ending = coalesce(ending, %(ending)s), until = null, waits_on = null,
    closed_at = coalesce(closed_at, %(now)s), ended_at = %(now)s, version = version + 1, updated_at = %(now)s
where id = %(id)s
"""
# Reasons carry the customer's own values; what was read of them goes, what was done about it stays.
FORGET = (
    "update intervention set factors = '[]', probability = null, reason = null where person_id = %(person)s",
    "update collector_task set why = '{}' where person_id = %(person)s",
    "update prediction set subject = null, features = null where subject = "
    "(select reference_hash from person where id = %(person)s)",
    "delete from outbox where lane = 'alert' and application_id in "
    "(select id from intervention where person_id = %(person)s)",
)
GONE = ("customer_state", "customer_risk", "customer_risk_change", "contact_address", "contact_profile", "commitment",
        "customer")  # fmt: skip
CONSENTS = "delete from contact_consent where person_id = %(person)s returning channel"
COUNTED = {
    "applications": "application", "transactions": "transaction", "contacts": "contact", "replies": "contact_reply",
    "interventions": "intervention", "risks": "customer_risk_change", "addresses": "contact_address",
    "consents": "contact_consent",
}  # fmt: skip


class Erased(Value):
    """What the erasure of a person came to."""

    person: str
    erased_at: datetime
    before: bool  # they were erased already, and what was found since is gone now
    withdrawn: tuple[str, ...]  # applications that were open
    ended: tuple[str, ...]  # episodes that were
    transactions: int


class Erasing:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def find(self, name: str) -> Row:
        """By `per_…`, by one of their applications (`app_…`), or by the lender's own id. Raises NotFound."""
        ours = name.startswith((f"{PERSON}_", f"{APPLICATION}_"))
        asked = {"id": name, "application": name, "hash": None if ours else self._vault.fingerprint(name.encode())}
        row = await self._database.row(FIND, asked)
        if row is None:
            raise NotFound(f"There is nobody called {name!r}: give `per_…`, `app_…` or your own id of the person.")
        return row

    async def about(self, name: str) -> Row:
        """How much there is of them."""
        person = await self.find(name)
        counts = ", ".join(
            f"(select count(*) from {table} where person_id = %(id)s) as {what}" for what, table in COUNTED.items()
        )
        return person | (await self._database.row(f"select {counts}", {"id": person["id"]}) or {})

    async def erase(self, name: str, *, by: Actor, reason: str, request: str, now: datetime) -> Erased:
        """Withdraws what is open, ends what is under way, and leaves nothing to be read. Again changes nothing more.

        Raises NotFound.
        """
        person = (await self.find(name))["id"]
        said: dict[str, Any] = {"by": by, "reason": reason, "request": request, "now": now}
        async with self._database.transaction() as connection:
            await connection.execute(NOBODY_READS)
            await connection.execute(NOBODY_TAKES_IN, {"lock": ONE_AT_A_TIME})
            locked = await (await connection.execute(LOCK, {"person": person})).fetchone()
            assert locked is not None
            withdrawn = await _withdraw(connection, person, **said)
            ended = await _end_episodes(connection, person, **said)
            transactions = await _leave_nothing(connection, person, **said)
            if locked["erased_at"] is None:
                await connection.execute(KEY, {"person": person, "now": now})
                await enter(
                    connection, "person.erased", person, now=now, by=by, reason=reason, request=request, person=person,
                    withdrawn=withdrawn, ended=ended, transactions=transactions,
                )  # fmt: skip
        return Erased(
            person=person,
            erased_at=locked["erased_at"] or now,
            before=locked["erased_at"] is not None,
            withdrawn=tuple(withdrawn),
            ended=tuple(ended),
            transactions=transactions,
        )


async def _withdraw(
    connection: AsyncConnection[Any], person: str, *, by: Actor, reason: str, request: str, now: datetime
) -> list[str]:
    open_now = await (await connection.execute(OPEN_APPLICATIONS, {"person": person})).fetchall()
    for row in open_now:
        written = entry(
            "application.withdrawn", application=row["id"], actor=by.id, reason=reason, request=request, at=now
        )
        said = {"id": row["id"], "now": now, "reason": reason, "mine": None}
        await connection.execute(WITHDRAW, said | {"entry_body": written.body, "entry_digest": written.digest})
    return [row["id"] for row in open_now]


async def _end_episodes(
    connection: AsyncConnection[Any], person: str, *, by: Actor, reason: str, request: str, now: datetime
) -> list[str]:
    open_now = await (await connection.execute(OPEN_EPISODES, {"person": person})).fetchall()
    for row in open_now:
        await connection.execute(END_EPISODE, {"id": row["id"], "ending": Ending.ERASED, "now": now})
        await connection.execute(CLOSE_TASKS, {"id": row["id"]})
        await record.enter(
            connection, "intervention.ended", row["id"], now=now, by=by, reason=reason, request=request,
            ending=Ending.ERASED,
        )  # fmt: skip
        await record.wake(connection, row["id"])
    return [row["id"] for row in open_now]


async def _leave_nothing(
    connection: AsyncConnection[Any], person: str, *, by: Actor, reason: str, request: str, now: datetime
) -> int:
    """What no key keeps from being read; how many events there were."""
    found = await (await connection.execute(ERASE_TRANSACTIONS, {"people": [person]})).fetchone()
    for statement in FORGET:
        await connection.execute(statement, {"person": person})
    for table in GONE:
        await connection.execute(f"delete from {table} where person_id = %(person)s", {"person": person})
    for row in await (await connection.execute(CONSENTS, {"person": person})).fetchall():
        await enter(
            connection, "consent.erased", None, now=now, by=by, reason=reason, request=request,
            about=f"{person}/{row['channel']}", row=None,
        )  # fmt: skip
    return found["n"] if found else 0

"""How a change of an episode enters the record and reaches its run: always in the transaction that makes it."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.ledger import entering
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.ledger import Entry, entry

Connection = AsyncConnection[DictRow]
KIND = "intervention"  # of the run, in the outbox and in `starter/engine/runs.py`

# A lane of its own, paced by whoever takes the first steps: nobody else's start waits behind a thousand of these.
START = """
insert into outbox (lane, kind, run_kind, application_id, payload)
values ('outreach', 'start', 'intervention', %(intervention)s, %(payload)s)
"""
TELL = """
insert into outbox (lane, kind, run_kind, application_id, payload)
values ('engine', 'told', 'intervention', %(intervention)s, '{}'::jsonb)
"""
TELL_PEOPLE = """
insert into outbox (lane, kind, run_kind, application_id, payload)
select 'engine', 'told', 'intervention', id, '{}'::jsonb from intervention
where person_id = any(%(people)s) and closed_at is null
"""
ALERT = """
insert into outbox (lane, kind, run_kind, application_id, payload)
values ('alert', %(kind)s, 'intervention', %(about)s, %(payload)s)
"""


async def enter(connection: Connection, kind: str, intervention: str, *, now: datetime, **said: Any) -> None:
    await entering.enter(connection, entry_of(kind, intervention, now=now, **said), about=intervention)


def entry_of(
    kind: str,
    intervention: str,
    *,
    now: datetime,
    by: Actor = SYSTEM,
    reason: str = "",
    request: str = "",
    **facts: Any,
) -> Entry:
    return entry(
        kind,
        application=None,
        actor=by.id,
        reason=reason or kind,
        request=request or intervention,
        at=now,
        intervention=intervention,
        **facts,
    )


async def start_run(connection: Connection, intervention: str, product: str, priority: int) -> None:
    payload = Jsonb({"product": product, "priority": priority})
    await connection.execute(START, {"intervention": intervention, "payload": payload})


async def wake(connection: Connection, intervention: str) -> None:
    await connection.execute(TELL, {"intervention": intervention})


async def wake_people(connection: Connection, people: list[str]) -> None:
    await connection.execute(TELL_PEOPLE, {"people": people})


async def alert(connection: Connection, kind: str, about: str, event: dict[str, Any]) -> None:
    await connection.execute(ALERT, {"kind": kind, "about": about, "payload": Jsonb(event)})

"""A house as it stands after eighteen months: some real cases, customers and a drift check, and copies of their rows.

The copies are as large as what they were copied from and spread over time; they are there to be counted and listed.
What is opened on a page is one of the real ones, for a copy's sealed parts belong to somebody else, and nobody seals
the chain over copied entries: a ledger filled like this does not verify.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row
from temporalio.testing import ActivityEnvironment

from activities import activities_on
from activities.monitoring import DriftCheck
from activities.watching import Done, watch_of
from bench.house import PRODUCT, application_of
from plimsoll.domain.ids import DRIFT, new_id
from plimsoll.domain.monitoring.drift_report import Trigger
from plimsoll.domain.watching.events import Category, Direction, Event
from plimsoll.settings import Settings
from plimsoll.wiring import Ports
from workflows import names

REAL_CASES = 240
REAL_CUSTOMERS = 20
LEFT_OPEN = 10  # real cases that keep waiting for a person
AT_ONCE = 8
SPAN = timedelta(days=540)


@dataclass(frozen=True)
class Size:
    applications: int
    entries: int  # of the ledger
    customers: int
    episodes: int
    drift_checks: int


FULL = Size(applications=100_000, entries=1_000_000, customers=50_000, episodes=10_000, drift_checks=300)
SMALL = Size(applications=2_000, entries=20_000, customers=1_000, episodes=300, drift_checks=20)


@dataclass(frozen=True)
class Known:
    """Real things whose pages can be opened."""

    case: str
    waiting: str
    customer: str
    episode: str


async def fill(settings: Settings, ports: Ports, size: Size) -> Known:
    await _real_cases(settings)
    await _real_customers(ports)
    await _a_real_drift_check(ports)
    while await ports.sealer.seal_once():
        pass
    return await asyncio.to_thread(_copied, settings.database_owner_url, size)


# What is real -----------------------------------------------------------------------------------


async def _real_cases(settings: Settings) -> None:
    keys = json.loads((settings.secrets / "keys.json").read_text())
    async with httpx.AsyncClient(base_url=settings.api, trust_env=False, timeout=60) as client:
        as_ = {role: {"Authorization": f"Bearer {keys[role]}"} for role in ("channel", "analyst", "senior_reviewer")}
        product = (await client.get(f"/v1/products/{PRODUCT}", headers=as_["analyst"])).json()
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            body = application_of(product["example"], f"GEN-{number}", number)
            headers = as_["channel"] | {"Idempotency-Key": f"pages-{number}", "Prefer": "wait=20"}
            async with turns:
                (await client.post("/v1/applications", json=body, headers=headers)).raise_for_status()

        await asyncio.gather(*(one(number) for number in range(REAL_CASES)))
        await _answered(client, as_["senior_reviewer"])


async def _answered(client: httpx.AsyncClient, reviewer: dict[str, str]) -> None:
    """A person answers those that were referred, but for the last few."""
    tasks: list[dict[str, Any]] = []
    found = {"after": None, "has_more": True}
    while found["has_more"]:
        asked = {"limit": 100} | ({"after": found["after"]} if found["after"] else {})
        found = (await client.get("/v1/reviews", params=asked, headers=reviewer)).json()
        tasks += found["data"]
    for number, task in enumerate(tasks[:-LEFT_OPEN]):
        held = (await client.post(f"/v1/reviews/{task['id']}/claim", headers=reviewer)).json()
        outcome, reason = (("approve", "evidence_checked"), ("decline", "evidence_checked"))[number % 2]
        said = {"version": held["version"], "outcome": outcome, "reason": reason}
        answer = await client.post(f"/v1/reviews/{task['id']}/decision", json=said, headers=reviewer)
        answer.raise_for_status()
    await asyncio.sleep(3.0)  # their runs record what was said


async def _real_customers(ports: Ports) -> None:
    now = datetime.now(UTC)
    for number in range(REAL_CUSTOMERS):
        await ports.watch.log.accept(_a_life(f"WATCHED-{number}", now), now=now)
    watch, done = watch_of(ports), None
    while done != Done():
        done = await watch.take_events(now)


def _a_life(customer: str, now: datetime) -> list[Event]:
    """Half a year of salary, rent and shopping, and a debit that came back."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    events: list[Event] = []

    def paid(at: datetime, amount: int, category: Category, **more: Any) -> None:
        events.append(
            Event.model_validate(
                {"transaction_id": f"{customer}-{len(events)}", "customer": customer, "occurred_at": at, "known_at": at,
                 "amount": amount, "currency": "EUR", "direction": Direction.DEBIT, "category": category} | more
            )
        )  # fmt: skip

    for back in range(180, 1, -1):
        day = today - timedelta(days=back)
        if day.day == 25:
            paid(day, 3000, Category.SALARY, direction=Direction.CREDIT)
        if day.day == 3:
            paid(day, 900, Category.RENT)
        if day.weekday() == 4:
            paid(day, 150, Category.GROCERIES)
    paid(today - timedelta(days=1), 80, Category.TELECOM, failed=True)
    return events


async def _a_real_drift_check(ports: Ports) -> None:
    now = datetime.now(UTC)
    check = next(each for each in activities_on(names.BATCH, ports) if each.__name__ == "check")
    wanted = DriftCheck(
        product=PRODUCT, trigger=Trigger.PERSON, report=new_id(DRIFT), since=now - timedelta(hours=1), until=now
    )
    await ActivityEnvironment().run(check, wanted)


# What is copied ---------------------------------------------------------------------------------


def _copied(url: str, size: Size) -> Known:
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        copier = Copier(connection)
        copier.cases(size.applications)
        copier.outcomes()
        copier.customers(size.customers)
        copier.episodes(size.episodes)
        copier.drift_checks(size.drift_checks)
        copier.ledger(size.entries)
        connection.execute("vacuum analyze")
        return copier.known()


class Copier:
    """Each copy has a number, an id of its own, what it is a copy of, and how far back it lies."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._connection = connection

    def cases(self, count: int) -> None:
        """One of five hundred still waits for a person."""
        self._run(
            """
            create temp table copy as
            with ended as (select id, row_number() over (order by id) - 1 as place, count(*) over () as n
                           from application where closed_at is not null),
                 waiting as (select id, row_number() over (order by id) - 1 as place, count(*) over () as n
                             from application where status = 'review')
            select g as n, 'app_' || lpad(g::text, 26, '0') as id, 'per_' || lpad(g::text, 26, '0') as person,
                   t.id as template, t.person_id as template_person,
                   -%(span)s * (1 - g / %(count)s::float8) - interval '1 minute' as shift
            from generate_series(1, %(count)s) g
            join (select id, place, n, false as waits from ended union all
                  select id, place, n, true from waiting) named
              on named.waits = (g %% 500 = 0) and named.place = (g * 7919::bigint) %% named.n
            join application t on t.id = named.id
            """,
            count=count, span=SPAN,
        )  # fmt: skip
        self._run("create unique index on copy (id)")
        self._run("create index on copy (template)")
        self._run("analyze copy")
        self._run(
            "insert into person (id, reference_hash, wrapped_key, created_at) "
            "select c.person, sha256(c.person::bytea), p.wrapped_key, p.created_at + c.shift "
            "from copy c join person p on p.id = c.template_person"
        )
        own = "left(t.id, 4) || md5(t.id || c.id)"
        changes = {"id": "c.id", "person_id": "c.person", "external_id": "'COPY-' || c.n"}
        self._copy("application", changes, key="id")
        for table in ("evidence_request", "score", "proposal", "decision", "review_task", "step_attempt"):
            self._copy(table, {"application_id": "c.id", "id": own})

    def outcomes(self) -> None:
        """Loans older than half a year have ended, one in fifteen badly."""
        self._run(
            """
            insert into outcome (application_id, mark, bad, observed_on, known_on, amount, source, recorded_by,
                                 recorded_at)
            select c.id, 'final', c.n %% 15 = 0, (a.accepted_at + interval '170 days')::date,
                   (a.accepted_at + interval '180 days')::date, a.amount, 'file', a.accepted_by,
                   a.accepted_at + interval '180 days'
            from copy c join application a on a.id = c.id join decision d on d.application_id = a.id
            where d.outcome in ('approve', 'counter_offer') and a.accepted_at < now() - interval '180 days'
            """
        )

    def customers(self, count: int) -> None:
        """Some of those who applied are watched, at risks that differ."""
        self._run(
            """
            create temp table watched as
            with real as (select person_id, row_number() over (order by person_id) - 1 as place, count(*) over () as n
                          from customer_risk)
            select c.n, c.person as id, real.person_id as template, interval '0' as shift
            from copy c join real on real.place = c.n %% real.n where c.n <= %(count)s
            """,
            count=count,
        )
        severity = "case when c.n %% 97 = 0 then 3 when c.n %% 23 = 0 then 2 else c.n %% 2 end"
        for table in ("customer", "customer_state", "customer_risk", "customer_risk_change"):
            self._copy(
                table, {"person_id": "c.id", "probability": "random()", "severity": severity}, key="person_id",
                copies="watched",
            )  # fmt: skip

    def episodes(self, count: int) -> None:
        self._run(
            """
            create temp table helped as
            with real as (select id, row_number() over (order by id) - 1 as place, count(*) over () as n
                          from intervention)
            select c.n, 'int_' || lpad(c.n::text, 26, '0') as id, c.person, real.id as template,
                   -(interval '1 hour' * (%(count)s - c.n)) as shift
            from copy c join real on real.place = c.n %% real.n where c.n <= %(count)s
            """,
            count=count,
        )
        self._copy("intervention", {"id": "c.id", "person_id": "c.person"}, key="id", copies="helped")
        for table in ("intervention_trigger", "intervention_step"):
            changes = {"intervention_id": "c.id", "person_id": "c.person"}
            self._copy(table, changes, key="intervention_id", copies="helped")
        self._run(
            "insert into intervention_outcome (intervention_id, day, missed, messages, calls, opted_out, complained, "
            "seen_at) select i.id, d.day, random() < 0.2, 2, 1, false, false, i.opened_at + d.day * interval '1 day' "
            "from intervention i, unnest(array[30, 60, 90]) as d(day) "
            "where i.opened_at + d.day * interval '1 day' < now()"
        )

    def drift_checks(self, count: int) -> None:
        self._run(
            "create temp table checks as select g as n, 'drf_' || lpad(g::text, 26, '0') as id, r.id as template, "
            "-(interval '6 hours' * g) as shift from generate_series(1, %(count)s) g, drift_report r",
            count=count,
        )
        self._copy("drift_report", {"id": "c.id", "page": "null", "page_digest": "null"}, key="id", copies="checks")

    def ledger(self, count: int) -> None:
        """Every copied case has the entries of its model; the rest is about episodes. Each has a place in the chain."""
        body = "convert_to(replace(convert_from(t.body, 'UTF8'), c.template, c.id), 'UTF8')"
        self._copy("ledger_entry", {"application_id": "c.id", "body": body}, order="c.n, t.id")
        self._run(
            f"""
            insert into ledger_entry (kind, application_id, body, digest, recorded_at)
            select t.kind, c.id, {body}, t.digest, t.recorded_at + c.shift
            from generate_series(1, greatest(0, %(count)s - (select count(*) from ledger_entry))) g
            join helped c on c.n = 1 + g %% (select count(*) from helped)
            join lateral (select * from ledger_entry e where e.application_id = c.template order by e.id limit 1) t
              on true
            order by g
            """,
            count=count,
        )
        self._run(
            """
            insert into ledger_seal (seq, entry_id, prev, hash, sealed_at)
            select (select coalesce(max(seq), 0) from ledger_seal) + row_number() over (order by e.id), e.id,
                   sha256(int8send(e.id)), sha256(int8send(e.id + 1)), e.recorded_at
            from ledger_entry e where not exists (select 1 from ledger_seal s where s.entry_id = e.id)
            """
        )

    def known(self) -> Known:
        row = self._connection.execute(
            """
            select (select application_id from decision order by length(body_sealed) desc, application_id desc limit 1)
                       as case,
                   (select max(id) from application where status = 'review') as waiting,
                   (select max(person_id) from customer_risk) as customer,
                   (select max(id) from intervention) as episode
            """
        ).fetchone()
        assert row is not None
        return Known(**row)

    def counts(self) -> dict[str, int]:
        tables = ("application", "evidence_request", "step_attempt", "ledger_entry", "customer_risk", "intervention")
        found = self._connection.execute(
            "select " + ", ".join(f"(select count(*) from {table}) as {table}" for table in tables)
        ).fetchone()
        assert found is not None
        return found

    def _copy(
        self, table: str, changes: Mapping[str, str], *, key: str = "application_id", copies: str = "copy",
        order: str = "c.n",
    ) -> None:  # fmt: skip
        """Every row of the model, with its moments moved."""
        columns = self._connection.execute(
            "select column_name as name, udt_name as kind from information_schema.columns "
            "where table_schema = 'public' and table_name = %s and is_identity = 'NO' order by ordinal_position",
            (table,),
        ).fetchall()
        values = {
            row["name"]: changes.get(row["name"], f"t.{row['name']}" + (" + c.shift" if "stamp" in row["kind"] else ""))
            for row in columns
        }
        self._run(
            f"insert into {table} ({', '.join(values)}) select {', '.join(values.values())} "
            f"from {copies} c join {table} t on t.{key} = c.template order by {order}"
        )

    def _run(self, statement: str, **given: Any) -> None:
        self._connection.execute(statement, given)

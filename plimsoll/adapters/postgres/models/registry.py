"""Versions of models and the roles they play: Postgres is the authority on what is live.

Every change is one transaction: the row, and the ledger entry that says how it stands now. Role
changes of one model wait for each other on an advisory lock, so that entries come in their order.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.entering import enter
from plimsoll.adapters.postgres.ledger.standing import STANDING
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import InvalidRequest, NotFound
from plimsoll.domain.ids import MODEL, new_id
from plimsoll.domain.ledger import entry
from plimsoll.domain.models.assignment import Lineup
from plimsoll.domain.models.registry import ModelRecord, ModelState, Registration, RoleHeld, RoleName
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.ports import ModelRegistry

Connection = AsyncConnection[DictRow]
SHORTEST_VERSION = 4  # characters that may stand for a version

ROLES = """
coalesce((select jsonb_agg(jsonb_build_object('role', r.role, 'share', r.share, 'salt', r.salt, 'since', r.since,
                                              'set_by', r.set_by, 'reason', r.reason) order by r.role)
          from model_role r where r.model_id = m.id), '[]') as roles
"""
NAMES = """
(select jsonb_object_agg(a.id, a.name) from actor a
 where a.id in (m.created_by, m.proposed_by, m.approved_by)
    or a.id in (select r.set_by from model_role r where r.model_id = m.id)) as names
"""
RECORD = f"select m.*, {ROLES}, {NAMES} from model m"

FIND = f"""
{RECORD} where m.id = %(reference)s
   or (m.name = %(name)s and starts_with(m.version, %(version)s) and length(%(version)s) >= {SHORTEST_VERSION})
order by m.created_at desc limit 2
"""
FIND_BY_NAME = f"""
{RECORD} left join model_role r on r.model_id = m.id and r.role = 'champion'
where m.name = %(name)s or m.product = %(name)s
order by r.role is null, m.created_at desc, m.id desc limit 1
"""
LIST = f"""
{RECORD} where (%(name)s::text is null or m.name = %(name)s) and (%(product)s::text is null or m.product = %(product)s)
  and (%(state)s::text is null or m.state = %(state)s) and (%(after)s::text is null or m.id < %(after)s)
order by m.id desc limit %(limit)s
"""
LINEUP = """
select r.role, r.share, r.salt, m.name, m.version, m.digest,
       coalesce(m.manifest -> 'files' ->> 'calibration.json', '') as calibration
from model_role r join model m on m.id = r.model_id where r.name = %(name)s
"""
INSERT = """
insert into model (id, name, version, digest, product, algorithm, state, training_id, manifest, report_digest,
                   created_by, created_at, approved_at, note)
values (%(id)s, %(name)s, %(version)s, %(digest)s, %(product)s, %(algorithm)s, %(state)s, %(training_id)s,
        %(manifest)s, %(report_digest)s, %(created_by)s, %(created_at)s, %(approved_at)s, %(note)s)
on conflict do nothing returning id
"""
UPDATE = """
update model set state = %(state)s, proposed_by = %(proposed_by)s, proposed_at = %(proposed_at)s,
    approved_by = %(approved_by)s, approved_at = %(approved_at)s, note = %(note)s
where id = %(id)s
"""
SET_ROLE = """
insert into model_role (name, role, model_id, share, salt, set_by, reason, since)
values (%(name)s, %(role)s, %(model_id)s, %(share)s, %(salt)s, %(set_by)s, %(reason)s, %(since)s)
on conflict (name, role) do update set model_id = excluded.model_id, share = excluded.share, salt = excluded.salt,
    set_by = excluded.set_by, reason = excluded.reason, since = excluded.since
"""
HISTORY = """
select e.body, s.seq, actor.name as actor_name
from ledger_entry e
left join ledger_seal s on s.entry_id = e.id
left join actor on actor.id = convert_from(e.body, 'UTF8')::jsonb ->> 'actor'
where e.application_id is null and convert_from(e.body, 'UTF8')::jsonb ->> 'model' = %(model)s order by e.id
"""


class Registry:
    def __init__(self, database: Database) -> None:
        self._database = database

    # Reading ------------------------------------------------------------------------------

    async def find(self, reference: str) -> ModelRecord:
        """By `mdl_…`, by `name@version` (its beginning will do), or by name: then what is live, else the newest.

        Raises NotFound, InvalidRequest when the beginning fits several.
        """
        name, _, version = reference.partition("@")
        query = FIND if version or reference.startswith(f"{MODEL}_") else FIND_BY_NAME
        rows = await self._database.rows(query, {"reference": reference, "name": name, "version": version})
        if not rows:
            raise NotFound(f"There is no model {reference}: `plimsoll model list` shows them.")
        if len(rows) > 1:
            raise InvalidRequest(f"{reference} fits several versions: give more of it.")
        return _record(rows[0])

    async def find_all(
        self, *, limit: int, after: str | None = None, name: str | None = None, product: str | None = None,
        state: ModelState | None = None,
    ) -> Sequence[ModelRecord]:  # fmt: skip
        """Newest first."""
        asked = {"name": name, "product": product, "state": state, "after": after, "limit": limit}
        return [_record(row) for row in await self._database.rows(LIST, asked)]

    async def history(self, model: str) -> Sequence[dict[str, Any]]:
        """What the ledger says of this version, in order."""
        rows = await self._database.rows(HISTORY, {"model": model})
        return [{"seq": row["seq"], "actor_name": row["actor_name"], **json.loads(bytes(row["body"]))} for row in rows]

    async def last_change(self) -> int:
        """A number that grows with every change of any version or role; 0 before the first."""
        row = await self._database.row(
            "select coalesce(max(id), 0) as id from ledger_entry "
            "where application_id is null and kind = any(%(kinds)s)",
            {"kinds": [kind for name in ("model", "model_role") for kind in STANDING[name].kinds]},
        )
        return row["id"] if row else 0

    async def lineup(self, name: str) -> Lineup:
        """Who plays which role now."""
        rows = {RoleName(row["role"]): row for row in await self._database.rows(LINEUP, {"name": name})}
        challenger = rows.get(RoleName.CHALLENGER)
        pins = {role.value: _pin(row, role) for role, row in rows.items()}
        return Lineup(
            name=name, share=challenger["share"] if challenger else 0.0,
            salt=challenger["salt"] if challenger else "", **pins,
        )  # fmt: skip

    # Changing -----------------------------------------------------------------------------

    async def register(
        self, version: Registration, *, by: Actor, request: str, now: datetime, training: str | None = None
    ) -> ModelRecord:
        """A trained version becomes a candidate; the same one again is found."""
        return await self._insert(version, "model.registered", by, request, now, training_id=training)

    async def adopt(self, version: Registration, *, by: Actor, request: str, now: datetime, reason: str) -> ModelRecord:
        """What decided before there was a registry becomes champion, unless something is champion already."""
        adopted = await self._insert(
            version, "model.adopted", by, request, now, state=ModelState.APPROVED, approved_at=now, note=reason
        )
        async with self._database.transaction() as connection:
            await _in_turn(connection, adopted.name)
            if not await _holders(connection, adopted.name):
                await self._give(connection, adopted, RoleName.CHAMPION, 0.0, None, by, reason, request, now)
        return await self.find(adopted.id)

    async def propose(self, model: str, *, by: Actor, reason: str, request: str, now: datetime) -> ModelRecord:
        return await self._change(
            model, "model.proposed", lambda record: record.proposed(by, now), by, reason, request, now
        )

    async def approve(self, model: str, *, by: Actor, reason: str, request: str, now: datetime) -> ModelRecord:
        return await self._change(
            model, "model.approved", lambda record: record.approved(by, now), by, reason, request, now
        )

    async def reject(self, model: str, *, by: Actor, reason: str, request: str, now: datetime) -> ModelRecord:
        return await self._change(
            model, "model.rejected", lambda record: record.rejected(by, reason), by, reason, request, now
        )

    async def retire(self, model: str, *, by: Actor, reason: str, request: str, now: datetime) -> ModelRecord:
        return await self._change(
            model, "model.retired", lambda record: record.retired(reason), by, reason, request, now
        )

    async def set_role(
        self, model: str, role: RoleName, *, share: float = 0.0, salt: str | None = None, by: Actor, reason: str,
        request: str, now: datetime,
    ) -> ModelRecord:  # fmt: skip
        """Gives a role, taking it from whoever had it. A champion gives up its other roles."""
        async with self._database.transaction() as connection:
            await self.set_role_in(
                connection, model, role, share=share, salt=salt, by=by, reason=reason, request=request, now=now
            )
        return await self.find(model)

    async def clear_role(
        self, name: str, role: RoleName, *, by: Actor, reason: str, request: str, now: datetime
    ) -> ModelRecord | None:
        """Nobody plays it any more; None when nobody did. Raises InvalidRequest for the champion's."""
        async with self._database.transaction() as connection:
            record = await self.clear_role_in(connection, name, role, by=by, reason=reason, request=request, now=now)
        return await self.find(record.id) if record else None

    # The same for those who change more in one transaction, such as a roll-out.

    async def locked(self, connection: Connection, model: str) -> ModelRecord:
        """The version, held until the transaction ends. Raises NotFound."""
        await connection.execute("select id from model where id = %(id)s for update", {"id": model})
        row = await (await connection.execute(f"{RECORD} where m.id = %(id)s", {"id": model})).fetchone()
        if row is None:
            raise NotFound(f"There is no model {model}: `plimsoll model list` shows them.")
        return _record(row)

    async def set_role_in(
        self, connection: Connection, model: str, role: RoleName, *, share: float = 0.0, salt: str | None = None,
        by: Actor, reason: str, request: str, now: datetime,
    ) -> None:  # fmt: skip
        await _in_turn(connection, (await self.locked(connection, model)).name)
        record = await self.locked(connection, model)
        share = share if role is RoleName.CHALLENGER else 0.0
        record.must_be_fit_for(role, share)
        held = record.plays(role)
        if held is None or held.share != share or salt not in (None, held.salt):
            await self._give(connection, record, role, share, salt, by, reason, request, now)
        if role is RoleName.CHAMPION:
            for other in record.roles:
                if other.role is not RoleName.CHAMPION:
                    await self._take(connection, record, other.role, by, reason, request, now)

    async def clear_role_in(
        self, connection: Connection, name: str, role: RoleName, *, by: Actor, reason: str, request: str, now: datetime
    ) -> ModelRecord | None:
        if role is RoleName.CHAMPION:
            raise InvalidRequest(f"{name} needs a champion: promote another version instead.")
        await _in_turn(connection, name)
        holder = (await _holders(connection, name)).get(role)
        if holder is None:
            return None
        record = await self.locked(connection, holder["model_id"])
        await self._take(connection, record, role, by, reason, request, now)
        return record

    # Below --------------------------------------------------------------------------------

    async def _insert(
        self, version: Registration, kind: str, by: Actor, request: str, now: datetime, **given: Any
    ) -> ModelRecord:
        values: Row = {
            **dict.fromkeys(STANDING["model"].columns),
            **version.model_dump(exclude={"blockers"}),
            "id": new_id(MODEL), "state": ModelState.CANDIDATE, "created_by": by.id, "created_at": now, **given,
        }  # fmt: skip
        async with self._database.transaction() as connection:
            made = await (await connection.execute(INSERT, values | {"manifest": Jsonb(version.manifest)})).fetchone()
            if made:
                facts = {"product": version.product, "files": version.files, "report": version.report_digest or ""}
                await _enter(connection, kind, "model", values["id"], values, by, "registered", request, now, **facts)
        return await self.find(f"{version.name}@{version.version}")

    async def _change(
        self, model: str, kind: str, change: Callable[[ModelRecord], ModelRecord], by: Actor, reason: str, request: str,
        now: datetime,
    ) -> ModelRecord:  # fmt: skip
        async with self._database.transaction() as connection:
            record = await self.locked(connection, model)
            changed = change(record)
            if changed is not record:
                values = changed.model_dump(include=set(STANDING["model"].columns))
                await connection.execute(UPDATE, values | {"manifest": None})
                await _enter(connection, kind, "model", record.id, values, by, reason, request, now)
        return await self.find(model)

    async def _give(
        self, connection: Connection, record: ModelRecord, role: RoleName, share: float, salt: str | None, by: Actor,
        reason: str, request: str, now: datetime,
    ) -> None:  # fmt: skip
        if salt is None:
            # A share that grows must keep who was in; another challenger deals anew.
            held = record.plays(role)
            salt = held.salt if held else (secrets.token_hex(8) if role is RoleName.CHALLENGER else "")
        values: Row = {
            "name": record.name, "role": role, "model_id": record.id, "share": share, "salt": salt, "set_by": by.id,
            "reason": reason, "since": now,
        }  # fmt: skip
        await connection.execute(SET_ROLE, values)
        await _role_changed(connection, record, role, values, by, reason, request, now)

    async def _take(
        self, connection: Connection, record: ModelRecord, role: RoleName, by: Actor, reason: str, request: str,
        now: datetime,
    ) -> None:  # fmt: skip
        await connection.execute(
            "delete from model_role where name = %(name)s and role = %(role)s", {"name": record.name, "role": role}
        )
        await _role_changed(connection, record, role, None, by, reason, request, now)


async def _in_turn(connection: Connection, name: str) -> None:
    await connection.execute("select pg_advisory_xact_lock(hashtext('model_role'), hashtext(%(name)s))", {"name": name})


async def _holders(connection: Connection, name: str) -> dict[RoleName, Row]:
    rows = await (await connection.execute("select * from model_role where name = %(name)s", {"name": name})).fetchall()
    return {RoleName(row["role"]): row for row in rows}


async def _role_changed(
    connection: Connection, record: ModelRecord, role: RoleName, values: Row | None, by: Actor, reason: str,
    request: str, now: datetime,
) -> None:  # fmt: skip
    share = {"share": repr(values["share"]), "salt": values["salt"]} if values else {}
    await _enter(
        connection, "model.role_changed", "model_role", f"{record.name}/{role}", values, by, reason, request, now,
        model=record.id, version=record.version, model_digest=record.digest, role=role.value,
        held=values is not None, **share,
    )  # fmt: skip


async def _enter(
    connection: Connection, kind: str, table: str, about: str, values: Row | None, by: Actor, reason: str,
    request: str, now: datetime, **facts: Any,
) -> None:  # fmt: skip
    if table == "model" and values:
        facts |= {"model": values["id"], "model_digest": values["digest"], "state": str(values["state"])}
    row = STANDING[table].row_digest(values) if values is not None else None
    written = entry(
        kind, application=None, actor=by.id, reason=reason, request=request, at=now, about=about, row=row, **facts
    )
    await enter(connection, written)


def _record(row: Row) -> ModelRecord:
    roles = tuple(RoleHeld.model_validate(held) for held in row["roles"])
    return ModelRecord(**row | {"roles": roles, "names": row["names"] or {}})


def _pin(row: Row, role: RoleName) -> ModelPin:
    arm = RoleName.CHAMPION if role is RoleName.CHAMPION else role
    known = {name: row[name] for name in ("name", "version", "digest", "calibration")}
    return ModelPin(role=role.value, arm=arm.value, **known)


class CachedLineups:
    """Who plays which role, asked of Postgres once a second: scoring asks for every application."""

    def __init__(self, registry: ModelRegistry, keep: float = 1.0) -> None:
        self._registry = registry
        self._keep = keep
        self._known: dict[str, tuple[float, Lineup]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def lineup(self, name: str) -> Lineup:
        """As it was at most a second ago."""
        known = self._fresh(name)
        if known is None:
            async with self._asking.setdefault(name, asyncio.Lock()):
                known = self._fresh(name) or await self._registry.lineup(name)
                self._known[name] = (time.monotonic(), known)
        return known

    def _fresh(self, name: str) -> Lineup | None:
        at, lineup = self._known.get(name, (float("-inf"), None))
        return lineup if time.monotonic() - at < self._keep else None

    def forget(self) -> None:
        """A role changed in this process: nothing remembered may outlive it."""
        self._known.clear()

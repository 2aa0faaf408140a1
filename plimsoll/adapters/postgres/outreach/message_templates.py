"""Message templates on record: proposed by one person, approved by another, and only then sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.standing import STANDING
from plimsoll.adapters.postgres.outreach.people import Connection, enter
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import Conflict, NotAllowed, NotFound
from plimsoll.domain.outreach.templates import Template

FIND = """
select t.*, p.name as proposer, a.name as approver from message_template t
join actor p on p.id = t.proposed_by left join actor a on a.id = t.approved_by
"""
ORDER = "order by t.name, t.version desc"
ONE = f"{FIND} where t.name = %(name)s and (%(version)s::integer is null or t.version = %(version)s) {ORDER} limit 1"
PROPOSE = """
insert into message_template (name, version, channel, digest, content, proposed_by, proposed_at)
values (%(name)s, %(version)s, %(channel)s, %(digest)s, %(content)s, %(proposed_by)s, %(proposed_at)s)
on conflict do nothing returning *
"""


class OwnProposal(NotAllowed):
    code = "own_proposal"


class TemplateChanged(Conflict):
    code = "template_changed"


class MessageTemplates:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[dict[str, Any]]:
        """Every version, newest first within its name."""
        return [shown(row) for row in await self._database.rows(f"{FIND} {ORDER}")]

    async def get(self, name: str, version: int | None = None) -> dict[str, Any]:
        """The newest version, or this one. Raises NotFound."""
        row = await self._database.row(ONE, {"name": name, "version": version})
        if row is None:
            raise NotFound(
                f"There is no template {name}{f'@{version}' if version else ''} on record: propose it first."
            )
        return shown(row)

    async def propose(
        self, template: Template, *, by: Actor, reason: str, request: str, now: datetime
    ) -> dict[str, Any]:
        """Once; the same again is found. Raises TemplateChanged when this version says something else on record."""
        row = {
            "name": template.name, "version": template.version, "channel": template.channel.value,
            "digest": template.digest, "content": template.model_dump(mode="json"), "proposed_by": by.id,
            "proposed_at": now, **dict.fromkeys(("approved_by", "approved_at", "retired_by", "retired_at")),
        }  # fmt: skip
        async with self._database.transaction() as connection:
            made = await (await connection.execute(PROPOSE, row | {"content": Jsonb(row["content"])})).fetchone()
            if made:
                await _enter(connection, "template.proposed", made, by, reason, request, now)
        stored = await self.get(template.name, template.version)
        if stored["digest"] != template.digest:
            raise TemplateChanged(
                f"{template.name}@{template.version} is on record with other words: raise its version to change them."
            )
        return stored

    async def approve(
        self, name: str, version: int, digest: str | None, *, by: Actor, reason: str, request: str, now: datetime
    ) -> dict[str, Any]:
        """By somebody other than who proposed it. Raises NotFound, OwnProposal, TemplateChanged."""
        async with self._database.transaction() as connection:
            row = await _locked(connection, name, version)
            if row["proposed_by"] == by.id:
                raise OwnProposal(f"You proposed {name}@{version} yourself: somebody else approves it.")
            if digest and digest != row["digest"]:
                raise TemplateChanged(f"{name}@{version} on record says something else than what you have read.")
            if row["approved_at"] is None:
                await self._sign(connection, row, "approved", by, reason, request, now)
        return await self.get(name, version)

    async def retire(
        self, name: str, version: int, *, by: Actor, reason: str, request: str, now: datetime
    ) -> dict[str, Any]:
        """Nobody gets it any more, from the next message on; an older approved version takes its place."""
        async with self._database.transaction() as connection:
            row = await _locked(connection, name, version)
            if row["retired_at"] is None:
                await self._sign(connection, row, "retired", by, reason, request, now)
        return await self.get(name, version)

    async def _sign(
        self, connection: Connection, row: Row, what: str, by: Actor, reason: str, request: str, now: datetime
    ) -> None:
        signed = row | {f"{what}_by": by.id, f"{what}_at": now}
        await connection.execute(
            f"update message_template set {what}_by = %(by)s, {what}_at = %(now)s "
            "where name = %(name)s and version = %(version)s",
            {"by": by.id, "now": now, "name": row["name"], "version": row["version"]},
        )
        await _enter(connection, f"template.{what}", signed, by, reason, request, now)


async def _locked(connection: Connection, name: str, version: int) -> Row:
    found = await connection.execute(
        "select * from message_template where name = %(name)s and version = %(version)s for update",
        {"name": name, "version": version},
    )
    row = await found.fetchone()
    if row is None:
        raise NotFound(f"There is no template {name}@{version} on record: propose it first.")
    return row


async def _enter(
    connection: Connection, kind: str, row: Row, by: Actor, reason: str, request: str, now: datetime
) -> None:
    await enter(
        connection, kind, None, now=now, by=by, reason=reason, request=request, about=f"{row['name']}@{row['version']}",
        row=STANDING["message_template"].row_digest(row), template_digest=row["digest"],
    )  # fmt: skip


def shown(row: Row) -> dict[str, Any]:
    state = "retired" if row["retired_at"] else "approved" if row["approved_at"] else "proposed"
    return {
        "name": row["name"], "version": row["version"], "channel": row["channel"], "state": state,
        "digest": row["digest"], "proposed_by": row["proposer"], "proposed_at": row["proposed_at"],
        "approved_by": row["approver"], "approved_at": row["approved_at"], "content": row["content"],
    }  # fmt: skip

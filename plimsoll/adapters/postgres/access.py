"""Actors, API keys and console sessions."""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.access import Actor, Role
from plimsoll.domain.errors import NotFound, NotSignedIn
from plimsoll.domain.ids import ACTOR, KEY, SESSION, new_id
from plimsoll.domain.ledger import entry

SESSION_IDLE = timedelta(minutes=15)
SESSION_LIFE = timedelta(hours=8)
KEYS_FILE = "keys.json"

# Told by the very statement that ends a key or session, so that its commit is the notice. Only
# these statements notify: the lock that notifying takes at commit is never in the way of a case.
ENDED = "access_ended"

FIND_KEY = """
select k.id, k.secret_hash, k.roles, a.id as actor_id, a.name
from api_key k join actor a on a.id = k.actor_id
where k.id = %(id)s and k.revoked_at is null and a.disabled_at is null
  and (k.expires_at is null or k.expires_at > now())
"""

# Only a person's own act keeps a session alive; a page that refreshes itself does not.
FIND_SESSION = """
with found as (
    select s.id, k.roles, a.id as actor_id, a.name, s.active_at
    from session s join api_key k on k.id = s.key_id join actor a on a.id = k.actor_id
    where s.token_hash = %(hash)s and s.ended_at is null and s.expires_at > now()
      and s.active_at > now() - %(idle)s and k.revoked_at is null and a.disabled_at is null
      and (k.expires_at is null or k.expires_at > now())
), touched as (
    update session set active_at = now()
    where id in (select id from found where %(by_a_person)s and active_at < now() - interval '20 seconds')
)
select * from found
"""


class Access:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def actor_of_key(self, key: str) -> Actor:
        """Who holds `plk_<id>_<secret>`. Raises NotSignedIn."""
        key_id, secret = split_key(key)
        row = await self._database.row(FIND_KEY, {"id": key_id})
        if row is None or not hmac.compare_digest(bytes(row["secret_hash"]), hash_of(secret)):
            raise NotSignedIn("This API key is unknown, revoked or expired: ask an admin for a new one.")
        return as_actor(row)

    async def open_session(self, actor: Actor) -> tuple[str, datetime]:
        """A console session on the key that signed in: its opaque token and when it ends at the latest."""
        token = secrets.token_urlsafe(32)
        ends = datetime.now(UTC) + SESSION_LIFE
        await self._database.run(
            "insert into session (id, token_hash, key_id, expires_at) values (%(id)s, %(hash)s, %(key)s, %(ends)s)",
            {"id": new_id(SESSION), "hash": hash_of(token), "key": actor.credential, "ends": ends},
        )
        return f"pls_{token}", ends

    async def actor_of_session(self, token: str, by_a_person: bool) -> Actor:
        """Whose session this is. Raises NotSignedIn when it ended, idled out or was revoked."""
        row = await self._database.row(
            FIND_SESSION,
            {"hash": hash_of(token.removeprefix("pls_")), "idle": SESSION_IDLE, "by_a_person": by_a_person},
        )
        if row is None:
            raise NotSignedIn("This session has ended: sign in again.")
        return as_actor(row)

    async def end_session(self, token: str) -> None:
        await self._database.run(
            """
            update session set ended_at = now() where token_hash = %(hash)s and ended_at is null
            returning pg_notify(%(ended)s, '')
            """,
            {"hash": hash_of(token.removeprefix("pls_")), "ended": ENDED},
        )

    async def create_key(
        self, actor_name: str, roles: Sequence[Role], *, name: str, by: Actor, request: str, kind: str = "staff"
    ) -> str:
        """A new key for this actor (made if unknown). The key is shown once: only its hash is kept."""
        key_id, secret = new_id(KEY), secrets.token_urlsafe(32)
        made = entry(
            "key.created",
            application=None,
            actor=by.id,
            reason="created",
            request=request,
            at=datetime.now(UTC),
            key=key_id,
            holder=actor_name,
            roles=sorted(roles),
        )
        await self._database.run(
            """
            with holder as (
                insert into actor (id, name, kind, roles) values (%(actor)s, %(actor_name)s, %(kind)s, %(roles)s)
                on conflict (name) do update set name = excluded.name returning id
            ), entered as (
                insert into ledger_entry (kind, body, digest) values ('key.created', %(body)s, %(digest)s)
            )
            insert into api_key (id, actor_id, name, secret_hash, roles)
            select %(id)s, holder.id, %(name)s, %(hash)s, %(roles)s from holder
            """,
            {
                "actor": new_id(ACTOR),
                "actor_name": actor_name,
                "kind": kind,
                "roles": list(roles),
                "id": key_id,
                "name": name,
                "hash": hash_of(secret),
                "body": made.body,
                "digest": made.digest,
            },
        )
        return f"plk_{key_id.removeprefix('key_')}_{secret}"

    async def revoke_key(self, key_id: str, *, by: Actor, request: str) -> None:
        """Ends a key and every session opened with it. Raises NotFound."""
        ended = entry(
            "key.revoked",
            application=None,
            actor=by.id,
            reason="revoked",
            request=request,
            at=datetime.now(UTC),
            key=key_id,
        )
        touched = await self._database.run(
            """
            with revoked as (
                update api_key set revoked_at = now() where id = %(id)s and revoked_at is null
                returning id, pg_notify(%(ended)s, '')
            )
            insert into ledger_entry (kind, body, digest)
            select 'key.revoked', %(body)s, %(digest)s from revoked
            """,
            {"id": key_id, "body": ended.body, "digest": ended.digest, "ended": ENDED},
        )
        if not touched:
            raise NotFound(f"There is no active key {key_id}: `plimsoll key list` shows them.")

    def endings(self) -> AsyncIterator[None]:
        """A beat whenever a key or session ended in any process, or may have while nobody listened."""
        return self._database.notices(ENDED)

    async def keys(self) -> list[Row]:
        return await self._database.rows(
            """
            select k.id, k.name, a.name as actor, k.roles, k.created_at, k.expires_at, k.revoked_at
            from api_key k join actor a on a.id = k.actor_id order by k.created_at
            """
        )


def split_key(key: str) -> tuple[str, str]:
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != "plk" or not secret:
        raise NotSignedIn("This is not a Plimsoll API key: it starts with plk_ and has a second underscore.")
    return f"{KEY}_{key_id}", secret


def hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def as_actor(row: Row) -> Actor:
    return Actor(
        id=row["actor_id"], name=row["name"], roles=tuple(Role(role) for role in row["roles"]), credential=row["id"]
    )


async def make_first_keys(database_url: str, secrets_dir: Path) -> None:
    """One local actor and key per role, written to `keys.json` (0600), unless keys that work are there."""
    database = Database(database_url, size=1)
    await database.open(wait=10)
    try:
        access = Access(database)
        path = secrets_dir / KEYS_FILE
        keys: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        for role in Role:
            if role not in keys or not await _works(access, keys[role]):
                keys[role] = await access.create_key(
                    f"local {role.replace('_', ' ')}", [role], name="first run", by=FIRST_RUN, request="first-run"
                )
        _write_private(path, json.dumps(keys, indent=2))
    finally:
        await database.close()


async def make_first_admin(database_url: str, key_file: Path) -> None:
    """In production nobody holds a key yet: the first admin's is left in a file, once."""
    database = Database(database_url, size=1)
    await database.open(wait=10)
    try:
        access = Access(database)
        if not await access.keys():
            key = await access.create_key(
                "first admin", [Role.ADMIN], name="first run", by=FIRST_RUN, request="first-run"
            )
            _write_private(key_file, key)
    finally:
        await database.close()


FIRST_RUN = Actor(id="act_system", name="first run", roles=())


async def _works(access: Access, key: str) -> bool:
    try:
        await access.actor_of_key(key)
    except NotSignedIn:
        return False
    return True


def _write_private(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content + "\n")
    draft.replace(path)

"""The ledger's chain: sealed behind the work by one sealer, verified by anyone.

Entries are inserted by the transactions they record. Chaining them there would halve the rate
(ADR 0005), so one sealer, at a time, appends what has committed to `ledger_seal` and signs a
checkpoint to a place outside the database now and then.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from psycopg import AsyncConnection
from psycopg.rows import DictRow

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.standing import NEWEST, STANDING, Standing
from plimsoll.adapters.postgres.ledger.stating import STATEMENTS, Statement
from plimsoll.domain.ledger import FIRST_LINK, digest, link

SEALER_LOCK = 72_747_325
BATCH = 2000
YOUNG = timedelta(seconds=30)  # an entry this old is sealed, or nobody seals
CHECKPOINT_EVERY = timedelta(seconds=60)
CHECKPOINT_ENTRIES = 1000

UNSEALED = """
select e.id, e.digest from ledger_entry e
where e.id > %(floor)s and not exists (select 1 from ledger_seal s where s.entry_id = e.id)
order by e.id limit %(limit)s
"""

APPEND = """
insert into ledger_seal (seq, entry_id, prev, hash)
select * from unnest(%(seqs)s::bigint[], %(entries)s::bigint[], %(prevs)s::bytea[], %(hashes)s::bytea[])
"""


@dataclass
class Tip:
    """The end of the chain, and the id below which everything is sealed for good."""

    seq: int
    hash: bytes
    floor: int


class Sealer:
    """Appends what has committed, in the order of ids, while it holds the lock."""

    def __init__(self, database: Database, checkpoints: "Checkpoints | None" = None) -> None:
        self._database = database
        self._checkpoints = checkpoints

    async def run(self, every: float = 0.1) -> None:
        """Seals for ever; waits its turn while another process seals."""
        while True:
            async with self._turn() as connection:
                if connection is not None:
                    await self._seal_from(connection, every)
            await asyncio.sleep(2)

    async def seal_once(self) -> int:
        """Seals all there is now. Returns how many entries; 0 also when another process seals."""
        async with self._turn() as connection:
            if connection is None:
                return 0
            tip, sealed = await self._tip(connection), 0
            while count := await self._append(connection, tip):
                sealed += count
            if self._checkpoints and sealed:
                self._checkpoints.write(tip.seq, tip.hash)
            return sealed

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[AsyncConnection[DictRow] | None]:
        async with self._database.connection() as connection:
            row = await (await connection.execute("select pg_try_advisory_lock(%s) as mine", (SEALER_LOCK,))).fetchone()
            if not row or not row["mine"]:
                yield None
                return
            try:
                yield connection
            finally:
                if not connection.closed and not connection.broken:
                    await connection.execute("select pg_advisory_unlock(%s)", (SEALER_LOCK,))

    async def _seal_from(self, connection: AsyncConnection[DictRow], every: float) -> None:
        tip = await self._tip(connection)
        last_checkpoint, last_look_back = tip.seq, datetime.now(UTC)
        at = datetime.now(UTC)
        while True:
            count = await self._append(connection, tip)
            now = datetime.now(UTC)
            due = tip.seq - last_checkpoint >= CHECKPOINT_ENTRIES or (
                tip.seq > last_checkpoint and now - at >= CHECKPOINT_EVERY
            )
            if self._checkpoints and due:
                self._checkpoints.write(tip.seq, tip.hash)
                last_checkpoint, at = tip.seq, now
            if now - last_look_back > YOUNG:
                tip.floor, last_look_back = await self._settled_floor(connection), now
            if count < BATCH:
                await asyncio.sleep(every)

    async def _tip(self, connection: AsyncConnection[DictRow]) -> Tip:
        row = await (await connection.execute("select seq, hash from ledger_seal order by seq desc limit 1")).fetchone()
        return Tip(seq=row["seq"], hash=bytes(row["hash"]), floor=0) if row else Tip(seq=0, hash=FIRST_LINK, floor=0)

    async def _settled_floor(self, connection: AsyncConnection[DictRow]) -> int:
        """Ids are drawn before commit, but statements are short: nothing new appears below what is a minute old."""
        row = await (
            await connection.execute(
                "select coalesce(max(entry_id), 0) as floor from ledger_seal "
                "where sealed_at < now() - interval '1 minute'"
            )
        ).fetchone()
        return row["floor"] if row else 0

    async def _append(self, connection: AsyncConnection[DictRow], tip: Tip) -> int:
        rows = await (await connection.execute(UNSEALED, {"floor": tip.floor, "limit": BATCH})).fetchall()
        if not rows:
            return 0
        hashes = [tip.hash]
        for seq, row in enumerate(rows, start=tip.seq + 1):
            hashes.append(link(seq, row["id"], hashes[-1], bytes(row["digest"])))
        await connection.execute(
            APPEND,
            {
                "seqs": list(range(tip.seq + 1, tip.seq + 1 + len(rows))),
                "entries": [row["id"] for row in rows],
                "prevs": hashes[:-1],
                "hashes": hashes[1:],
            },
        )
        tip.seq, tip.hash = tip.seq + len(rows), hashes[-1]
        return len(rows)


class Checkpoints:
    """Signed tips of the chain, one JSON line each, in a file outside the database.

    Production points this at a place the database's administrator cannot write.
    """

    def __init__(self, file: Path, private_key: Path | None = None, public_key: Path | None = None) -> None:
        self._file = file
        self._private = private_key
        self._public = public_key

    def write(self, seq: int, tip: bytes) -> None:
        if self._private is None:
            return
        key = serialization.load_pem_private_key(self._private.read_bytes(), password=None)
        assert isinstance(key, Ed25519PrivateKey)
        content = {"seq": seq, "hash": tip.hex(), "at": datetime.now(UTC).isoformat()}
        signed = content | {"signature": key.sign(_signed_bytes(content)).hex()}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a+b") as file:
            file.truncate(len(self._whole_lines()))
            file.write(json.dumps(signed).encode() + b"\n")

    def read(self) -> list[dict[str, Any]]:
        """Every checkpoint ever written; a line that cannot be read counts as one nobody signed."""
        return [_read_line(line) for line in self._whole_lines().splitlines()]

    def _whole_lines(self) -> bytes:
        """Without a last line torn by a crash."""
        content = self._file.read_bytes() if self._file.exists() else b""
        return content[: content.rfind(b"\n") + 1]

    def forged(self, checkpoint: dict[str, Any]) -> bool:
        if self._public is None:
            return False
        key = serialization.load_pem_public_key(self._public.read_bytes())
        assert isinstance(key, Ed25519PublicKey)
        try:
            key.verify(bytes.fromhex(checkpoint["signature"]), _signed_bytes(checkpoint))
        except (InvalidSignature, ValueError, KeyError):
            return True
        return False


def _read_line(line: bytes) -> dict[str, Any]:
    try:
        mark = json.loads(line)
        return mark | {"seq": int(mark["seq"])}
    except (ValueError, TypeError, KeyError):
        return {"seq": 0}


def _signed_bytes(content: dict) -> bytes:
    return json.dumps({k: content[k] for k in ("at", "hash", "seq")}, sort_keys=True).encode()


# Verification -----------------------------------------------------------------------------------

# An application's state is no row of its own: what ended it must be on record.
ENTERED = "exists (select 1 from ledger_entry e where e.application_id = a.id and e.kind = 'application.{}')"
ENDED = {
    "decided": "exists (select 1 from decision d where d.application_id = a.id and d.round = a.round)",
    "withdrawn": ENTERED.format("withdrawn"),
    "expired": ENTERED.format("expired"),
}


@dataclass
class Verification:
    """What `plimsoll verify` found; `problem` names the first bad thing, None when all is well."""

    entries: int
    sealed: int
    rows: int
    checkpoints: int
    problem: str | None = None
    seq: int | None = None
    entry: int | None = None

    @property
    def ok(self) -> bool:
        return self.problem is None


class Verifier:
    """Reads everything again and believes nothing: bytes, chain, checkpoints, rows, the unsealed tail."""

    def __init__(self, database: Database, checkpoints: Checkpoints | None = None) -> None:
        self._database = database
        self._checkpoints = checkpoints

    async def verify(self) -> Verification:
        found = Verification(entries=0, sealed=0, rows=0, checkpoints=0)
        for check in (self._chain, self._tail, self._rows):
            await check(found)
            if not found.ok:
                break
        return found

    async def _chain(self, found: Verification) -> None:
        marks = {mark["seq"]: mark for mark in (self._checkpoints.read() if self._checkpoints else [])}
        forged = [seq for seq, mark in marks.items() if self._checkpoints and self._checkpoints.forged(mark)]
        if forged:
            return _blame(found, f"the checkpoint at seq {forged[0]} carries no valid signature", seq=forged[0])
        last, seq = FIRST_LINK, 0
        while rows := await self._next(seq):
            for row in rows:
                problem = _bad_link(row, seq + 1, last)
                if not problem and row["seq"] in marks and marks[row["seq"]]["hash"] != bytes(row["hash"]).hex():
                    problem = "a signed checkpoint says another hash"
                if problem:
                    return _blame(found, f"seq {seq + 1}: {problem}", seq=seq + 1, entry=row["entry_id"])
                seq, last = row["seq"], bytes(row["hash"])
        found.sealed, found.checkpoints = seq, len(marks)
        if marks and max(marks) > seq:
            _blame(found, f"seq {seq + 1}: the chain was cut; a checkpoint knew seq {max(marks)}", seq=seq + 1)

    async def _next(self, after: int) -> list[Row]:
        return await self._database.rows(
            """
            select s.seq, s.entry_id, s.prev, s.hash, e.body, e.digest
            from ledger_seal s left join ledger_entry e on e.id = s.entry_id
            where s.seq > %(after)s order by s.seq limit 5000
            """,
            {"after": after},
        )

    async def _tail(self, found: Verification) -> None:
        row = await self._database.row(
            """
            select count(*) as entries,
                   (select min(e.id) from ledger_entry e
                    where e.recorded_at < now() - %(young)s
                      and not exists (select 1 from ledger_seal s where s.entry_id = e.id)) as forgotten,
                   (select min(e.id) from ledger_entry e where sha256(e.body) <> e.digest) as altered
            from ledger_entry
            """,
            {"young": YOUNG},
        )
        assert row is not None
        found.entries = row["entries"]
        if row["altered"]:
            _blame(found, f"entry {row['altered']}: its bytes do not hash to its digest", entry=row["altered"])
        elif row["forgotten"]:
            _blame(
                found,
                f"entry {row['forgotten']}: older than {YOUNG.seconds} s and not sealed: is a worker running?",
                entry=row["forgotten"],
            )

    async def _rows(self, found: Verification) -> None:
        for table, statement in STATEMENTS.items():
            for check in (self._altered_row, self._missing_row):
                problem = await check(table, statement)
                if problem:
                    return _blame(found, problem)
            counted = await self._database.row(f"select count(*) as n from {table} t where {statement.stands_in_sql()}")
            found.rows += counted["n"] if counted else 0
        for table, standing in STANDING.items():
            problem = await self._does_not_stand(table, standing, found)
            if problem:
                return _blame(found, problem)
        await self._states(found)

    async def _does_not_stand(self, table: str, standing: Standing, found: Verification) -> str | None:
        """A row that is not what the newest entry about it says, or one of the two without the other."""
        spoken = {row["about"]: row for row in await self._database.rows(NEWEST, {"kinds": list(standing.kinds)})}
        rows = await self._database.rows(f"select t.*, {standing.about} as about from {table} t order by 1")
        for row in rows:
            said = spoken.pop(row["about"], None)
            if said is None:
                return f"{table} {row['about']}: it has no ledger entry"
            if said["row"] is None:
                return f"{table} {row['about']}: it is there although entry {said['id']} says it is not"
            if said["row"] != standing.row_digest(row):
                return f"{table} {row['about']}: a column was altered since entry {said['id']}"
        found.rows += len(rows)
        gone = next((said for said in spoken.values() if said["row"] is not None), None)
        if gone:
            return f"entry {gone['id']}: it says {gone['kind']} of {gone['about']}, but the {table} row is gone"
        return None

    async def _altered_row(self, table: str, statement: Statement) -> str | None:
        """A row without an entry that vouches for all of it, sealed part and readable columns."""
        row = await self._database.row(
            f"""
            select t.id::text as id, {statement.tampered_in_sql()} as unsealed,
                   exists (select 1 from ledger_entry e
                           where e.application_id = {statement.application} and e.kind = any(%(kinds)s)
                             and {statement.matched_in_sql()}) as entered
            from {table} t
            where {statement.stands_in_sql()} and ({statement.tampered_in_sql()} or not exists (
                select 1 from ledger_entry e
                where e.application_id = {statement.application} and e.kind = any(%(kinds)s)
                  and convert_from(e.body, 'UTF8')::jsonb ->> 'row' = {statement.row_digest_in_sql()}))
            order by t.id limit 1
            """,
            {"kinds": list(statement.kinds)},
        )
        if row is None:
            return None
        if row["unsealed"]:
            return f"{table} {row['id']}: its sealed bytes were altered"
        if statement.sealed is None:
            return f"{table} {row['id']}: a column was altered, or it has no ledger entry"
        return f"{table} {row['id']}: " + ("a column was altered" if row["entered"] else "it has no ledger entry")

    async def _missing_row(self, table: str, statement: Statement) -> str | None:
        """An entry whose row is gone."""
        row = await self._database.row(
            f"""
            select e.id, e.kind, e.application_id from ledger_entry e
            where e.kind = any(%(kinds)s) and not exists (
                select 1 from {table} t
                where {statement.application} = e.application_id and {statement.matched_in_sql()})
            order by e.id limit 1
            """,
            {"kinds": list(statement.kinds)},
        )
        if row is None:
            return None
        return f"entry {row['id']}: it says {row['kind']} of {row['application_id']}, but the {table} row is gone"

    async def _states(self, found: Verification) -> None:
        for status, on_record in ENDED.items():
            row = await self._database.row(
                f"select a.id from application a where (a.status = '{status}') <> {on_record} order by a.id limit 1"
            )
            if row:
                return _blame(found, f"application {row['id']}: its status and the record disagree on `{status}`")


def _bad_link(row: Row, expected_seq: int, last: bytes) -> str | None:
    if row["seq"] != expected_seq:
        return f"missing (the next one found is {row['seq']})"
    if row["body"] is None:
        return f"its entry {row['entry_id']} is gone"
    if digest(bytes(row["body"])) != bytes(row["digest"]):
        return f"the bytes of entry {row['entry_id']} do not hash to its digest"
    if bytes(row["prev"]) != last:
        return "it does not follow the link before"
    if link(expected_seq, row["entry_id"], last, bytes(row["digest"])) != bytes(row["hash"]):
        return f"its hash does not fit entry {row['entry_id']}"
    return None


def _blame(found: Verification, problem: str, seq: int | None = None, entry: int | None = None) -> None:
    found.problem, found.seq, found.entry = problem, seq, entry

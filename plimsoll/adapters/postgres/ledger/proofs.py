"""The proof of one case: its entries, their links in the chain, and the rows they vouch for. Finding it by any name."""

from dataclasses import dataclass, field
from typing import Any

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.ledger.stating import STATEMENTS, Statement
from plimsoll.domain.ledger import FIRST_LINK, digest, link

MOST_FOUND = 50

# Each of the names leads to the case by an index of its own.
FOUND = """
with named as (
    select id from application where id = %(number)s
    union select id from application where external_id = %(number)s
    union select application_id from decision where id = %(number)s
    union select application_id from review_task where id = %(number)s
    union select a.id from application a join person p on p.id = a.person_id where p.reference_hash = %(reference_hash)s
)
select a.id, a.external_id, a.product, a.status, a.amount, a.currency, a.term_months, a.accepted_at,
       d.id as decision_id, d.outcome, d.outcome_source, d.decided_at
from named n join application a on a.id = n.id
left join decision d on d.application_id = a.id and d.round = a.round
order by a.id desc limit %(limit)s
"""

LINKS = """
select e.id, e.kind, e.body, e.digest, s.seq, s.prev, s.hash, s.sealed_at,
       (select before.hash from ledger_seal before where before.seq = s.seq - 1) as before
from ledger_entry e left join ledger_seal s on s.entry_id = e.id
where e.application_id = %(application)s order by e.id
"""


@dataclass
class Proof:
    """`problem` names the first thing that does not fit; None when everything does."""

    application: str
    entries: list[Row] = field(default_factory=list)
    rows: int = 0
    problem: str | None = None


class Proofs:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, number: str, reference_hash: bytes) -> list[Row]:
        """Cases under this number: ours, of a decision or a review, the lender's, or the applicant's; newest first."""
        asked = {"number": number, "reference_hash": reference_hash, "limit": MOST_FOUND}
        return await self._database.rows(FOUND, asked)

    async def prove(self, application: str) -> Proof:
        """Hashes again what is on record of one case. Only the whole chain proves that nothing was left out."""
        found = Proof(application)
        for row in await self._database.rows(LINKS, {"application": application}):
            found.entries.append(_shown(row))
            found.problem = found.problem or _bad_entry(row)
        for table, statement in STATEMENTS.items():
            problem, rows = await self._rows(table, statement, application)
            found.rows += rows
            found.problem = found.problem or problem
        if not found.entries and not found.problem:
            found.problem = "nothing is on record of it"
        return found

    async def _rows(self, table: str, statement: Statement, application: str) -> tuple[str | None, int]:
        """How many rows of the case state something, and the first that no entry vouches for."""
        row = await self._database.row(
            f"""
            select count(*) as n, min(t.id::text) filter (where {statement.tampered_in_sql()} or not exists (
                select 1 from ledger_entry e
                where e.application_id = %(application)s and e.kind = any(%(kinds)s)
                  and convert_from(e.body, 'UTF8')::jsonb ->> 'row' = {statement.row_digest_in_sql()})) as bad
            from {table} t
            where {statement.application} = %(application)s and {statement.stands_in_sql()}
            """,
            {"application": application, "kinds": list(statement.kinds)},
        )
        assert row is not None
        problem = f"{table} {row['bad']}: it was altered, or has no entry that vouches for it" if row["bad"] else None
        return problem, row["n"]


def _bad_entry(row: Row) -> str | None:
    entry_digest = digest(bytes(row["body"]))
    if entry_digest != bytes(row["digest"]):
        return f"the bytes of entry {row['id']} do not hash to its digest"
    if row["seq"] is None:
        return None
    before = FIRST_LINK if row["seq"] == 1 else row["before"] and bytes(row["before"])
    if before is None or bytes(row["prev"]) != before:
        return f"seq {row['seq']} does not follow the link before"
    if link(row["seq"], row["id"], before, entry_digest) != bytes(row["hash"]):
        return f"the hash of seq {row['seq']} does not fit entry {row['id']}"
    return None


def _shown(row: Row) -> dict[str, Any]:
    return {
        "entry": row["id"],
        "kind": row["kind"],
        "seq": row["seq"],
        "sealed_at": row["sealed_at"],
        "digest": bytes(row["digest"]).hex(),
        "hash": bytes(row["hash"]).hex() if row["hash"] else None,
    }

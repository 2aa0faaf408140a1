"""Customers at risk for people who look at them: the list, one of them, and how their level changed."""

from collections.abc import Sequence

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.adapters.postgres.watching.customers import reference_context
from plimsoll.domain.errors import NotFound
from plimsoll.domain.ids import PERSON
from plimsoll.ports import Vault

LIST = """
select r.person_id as id, r.severity, r.probability, r.by_row, r.factors, r.help, r.because, r.as_of, r.since,
       r.judged_at, r.model, c.product, c.region, s.newest_at, k.watermark
from customer_risk r left join customer c using (person_id) left join customer_state s using (person_id)
left join stream_clock k on k.id = s.clock
where (%(severity)s::smallint is null or r.severity = %(severity)s)
  and (%(product)s::text is null or c.product = %(product)s)
  and (%(at)s::smallint is null or r.severity < %(at)s or r.severity = %(at)s
       and (coalesce(r.probability, 2) < %(probability)s
            or coalesce(r.probability, 2) = %(probability)s and r.person_id > %(after)s))
order by r.severity desc, r.probability desc, r.person_id limit %(limit)s
"""
WHERE = "select severity, coalesce(probability, 2) as probability from customer_risk where person_id = %(after)s"
FIND = """
select p.id, p.wrapped_key, c.reference_sealed, c.product, c.region, c.zone, c.opened_on, s.state, s.layout, s.due_on,
       s.newest_at, r.severity, r.probability, r.by_row, r.factors, r.help, r.because, r.as_of, r.since, r.judged_at,
       r.model, k.watermark
from person p
left join customer c on c.person_id = p.id
left join customer_state s on s.person_id = p.id
left join stream_clock k on k.id = s.clock
left join customer_risk r on r.person_id = p.id
where (p.id = %(id)s or p.reference_hash = %(hash)s) and p.wrapped_key is not null
  and (c.person_id is not null or s.person_id is not null)
"""
CHANGES = """
select severity, severity_before, probability, by_row, factors, because, as_of, judged_at, model
from customer_risk_change where person_id = %(id)s order by id desc limit 100
"""
COUNTS = "select severity, count(*) as customers from customer_risk group by severity"


class Portraits:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def worst_first(
        self, *, severity: int | None, product: str | None, after: str | None, limit: int
    ) -> Sequence[Row]:
        """Those at the highest level first. Raises NotFound when `after` is nobody."""
        at = await self._database.row(WHERE, {"after": after}) if after else None
        if after and at is None:
            raise NotFound(f"There is no customer {after} to go on after: begin the list anew.")
        place = {"at": at["severity"] if at else None, "probability": at["probability"] if at else None}
        wanted = {"severity": severity, "product": product, "after": after, "limit": limit}
        return await self._database.rows(LIST, wanted | place)

    async def counts(self) -> dict[int, int]:
        return {row["severity"]: row["customers"] for row in await self._database.rows(COUNTS)}

    async def find(self, name: str) -> Row:
        """By `per_…`, or by the lender's own id. Raises NotFound."""
        own = name.startswith(f"{PERSON}_")
        hashed = None if own else self._vault.fingerprint(name.encode())
        row = await self._database.row(FIND, {"id": name if own else None, "hash": hashed})
        if row is None:
            raise NotFound("Nobody is watched under this id: give a `per_…`, or your own id of the customer.")
        return row | {"reference": self._reference(row)}

    async def changes(self, person: str) -> Sequence[Row]:
        """Newest first."""
        return await self._database.rows(CHANGES, {"id": person})

    def _reference(self, row: Row) -> str | None:
        if row["reference_sealed"] is None:
            return None
        sealed = bytes(row["reference_sealed"])
        return self._vault.open(bytes(row["wrapped_key"]), sealed, reference_context(row["id"])).decode()

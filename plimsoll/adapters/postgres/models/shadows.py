"""What a shadow still owes: scores of cases since it plays that role which it has not been asked about."""

from collections.abc import Sequence
from datetime import datetime

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.models.scoring import Score
from plimsoll.ports import OwedShadow

# An erased person is owed nothing any more.
OWED = """
select r.since, s.application_id, s.scored_at, a.product, a.round, a.lane
from model_role r
join model m on m.id = r.model_id
join score s on s.model = r.name and s.scored_at >= greatest(r.since, %(after)s)
join application a on a.id = s.application_id
join person p on p.id = a.person_id and p.wrapped_key is not null
where r.name = %(name)s and r.role = 'shadow' and m.digest = %(digest)s
  and not exists (select 1 from prediction x where x.application_id = s.application_id and x.kind = 'shadow'
                  and x.model_digest = m.digest)
order by s.scored_at limit %(limit)s
"""

WRITE = """
insert into prediction (product, kind, model_digest, arm, application_id, sample_probability, probability_of_default,
                        duration_ms, scored_at)
values (%(product)s, 'shadow', %(digest)s, 'shadow', %(application)s, %(sample)s, %(estimate)s, %(duration)s,
        %(scored_at)s)
on conflict (application_id, model_digest) where kind = 'shadow' do nothing
"""


class Shadows:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def owed(self, name: str, digest: str, after: datetime, limit: int) -> Sequence[OwedShadow]:
        """The oldest first."""
        asked = {"name": name, "digest": digest, "after": after, "limit": limit}
        return [_owed(row) for row in await self._database.rows(OWED, asked)]

    async def write(self, owed: OwedShadow, score: Score, duration_ms: float) -> None:
        """Once: another worker's answer counts as well."""
        await self._database.run(
            WRITE,
            {
                "product": owed.product,
                "digest": score.model.digest,
                "application": owed.application,
                "sample": score.sample_probability,
                "estimate": score.probability_of_default,
                "duration": duration_ms,
                "scored_at": owed.scored_at,
            },
        )


def _owed(row: Row) -> OwedShadow:
    return OwedShadow(
        application=row["application_id"], product=row["product"], round=row["round"], lane=row["lane"],
        scored_at=row["scored_at"],
    )  # fmt: skip

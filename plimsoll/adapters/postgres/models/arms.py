"""What each model of a release did, read from what was decided: the samples its gates compare."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.models.gates import Arm, Numbers
from plimsoll.domain.models.scoring import Score
from plimsoll.domain.underwriting.facts import age_on
from plimsoll.domain.underwriting.portfolio import YOUNG
from plimsoll.domain.values import Outcome
from plimsoll.ports import Vault

NEWEST = 20_000  # applications an evaluation opens at most; the rest of a large arm would say the same
SHADOW_IS_LATE = timedelta(minutes=10)

SCORED = """
select s.application_id, s.round, s.probability_of_default, s.body_sealed, a.body_sealed as application_sealed,
       a.accepted_at, p.wrapped_key, d.outcome,
       (select t.duration_ms from step_attempt t
        where t.application_id = s.application_id and t.round = s.round and t.step = 'score' and t.result = 'done'
        order by t.id limit 1) as duration_ms
from score s
join application a on a.id = s.application_id
join person p on p.id = a.person_id
left join decision d on d.application_id = s.application_id and d.round = s.round
where a.product = %(product)s and s.model_digest = %(digest)s and s.scored_at >= %(since)s and s.scored_at < %(now)s
order by s.scored_at desc limit %(limit)s
"""

# Begun with this model, and it failed once or another had to stand in for it.
FAILED = """
select count(*) as n from application a
where a.product = %(product)s and a.model_pin ->> 'digest' = %(digest)s
  and a.accepted_at >= %(since)s and a.accepted_at < %(now)s
  and (exists (select 1 from step_attempt t where t.application_id = a.id and t.step = 'score' and t.result = 'failed')
    or exists (select 1 from score s where s.application_id = a.id and s.model_digest <> %(digest)s))
"""

SHADOW = """
select probability_of_default, duration_ms from prediction
where product = %(product)s and kind = 'shadow' and model_digest = %(digest)s
  and scored_at >= %(since)s and scored_at < %(now)s
order by scored_at desc limit %(limit)s
"""

SHADOW_OWED = """
select count(*) as n from score s join application a on a.id = s.application_id
where a.product = %(product)s and s.scored_at >= %(since)s and s.scored_at < %(late)s
  and not exists (select 1 from prediction x where x.application_id = s.application_id and x.kind = 'shadow'
                  and x.model_digest = %(digest)s)
"""

MATURED = """
select s.probability_of_default, o.bad
from score s
join application a on a.id = s.application_id
join lateral (select bad from outcome where application_id = s.application_id and mark = 'final'
              order by known_on desc, id desc limit 1) o on true
where a.product = %(product)s and s.model_digest = %(digest)s
"""


class Arms:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def live(self, product: str, digest: str, since: datetime, now: datetime) -> Arm:
        """What a model decided in a window, with all its outcomes known so far."""
        window = _window(product, digest, since, now)
        rows = await self._database.rows(SCORED, window)
        failed = await self._count(FAILED, window)
        matured = await self._database.rows(MATURED, {"product": product, "digest": digest})
        opened = await asyncio.to_thread(self._opened, rows)
        return replace(
            opened,
            scored=len(rows) + failed,
            failed=failed,
            matured=_numbers(row["probability_of_default"] for row in matured),
            bad=sum(row["bad"] for row in matured),
        )

    async def shadow(self, product: str, digest: str, since: datetime, now: datetime) -> Arm:
        """What a model would have said; a shadow that is late counts as failed."""
        window = _window(product, digest, since, now)
        rows = await self._database.rows(SHADOW, window)
        late = await self._count(SHADOW_OWED, window | {"late": now - SHADOW_IS_LATE})
        return Arm(
            durations=_numbers(row["duration_ms"] for row in rows),
            scored=len(rows) + late,
            failed=late,
            probabilities=_numbers(row["probability_of_default"] for row in rows),
        )

    async def _count(self, sql: str, parameters: dict[str, Any]) -> int:
        row = await self._database.row(sql, parameters)
        return row["n"] if row else 0

    def _opened(self, rows: Sequence[Row]) -> Arm:
        """Reasons and age bands lie under the person's key; only their counts leave."""
        reasons: Counter[str] = Counter()
        approved: Counter[str] = Counter()
        decided: Counter[str] = Counter()
        for row in rows:
            if row["wrapped_key"] is None:
                continue  # erased: the score's figures stay, the person does not
            reasons.update(self._principal_reason(row))
            if row["outcome"] is not None:
                band = self._age_band(row)
                decided[band] += 1
                approved[band] += row["outcome"] == Outcome.APPROVE
        return Arm(
            durations=_numbers(row["duration_ms"] for row in rows if row["duration_ms"] is not None),
            probabilities=_numbers(row["probability_of_default"] for row in rows),
            reasons=dict(reasons),
            approvals={band: (approved[band], total) for band, total in decided.items()},
        )

    def _principal_reason(self, row: Row) -> Iterator[str]:
        which = f"score/{row['application_id']}/{row['round']}"
        score = Score.model_validate_json(self._vault.open(row["wrapped_key"], row["body_sealed"], which))
        if score.reasons:
            yield score.reasons[0].code

    def _age_band(self, row: Row) -> str:
        which = f"application/{row['application_id']}"
        body = json.loads(self._vault.open(row["wrapped_key"], row["application_sealed"], which))
        age = age_on(datetime.fromisoformat(body["applicant"]["date_of_birth"]).date(), row["accepted_at"].date())
        return f"up to {YOUNG}" if age <= YOUNG else f"older than {YOUNG}"


def _window(product: str, digest: str, since: datetime, now: datetime) -> dict[str, Any]:
    return {"product": product, "digest": digest, "since": since, "now": now, "limit": NEWEST}


def _numbers(values: Any) -> Numbers:
    return np.fromiter(values, dtype=np.float64)

"""What the models of a product were asked in a window: snapshots and scores of applications, and of the API.

Decided or still with a person: what a policy refers lies in the middle, and leaving it out would
look like drift. A product that watches customers is asked by nobody: of it, the customers judged in the window count,
by the signals of their records.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from plimsoll.adapters.postgres.database import Database, Row
from plimsoll.domain.models.calibration import corrected
from plimsoll.domain.models.features import columns_of
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.monitoring.drift import Window, approvals, reasons_in_words
from plimsoll.domain.underwriting.product import FeatureSpec, Product
from plimsoll.domain.watching import state
from plimsoll.domain.watching.signals import columns, signals
from plimsoll.ports import Vault

NEWEST = 100_000  # rows a check opens at most
AT_ONCE = 2_000

SCORED = """
select s.application_id, s.round, s.model_digest, s.sample_probability, s.probability_of_default, s.body_sealed,
       s.scored_at, p.wrapped_key
from score s
join application a on a.id = s.application_id
join person p on p.id = a.person_id
where a.product = %(product)s and s.scored_at >= %(since)s and s.scored_at < %(until)s
  and p.wrapped_key is not null
  and (%(before)s::timestamptz is null or (s.scored_at, s.application_id) < (%(before)s, %(last)s))
order by s.scored_at desc, s.application_id desc limit %(limit)s
"""

ASKED = """
select id, model_digest, sample_probability, probability_of_default, features from prediction
where product = %(product)s and kind = 'api' and scored_at >= %(since)s and scored_at < %(until)s
  and features is not null and (%(before)s::bigint is null or id < %(before)s)
order by id desc limit %(limit)s
"""

# Most of what is kept of a customer stays as it was when it was judged: what came since could not matter.
WATCHED = """
select s.state, greatest(r.as_of, s.newest_at) as at, r.probability, r.model
from customer_risk r join customer_state s using (person_id)
where r.judged_at >= %(since)s and r.judged_at < %(until)s and r.probability is not null and s.layout = %(layout)s
order by r.judged_at desc, r.person_id limit %(limit)s
"""
MOST_WATCHED = 20_000

Seen = Callable[[int], None]


class LiveWindows:
    """Values lie under the person's key: they are opened here, counted by the caller and kept nowhere."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def read(
        self, product: Product, model: ModelPin, since: datetime, until: datetime, seen: Seen = lambda rows: None
    ) -> Window:
        """Newest first, `NEWEST` at most. Score and approvals are of this model alone, features of all."""
        if product.watches:
            return await self._watched(product, model, since, until, seen)
        found = _Gathered(product.features, model.digest)
        span = {"product": product.id, "since": since, "until": until}
        await self._scored(span, found, seen)
        await self._asked(span, found, seen)
        return found.window(product.risk.decline_above)

    async def _scored(self, span: dict[str, Any], found: "_Gathered", seen: Seen) -> None:
        before, last = None, None
        while left := found.room():
            rows = await self._database.rows(
                SCORED, span | {"before": before, "last": last, "limit": min(left, AT_ONCE)}
            )
            if not rows:
                return
            await asyncio.to_thread(self._open, rows, found)
            before, last = rows[-1]["scored_at"], rows[-1]["application_id"]
            seen(found.rows)

    async def _asked(self, span: dict[str, Any], found: "_Gathered", seen: Seen) -> None:
        before = None
        while left := found.room():
            rows = await self._database.rows(ASKED, span | {"before": before, "limit": min(left, AT_ONCE)})
            if not rows:
                return
            for row in rows:
                found.add(row, row["features"], None)
            before = rows[-1]["id"]
            seen(found.rows)

    async def _watched(self, product: Product, model: ModelPin, since: datetime, until: datetime, seen: Seen) -> Window:
        asked = {"since": since, "until": until, "layout": state.LAYOUT, "limit": MOST_WATCHED}
        rows = await self._database.rows(WATCHED, asked)
        seen(len(rows))
        return await asyncio.to_thread(_window_of_states, rows, product, model)

    def _open(self, rows: Sequence[Row], found: "_Gathered") -> None:
        for row in rows:
            which = f"score/{row['application_id']}/{row['round']}"
            score = json.loads(self._vault.open(row["wrapped_key"], row["body_sealed"], which))
            reasons = score.get("reasons") or [{"code": None}]
            found.add(row, score["features"], (reasons[0]["code"],))


def _window_of_states(rows: Sequence[Row], product: Product, model: ModelPin) -> Window:
    states = state.from_bytes(bytes(row["state"]) for row in rows)
    moments = np.array([row["at"].astimezone(UTC).replace(tzinfo=None) for row in rows], dtype="M8[s]")
    told = columns(signals(states, moments))
    risk, name = product.risk, f"{model.name}@{model.version}"
    own = np.array([row["probability"] for row in rows if row["model"] == name], dtype=np.float64)
    return Window(
        rows=len(rows),
        columns={spec.name: told[spec.name] for spec in product.features if spec.name in told},
        score=corrected(own, risk.portfolio_bad_rate, risk.sample_bad_rate) if len(own) else None,
        approval=approvals(own, risk.decline_above) if len(own) else None,
    )


class _Gathered:
    def __init__(self, features: Sequence[FeatureSpec], digest: str) -> None:
        self._features = features
        self._digest = digest
        self._snapshots: list[dict[str, Any]] = []
        self._scores: list[float] = []
        self._corrected: list[float] = []
        self._reasons: list[str | None] = []

    @property
    def rows(self) -> int:
        return len(self._snapshots)

    def room(self) -> int:
        return NEWEST - self.rows

    def add(self, row: Row, snapshot: dict[str, Any], reason: tuple[str | None] | None) -> None:
        """`reason` is the first one, None in it when nothing was adverse; no tuple when none was asked for."""
        self._snapshots.append(snapshot)
        if row["model_digest"] == self._digest:
            self._scores.append(row["sample_probability"])
            self._corrected.append(row["probability_of_default"])
            if reason:
                self._reasons.append(reason[0])

    def window(self, cut: float) -> Window:
        return Window(
            rows=self.rows,
            columns=columns_of(self._features, self._snapshots),
            # What nobody was asked for has not moved: it is left out, not missing.
            score=np.array(self._scores, dtype=np.float64) if self._scores else None,
            reason=reasons_in_words(np.array(self._reasons, dtype=object)) if self._reasons else None,
            approval=approvals(np.array(self._corrected, dtype=np.float64), cut) if self._scores else None,
        )

"""Applications decided here, with what became of them, as training reads them.

Features are those of the score on record: as they were at the decision, whatever was learnt since. Only
months that count are read, and only what was on record and known at the moment asked about, so that
the same question has the same answer later. Who was erased is not in it.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from psycopg.rows import dict_row

from plimsoll.adapters.postgres.database import Row
from plimsoll.domain.errors import Unavailable
from plimsoll.domain.models.examples import Examples
from plimsoll.domain.models.features import columns_of
from plimsoll.domain.models.performance import Judged, matured
from plimsoll.domain.underwriting.product import FeatureSpec, Product
from plimsoll.domain.values import Outcome
from plimsoll.ports import Vault

PORTION = 2_000

DECIDED = """
select a.id, to_char(d.decided_at at time zone 'UTC', 'YYYY-MM') as vintage, d.outcome, final.bad
from decision d
join application a on a.id = d.application_id and a.round = d.round
left join lateral (
    select o.bad from outcome o
    where o.application_id = a.id and o.mark = 'final' and o.known_on <= %(day)s and o.recorded_at <= %(as_of)s
    order by o.known_on desc, o.id desc limit 1) final on true
where a.product = %(product)s and d.decided_at <= %(as_of)s
order by d.decided_at, a.id
"""

LABELLED = """
select a.id, a.round, coalesce(a.external_id, a.id) as reference, s.body_sealed, p.wrapped_key, final.bad,
       (a.accepted_at at time zone 'UTC')::date as applied_on, final.known_on
from application a
join score s on s.application_id = a.id and s.round = a.round
join person p on p.id = a.person_id
join lateral (
    select o.bad, o.known_on from outcome o
    where o.application_id = a.id and o.mark = 'final' and o.known_on <= %(day)s and o.recorded_at <= %(as_of)s
    order by o.known_on desc, o.id desc limit 1) final on true
where a.id = any(%(ids)s) and p.wrapped_key is not null
order by a.accepted_at, a.id
"""


@dataclass(frozen=True)
class DecidedExamples:
    """Reads on a connection of its own: whoever learns does so in a thread, or in a process beside."""

    url: str
    vault: Callable[[], Vault]

    def examples(self, product: Product, as_of: datetime) -> Examples:
        """Raises Unavailable."""
        asked = {"product": product.id, "as_of": as_of, "day": as_of.date()}
        try:
            with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as connection:
                decided = connection.execute(DECIDED, asked).fetchall()
                ids = _of_months_that_count(product, decided, as_of)
                rows = connection.execute(LABELLED, asked | {"ids": ids}).fetchall() if ids else []
        except psycopg.OperationalError as error:
            raise Unavailable(f"Postgres is not available ({type(error).__name__}).") from error
        return _as_examples(product.features, rows, self.vault())


def _of_months_that_count(product: Product, decided: Sequence[Row], as_of: datetime) -> list[str]:
    bad = np.array([np.nan if row["bad"] is None else float(row["bad"]) for row in decided])
    nothing = np.full(len(decided), np.nan)
    judged = Judged(
        vintage=np.array([row["vintage"] for row in decided], dtype=object),
        granted=np.array([_granted(row) for row in decided], dtype=np.bool_),
        sample_probability=nothing,
        probability_of_default=nothing,
        bad=bad,
        amount=nothing,
        model=nothing.astype(object),
        arm=nothing.astype(object),
        marks={},
    )
    counts = matured(judged, as_of.date(), product.outcomes)
    return [row["id"] for row, wanted in zip(decided, counts, strict=True) if wanted]


def _granted(row: Row) -> bool:
    """A counter-offer was taken when something is known of how it went."""
    return row["outcome"] == Outcome.APPROVE or (row["outcome"] == Outcome.COUNTER_OFFER and row["bad"] is not None)


def _as_examples(features: Sequence[FeatureSpec], rows: Sequence[Row], vault: Vault) -> Examples:
    columns: dict[str, Any] = {
        name: np.concatenate(parts) if parts else np.empty(0)
        for name, parts in _columns_by_portion(features, rows, vault).items()
    }
    return Examples(
        columns=columns,
        bad=np.array([row["bad"] for row in rows], dtype=np.bool_),
        applied_on=np.array([row["applied_on"] for row in rows], dtype="datetime64[D]"),
        label_known_on=np.array([row["known_on"] for row in rows], dtype="datetime64[D]"),
        references=np.array([row["reference"] for row in rows], dtype=object),
        decided_here=np.ones(len(rows), dtype=np.bool_),
    )


def _columns_by_portion(features: Sequence[FeatureSpec], rows: Sequence[Row], vault: Vault) -> dict[str, list[Any]]:
    """Opened some at a time, so that no more than these lie open in memory."""
    columns: dict[str, list[Any]] = {spec.name: [] for spec in features}
    for at in range(0, len(rows), PORTION):
        for name, values in columns_of(features, _snapshots(rows[at : at + PORTION], vault)).items():
            columns[name].append(values)
    return columns


def _snapshots(rows: Sequence[Row], vault: Vault) -> Iterator[dict[str, Any]]:
    for row in rows:
        which = f"score/{row['id']}/{row['round']}"
        yield json.loads(vault.open(row["wrapped_key"], row["body_sealed"], which))["features"]

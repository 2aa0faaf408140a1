"""Many events together, by column: what a log takes in at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from plimsoll.domain.watching.events import Event, Kind
from plimsoll.domain.watching.rows import EVENT_ROW, Rows, row_of


class Opening(NamedTuple):
    """What an `account_opened` says of the customer besides."""

    place: int
    product: str | None
    region: str | None
    zone: str | None


@dataclass(frozen=True)
class Batch:
    """Names as the lender writes them, and beside each its row of numbers, in which names are still missing."""

    transaction_ids: Sequence[str]
    customers: Sequence[str]
    accounts: Sequence[str | None]
    merchants: Sequence[str | None]
    rows: Rows
    openings: Sequence[Opening] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, events: Sequence[Event]) -> "Batch":
        rows = np.zeros(len(events), EVENT_ROW)
        for place, event in enumerate(events):
            rows[place] = row_of(event)
        return cls(
            transaction_ids=[event.transaction_id for event in events],
            customers=[event.customer for event in events],
            accounts=[event.account for event in events],
            merchants=[event.merchant for event in events],
            rows=rows,
            openings=[
                Opening(place, event.product, event.region, event.zone)
                for place, event in enumerate(events)
                if event.kind is Kind.ACCOUNT_OPENED
            ],
        )

    @classmethod
    def joined(cls, batches: Sequence["Batch"]) -> "Batch":
        """One behind the other."""
        if len(batches) == 1:
            return batches[0]
        begins = accumulate((len(batch) for batch in batches), initial=0)
        return cls(
            transaction_ids=[name for batch in batches for name in batch.transaction_ids],
            customers=[name for batch in batches for name in batch.customers],
            accounts=[name for batch in batches for name in batch.accounts],
            merchants=[name for batch in batches for name in batch.merchants],
            rows=np.concatenate([np.zeros(0, EVENT_ROW), *(batch.rows for batch in batches)]),
            openings=[
                opening._replace(place=opening.place + begin)
                for begin, batch in zip(begins, batches, strict=False)
                for opening in batch.openings
            ],
        )

"""Transactions as Postgres' COPY takes and gives them, a batch in one step."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.adapters.postgres.watching.copying import (
    EPOCH_DAYS,
    EPOCH_MICROS,
    NO_CURRENCY,
    NO_DATE,
    NUMERIC,
    Records,
    empty_records,
    numerics,
    record_of,
    without_nulls,
)
from plimsoll.domain.watching.rows import EVENT_ROW, NOT_SAID, Rows

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

CODES = ("kind", "date_precision", "direction", "category", "channel", "months_late")
AMOUNTS = ("amount", "balance_after", "bill", "minimum_due", "limit", "net_new_charges")
DAYS = ("due_on", "period")

# What the lender calls things, as it is kept.
NAMES = np.dtype([("key", "V16"), ("person_id", "S30"), ("account", "i8"), ("merchant", "i8")])
WRITTEN = {
    "seq": ">i8", "key": "V16", "person_id": "S30", "account": ">i8", "merchant": ">i8", "occurred_at": ">i8",
    "known_at": ">i8", **dict.fromkeys(AMOUNTS, NUMERIC), **dict.fromkeys(DAYS, ">i4"),
    **dict.fromkeys(CODES, ">i2"), "failed": "u1", "currency": "S3",
}  # fmt: skip
TAKE_IN = f"""
copy transaction ({", ".join("credit_limit" if name == "limit" else name for name in WRITTEN)})
from stdin (format binary)
"""
FETCHED = record_of(
    {"seq": ">i8", "person": "S30", "account": ">i8", "merchant": ">i8", "occurred_at": ">i8", "known_at": ">i8"}
    | dict.fromkeys(AMOUNTS, ">f8")
    | dict.fromkeys(DAYS, ">i4")
    | dict.fromkeys(CODES, ">i2")
    | {"failed": "u1", "currency": "S3"}
)
SEQ_AT = np.arange(8) + 6  # behind the count of fields and its own width
COLUMNS = f"""
    seq, person_id, account, merchant, occurred_at, known_at, amount::float8,
    coalesce(balance_after::float8, 'NaN'), coalesce(bill::float8, 'NaN'), coalesce(minimum_due::float8, 'NaN'),
    coalesce(credit_limit::float8, 'NaN'), coalesce(net_new_charges::float8, 'NaN'),
    coalesce(due_on, '-infinity'), coalesce(period, '-infinity'),
    kind, date_precision, direction, category, channel, coalesce(months_late, smallint '{NOT_SAID}'), failed,
    coalesce(currency, '---')
"""


def words(texts: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """Texts or keys of eight, sixteen … bytes as numbers in the same order, the first bytes first: sorted in a tenth
    of the time."""
    return texts.view(">u8").reshape(len(texts), texts.itemsize // 8).astype("u8").T


@dataclass(frozen=True)
class ReadyRows:
    """A batch as COPY takes it, month by month and person by person: their indexes are then walked once.

    Only the numbers are still to be filled in: they are given under the lock, which is held no longer than it must be.
    """

    content: npt.NDArray[np.uint8]
    widths: Numbers  # bytes of each row
    order: Numbers  # which of the batch each row is

    @classmethod
    def of(cls, rows: Rows, names: Records) -> "ReadyRows":
        """`names`: key, person_id, account and merchant of each row."""
        months = rows["occurred_at"].astype("M8[M]").view("i8")
        order = np.lexsort((*words(names["person_id"].astype("S32"))[::-1], months))
        return cls(*_as_copied(rows[order], names[order]), order)

    def numbered(self, new: Mask, seq: Numbers) -> bytes:
        """Those of the batch that are new, each under its number."""
        starts = np.cumsum(self.widths) - self.widths
        self.content[starts[:, None] + SEQ_AT] = seq[self.order].astype(">i8").view(np.uint8).reshape(-1, 8)
        kept = new[self.order]
        return (self.content if kept.all() else self.content[np.repeat(kept, self.widths)]).tobytes()


def _as_copied(rows: Rows, names: Records) -> tuple[npt.NDArray[np.uint8], Numbers]:
    nulls = {name: np.isnan(rows[name]) for name in AMOUNTS[1:]} | {name: np.isnat(rows[name]) for name in DAYS}
    nulls |= {"months_late": rows["months_late"] == NOT_SAID, "currency": rows["currency"] == b""}
    # What no row has is not even filled in.
    empty = {name for name, null in nulls.items() if null.all()}
    made = empty_records(
        record_of({name: "V0" if name in empty else kind for name, kind in WRITTEN.items()}), len(rows)
    )
    for name in ("key", "person_id", "account", "merchant"):
        made[name] = names[name]
    for name in ("occurred_at", "known_at"):
        made[name] = rows[name].view("i8") - EPOCH_MICROS
    for name in (*CODES, "failed", "currency"):
        if name not in empty:
            made[name] = rows[name]
    for name in AMOUNTS:
        if name not in empty:
            made[name] = numerics(rows[name])
    for name in DAYS:
        if name not in empty:
            made[name] = rows[name].astype("M8[D]").view("i8") - EPOCH_DAYS
    for name in empty:
        made[f"_{name}"] = -1
    return without_nulls(made, {name: null for name, null in nulls.items() if name not in empty})


def rows_of_copy(fetched: Records) -> Rows:
    rows = np.empty(len(fetched), EVENT_ROW)
    for name in ("seq", "person", "account", "merchant", *AMOUNTS, *CODES):
        rows[name] = fetched[name]
    rows["failed"] = fetched["failed"] == 1
    rows["currency"] = np.where(fetched["currency"] == NO_CURRENCY, b"", fetched["currency"])
    for name in ("occurred_at", "known_at"):
        rows[name] = (fetched[name].astype("i8") + EPOCH_MICROS).view("M8[us]")
    for name in DAYS:
        days = (fetched[name].astype("i8") + EPOCH_DAYS).view("M8[D]")
        rows[name] = np.where(fetched[name] == NO_DATE, np.datetime64("NaT"), days).astype(rows[name].dtype)
    return rows

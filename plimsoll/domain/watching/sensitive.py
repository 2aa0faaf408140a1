"""What can tell of gambling, illness, union, religion or benefits: kept apart, off by default, and only to offer help.

It is a record of its own in a column of its own, and what it says is a kind of help, never a number: no
model, level, limit or price can read it, because none of them is handed it. Switched on in `watch/signals.toml`.
"""

from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from plimsoll.domain.watching.events import Category, Kind
from plimsoll.domain.watching.rows import Rows
from plimsoll.domain.watching.state import MONTHS, NEVER, Records, Ring, minor, month_of

KEPT = {
    "gambling": Category.GAMBLING,
    "health": Category.HEALTH,
    "union": Category.UNION,
    "religion": Category.RELIGION,
    "benefits": Category.BENEFITS,
}
PRIVATE_MONTH = np.dtype([("index", "i4"), *((name, "i8") for name in KEPT)])
PRIVATE = np.dtype([("months", PRIVATE_MONTH, (MONTHS,))])
RECENT, BEFORE = 2, 6  # months
RISEN = 2.0  # times the usual


class HelpOffer(StrEnum):
    """What may be offered; never why."""

    COUNSELLING = "counselling"  # a free budget or debt adviser
    PAYMENT_HOLIDAY = "payment_holiday"


def nothing_kept(count: int) -> Records:
    private = np.zeros(count, dtype=PRIVATE)
    private["months"]["index"] = NEVER
    return private


def observe_private(private: Records, who: npt.NDArray[Any], rows: Rows) -> None:
    """Sums by month, as the state keeps its own."""
    chosen = (rows["kind"] == Kind.TRANSACTION.code) & ~rows["failed"]
    chosen &= np.isin(rows["category"], [category.code for category in KEPT.values()])
    if not chosen.any():
        return
    rows, who = rows[chosen], who[chosen].astype(np.int64)
    ring = Ring(private["months"], who, month_of(rows["occurred_at"].astype("M8[D]").astype(np.int64)))
    for name, category in KEPT.items():
        ring.add(name, minor(rows["amount"]) * (rows["category"] == category.code))


def help_worth_offering(private: Records, as_of: np.datetime64 | npt.NDArray[Any]) -> list[tuple[HelpOffer, ...]]:
    """For each customer what help might be welcome; nothing about why leaves this function."""
    counselling = _risen(private, as_of, "gambling")
    holiday = _risen(private, as_of, "health") | _risen(private, as_of, "benefits")
    return [
        (*((HelpOffer.COUNSELLING,) if one else ()), *((HelpOffer.PAYMENT_HOLIDAY,) if other else ()))
        for one, other in zip(counselling, holiday, strict=True)
    ]


def _risen(private: Records, as_of: np.datetime64 | npt.NDArray[Any], name: str) -> npt.NDArray[np.bool_]:
    months = private["months"]
    back = month_of(np.asarray(as_of).astype("M8[D]").astype(np.int64))[..., None] - months["index"]
    there = months["index"] != NEVER
    recent = np.where(there & (back >= 0) & (back < RECENT), months[name], 0).sum(axis=1) / RECENT
    before = np.where(there & (back >= RECENT) & (back < RECENT + BEFORE), months[name], 0).sum(axis=1) / BEFORE
    return (recent > 0) & (recent >= RISEN * before)

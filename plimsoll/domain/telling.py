"""Who outside is told of what happens, and when a receiver that did not answer is tried again."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field, model_validator

from plimsoll.domain.access import SYSTEM
from plimsoll.domain.values import Value

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
# Whoever does one of these says why by a code of a list; elsewhere staff write what they like, of whom they like.
SAID_BY_A_CODE = (
    "application.received", "collector_task.answered", "decision.made", "outcome.corrected", "outcome.reported",
    "review.answered", "review.first_answer",
)  # fmt: skip


class Receiver(Value):
    """An address that is told of every event whose kind begins so; of all of them when nothing is said."""

    url: str = Field(pattern=r"^https?://\S+$", max_length=2000)
    secret: str = Field(min_length=16, description="what every delivery is signed with")
    types: tuple[str, ...] = ()
    after: int | None = Field(default=None, ge=0, description="begins behind this event; with the next one when unset")

    @model_validator(mode="after")
    def kinds_are_beginnings(self) -> "Receiver":
        if any(not kind for kind in self.types):
            raise ValueError("an empty type stands for every event: leave `types` out")
        return self


class StageEvent(Value):
    """One sealed entry of the record, as its receiver gets it."""

    seq: int
    id: str  # the same whenever it is told again
    body: bytes


class Delivery(Value):
    """How far one receiver was told."""

    name: str
    seq: int
    attempts: int = 0
    not_before: datetime | None = None
    last_error: str | None = None
    told_at: datetime | None = None


def without_free_text(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as it may leave the house: the reason only where it is a code."""
    coded = entry["actor"] == SYSTEM.id or entry["kind"] in SAID_BY_A_CODE
    return {name: value for name, value in entry.items() if coded or name != "reason"}


def pause_after(attempts: int) -> timedelta:
    """Five seconds, ten, twenty… an hour: the order of events stays, so one that is not taken holds up those behind."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 20))

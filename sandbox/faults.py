"""Which source misbehaves for whom, how, how often and for how long."""

import random
import time
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from sandbox.person import Person


class Kind(StrEnum):
    """What a fault looks like from outside. Only `slow`, `wrong_person` and `done_then_timeout` do the work."""

    TIMEOUT = "timeout"  # takes the request, never answers, does nothing
    SLOW = "slow"  # answers rightly, after `delay_seconds`
    REFUSE = "refuse"  # closes the connection without an answer
    BUSY = "429"  # asks to come back after `retry_after` seconds
    ERROR = "500"
    GARBAGE = "garbage"  # an answer no program can use; see Variant
    WRONG_PERSON = "wrong_person"  # a proper answer about somebody else
    DONE_THEN_TIMEOUT = "done_then_timeout"  # does the work, keeps the answer, never sends it


# Asking what became of a key does no work, so these cannot befall it.
ONLY_WHEN_WORKING = (Kind.WRONG_PERSON, Kind.DONE_THEN_TIMEOUT)


class Variant(StrEnum):
    """Sorts of garbage, and one sort of slowness."""

    BROKEN_JSON = "broken_json"
    WRONG_SCHEMA = "wrong_schema"
    ERROR_IN_200 = "error_in_200"
    TRUNCATED = "truncated"  # fewer bytes than announced
    HUGE_BODY = "huge_body"
    COMPRESSED = "compressed"  # small on the wire, huge unpacked
    DRIP = "drip"  # of `slow`: one byte a second


GARBAGE_IN_TURN = (Variant.BROKEN_JSON, Variant.WRONG_SCHEMA, Variant.HUGE_BODY, Variant.TRUNCATED)


class Fault(BaseModel):
    """What `PUT /_faults/{source}` takes. `share` draws from `seed`, so a run can be repeated."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    share: float = Field(default=1.0, ge=0, le=1)
    for_seconds: float | None = Field(default=None, gt=0, description="Until deleted when unset.")
    times: int | None = Field(default=None, ge=1, description="Strikes that many times, then is spent.")
    reference: str | None = Field(default=None, description="Only calls about this person.")
    variant: Variant | None = Field(default=None, description="Of garbage; in turn when unset.")
    delay_seconds: float = Field(default=5.0, ge=0, le=300, description="How late a slow answer is.")
    retry_after: int = Field(default=1, ge=0, description="What a 429 asks for.")
    seed: int = 0

    _struck: int = PrivateAttr(default=0)
    _random: random.Random = PrivateAttr()
    _until: float | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any) -> None:
        self._random = random.Random(self.seed)
        if self.for_seconds is not None:
            self._until = time.monotonic() + self.for_seconds

    @property
    def is_over(self) -> bool:
        spent = self.times is not None and self._struck >= self.times
        return spent or (self._until is not None and time.monotonic() >= self._until)

    @property
    def struck(self) -> int:
        return self._struck

    def strikes(self) -> bool:
        if self.is_over or self._random.random() >= self.share:
            return False
        self._struck += 1
        return True

    def next_garbage(self) -> Variant:
        return self.variant or GARBAGE_IN_TURN[(self._struck - 1) % len(GARBAGE_IN_TURN)]


class FaultBoard:
    """At most one fault per source for everybody, and one per source and person."""

    def __init__(self) -> None:
        self._faults: dict[tuple[str, str | None], Fault] = {}
        self._standing: dict[tuple[str, str, str | None], Fault] = {}

    def put(self, source: str, fault: Fault) -> None:
        self._faults[source, fault.reference] = fault

    def lift(self, source: str | None = None) -> None:
        self._faults = {place: fault for place, fault in self._faults.items() if source not in (None, place[0])}

    def standing(self) -> list[dict[str, Any]]:
        return [
            {"source": source, "struck": fault.struck, **fault.model_dump(mode="json")}
            for (source, _), fault in self._faults.items()
            if not fault.is_over
        ]

    def strike(self, source: str, person: Person | None, key: str | None, *, recalling: bool = False) -> Fault | None:
        """The fault that befalls this call, if any: one set for the person, for all, or the persona's own."""
        reference = person.reference if person else None
        for fault in (
            self._faults.get((source, reference)) if reference else None,
            self._faults.get((source, None)),
            self._fault_of_persona(source, person, key),
        ):
            if fault and not (recalling and fault.kind in ONLY_WHEN_WORKING) and fault.strikes():
                return fault
        return None

    def _fault_of_persona(self, source: str, person: Person | None, key: str | None) -> Fault | None:
        """A persona's own fault. Counted per key, so that every new application sees it from the start."""
        standing = person.standing_fault if person else None
        if person is None or standing is None or standing.source != source:
            return None
        return self._standing.setdefault(
            (source, person.reference, key),
            Fault(kind=Kind(standing.kind), times=standing.times, delay_seconds=standing.delay_seconds),
        )

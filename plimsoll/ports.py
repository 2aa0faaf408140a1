"""What the inside needs of the outside, in a few methods each.

Adapters in `plimsoll/adapters/` keep these promises for the real world, `tests/fakes.py`
for tests; `tests/port_contracts/` runs the same tests against both.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel, Field, PrivateAttr

from plimsoll.domain.access import Actor
from plimsoll.domain.application import ApplicationFrame
from plimsoll.domain.case import Case, EvidenceRecord, PersonsAnswer
from plimsoll.domain.decision import PolicyPin, PolicyVerdict, Verdict
from plimsoll.domain.evidence import Answer, EvidenceState, Inquiry, Recovery
from plimsoll.domain.facts import Ask, Facts, Stage
from plimsoll.domain.product import Lane, Product, ReviewTerms, SourceTerms
from plimsoll.domain.review import TaskView
from plimsoll.domain.scoring import ModelPin, Score
from plimsoll.domain.values import Outcome, Priority, Status, Value


class Accepted(Value):
    """What the door got for an application: a new one, or the one this key made before."""

    application: str
    round: int
    replayed: bool
    flags: tuple[str, ...] = ()


class EngineTask(Value):
    """One start or signal owed to the engine, with what is needed to deliver it."""

    id: int
    kind: str  # start, or a signal's name
    application: str
    round: int
    run_suffix: int
    lane: Lane
    priority: Priority
    product: str
    status: Status
    attempts: int = 1
    payload: dict[str, Any] = Field(default_factory=dict)


class StepRun(BaseModel):
    """One run of one step, for the record: begun now, timed when it is written down."""

    step: str
    lane: str
    started_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    result: str = "done"  # done | blocked | failed
    error: str | None = None
    _clock: float = PrivateAttr(default_factory=time.perf_counter)

    def duration_ms(self) -> float:
        return round((time.perf_counter() - self._clock) * 1000, 3)

    def ended(self, result: str, error: str) -> "StepRun":
        self.result, self.error = result, error
        return self


class Vault(Protocol):
    """Personal data at rest, one key per person."""

    def new_key(self) -> bytes: ...

    def seal(self, wrapped_key: bytes, content: bytes, context: str) -> bytes: ...

    def open(self, wrapped_key: bytes | None, sealed: bytes, context: str) -> bytes:
        """Raises NotFound when the person was erased, Unavailable when the seal does not fit."""
        ...

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed hash, for looking up and comparing without reading."""
        ...


class EvidenceSource(Protocol):
    """One outside source of evidence (a bureau, a bank, a register)."""

    name: str
    recovery: Recovery

    async def pull(self, inquiry: Inquiry) -> Answer:
        """Ask, with `inquiry.key` as idempotency key.

        Raises SourceUnavailable, SourceBusy, WrongPerson (the answer is about somebody else).
        """
        ...

    async def recall(self, inquiry: Inquiry) -> Answer | None:
        """What became of a call sent earlier under this key; None when it never arrived.

        Only meaningful for `queryable` sources; others raise OutcomeUnknown.
        """
        ...


class Scorer(Protocol):
    """The models that may score, by name; loading is verified against the manifest's digests."""

    def live(self, model: str) -> ModelPin:
        """The pin of the version that is live for this name. Raises Unavailable when there is none."""
        ...

    def score(self, pin: ModelPin, product: Product, facts: Facts, alternatives: Sequence[Ask]) -> Score:
        """Probability, interval, novelty, contributions, reasons; and the risk of each alternative ask.

        CPU-bound (several ms); call it off the event loop.
        """
        ...


class PolicyEngine(Protocol):
    """Evaluates a product's policy over facts. It sees facts and nothing else."""

    def pin(self, product: Product) -> PolicyPin: ...

    def evaluate(self, product: Product, pin: PolicyPin, stage: Stage, facts: Facts) -> PolicyVerdict: ...


class Products(Protocol):
    """The product packs of this deployment."""

    def get(self, product_id: str) -> Product:
        """Raises NotFound, naming the products there are."""
        ...

    def all(self) -> Sequence[Product]: ...


class SourceGatekeeper(Protocol):
    """Asked before every call to a source, told after: breaker and pace, shared by all workers."""

    async def permit(self, source: str, rate_per_second: float | None) -> None:
        """Raises SourceUnavailable while the circuit is open, but lets one caller through now and then to see;
        SourceBusy when our own limit is used up."""
        ...

    async def succeeded(self, source: str) -> None: ...

    async def failed(self, source: str) -> None: ...


class CaseworkStore(Protocol):
    """A case as the steps work on it. Every write is safe to repeat and loses against an earlier one."""

    async def load(self, application: str) -> Case: ...

    async def send(self, case: Case, sources: Sequence[SourceTerms], now: datetime) -> dict[str, EvidenceRecord]: ...

    async def resend(self, record: EvidenceRecord, now: datetime) -> None: ...

    async def reserve(self, case: Case, source: SourceTerms, now: datetime, error: str) -> None: ...

    async def blocked(
        self, case: Case, record: EvidenceRecord, error: str, arrived: bool, now: datetime, run: StepRun
    ) -> None: ...

    async def answered(
        self, case: Case, record: EvidenceRecord, answer: Answer, now: datetime, run: StepRun
    ) -> EvidenceRecord: ...

    async def settle_without_answer(
        self, case: Case, record: EvidenceRecord, state: EvidenceState, now: datetime, run: StepRun
    ) -> EvidenceRecord: ...

    async def attempted(self, case: Case, run: StepRun, source: str | None = None) -> None: ...

    async def scored(self, case: Case, score: Score, now: datetime, run: StepRun) -> None: ...

    async def proposed(self, case: Case, verdict: Verdict, now: datetime, run: StepRun) -> None: ...

    async def record(
        self, case: Case, verdict: Verdict, answer: PersonsAnswer | None, now: datetime, run: StepRun
    ) -> Outcome | None: ...

    async def expire(self, case: Case, reason: str, now: datetime, run: StepRun) -> None: ...


class ReviewStore(Protocol):
    """Review tasks as a run sees them."""

    async def open(self, case: Case, terms: ReviewTerms, why: Sequence[str], priority: str, now: datetime) -> TaskView:
        """The task of this case, opened unless it is there already."""
        ...

    async def view(self, application: str, round_: int) -> TaskView: ...

    async def deadline_passed(self, case: Case, now: datetime) -> TaskView:
        """Escalates or expires what nobody answered in time."""
        ...

    async def answer_of(self, case: Case) -> PersonsAnswer | None: ...


class ApplicationStore(Protocol):
    """The door's side of the database."""

    async def accept(
        self,
        product: Product,
        application: ApplicationFrame,
        *,
        actor: Actor,
        key: str,
        fingerprint: bytes,
        request: str,
        now: datetime,
        head_start: float,
    ) -> Accepted:
        """Commits the application, or finds the answer this key got before. Raises KeyReused."""
        ...


class EngineOutbox(Protocol):
    """What must still happen at the engine, kept until it is delivered."""

    async def claim(self, limit: int) -> Sequence[EngineTask]: ...

    async def delivered(self, task: int) -> None: ...

    async def failed(self, task: int, error: str, again_in: float) -> None: ...

    async def open_cases(self, older_than: timedelta) -> Sequence[EngineTask]: ...

    async def has_ended(self, application: str) -> bool: ...

    async def start_under_new_id(self, application: str) -> int: ...


class DecisionBell(Protocol):
    """Rung by whoever brings an application to rest, heard by whoever waits for it."""

    def ring(self, application: str) -> None: ...

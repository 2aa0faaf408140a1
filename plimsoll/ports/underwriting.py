"""What deciding an application needs from outside: sources, policy, products, and the stores of a case."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import BaseModel, Field, PrivateAttr

from plimsoll.domain.access import Actor
from plimsoll.domain.models.scoring import ModelPin, Score
from plimsoll.domain.underwriting.application import ApplicationFrame
from plimsoll.domain.underwriting.case import Case, EvidenceRecord, PersonsAnswer
from plimsoll.domain.underwriting.decision import PolicyPin, PolicyVerdict, Verdict
from plimsoll.domain.underwriting.evidence import Answer, EvidenceState, Inquiry, Recovery
from plimsoll.domain.underwriting.facts import Facts, Stage
from plimsoll.domain.underwriting.policy import Policy
from plimsoll.domain.underwriting.product import Product, ReviewTerms, SourceTerms
from plimsoll.domain.underwriting.review import TaskView
from plimsoll.domain.values import Outcome, Value


class Accepted(Value):
    """What the door got for an application: a new one, or the one this key made before."""

    application: str
    round: int
    replayed: bool
    flags: tuple[str, ...] = ()


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


class PolicyEngine(Protocol):
    """Evaluates a product's policy over facts. It sees facts and nothing else."""

    def pin(self, product: Product) -> PolicyPin: ...

    def evaluate(self, product: Product, pin: PolicyPin, stage: Stage, facts: Facts) -> PolicyVerdict: ...


class CaseOutcome(Protocol):
    """A case of a pack, and whether what must come of it came."""

    @property
    def name(self) -> str: ...

    @property
    def passed(self) -> bool: ...

    @property
    def problem(self) -> str | None: ...


class PolicyTrial(Protocol):
    """A policy asked without being in force: the one that is, one of before, or one that somebody thinks of."""

    @property
    def policy(self) -> Policy: ...

    def problems(self) -> list[str]:
        """What is wrong with it, in sentences."""
        ...

    def run_cases(self) -> Sequence[CaseOutcome]:
        """The pack's cases against it."""
        ...

    def evaluate(self, stage: Stage, facts: Facts) -> PolicyVerdict: ...


class PolicyArchive(Protocol):
    """Every policy that was in force, as its file was read."""

    async def keep(self, product: str, policy: Policy, now: datetime) -> None:
        """Once for each content."""
        ...

    async def listed(self, product: str) -> Sequence[Mapping[str, Any]]:
        """The newest first, each with the decisions made by it."""
        ...

    async def content(self, product: str, digest: str) -> bytes:
        """Raises NotFound."""
        ...


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

    async def pinned(self, case: Case, pin: ModelPin, run: StepRun | None = None) -> Case:
        """From here on this version scores the case, unless another was pinned before: then that one."""
        ...

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


class DecisionBell(Protocol):
    """Rung by whoever brings an application to rest, heard by whoever waits for it."""

    def ring(self, application: str) -> None: ...

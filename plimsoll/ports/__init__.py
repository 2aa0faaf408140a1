"""What the inside needs of the outside, in a few methods each.

Adapters in `plimsoll/adapters/` keep these promises for the real world, `tests/fakes.py`
for tests; `tests/port_contracts/` runs the same tests against both.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, PrivateAttr

from plimsoll.domain.access import Actor
from plimsoll.domain.alerts import PastCheck
from plimsoll.domain.application import ApplicationFrame
from plimsoll.domain.asking import Answered, Asked, Ranges
from plimsoll.domain.assignment import Lineup
from plimsoll.domain.case import Case, EvidenceRecord, PersonsAnswer
from plimsoll.domain.decision import PolicyPin, PolicyVerdict, Verdict
from plimsoll.domain.drift import Drift, DriftReference, Window
from plimsoll.domain.drift_report import DriftReport
from plimsoll.domain.evidence import Answer, EvidenceState, Inquiry, Recovery
from plimsoll.domain.examples import Column, Examples
from plimsoll.domain.facts import Ask, Facts, Stage
from plimsoll.domain.gates import Arm, GateReading
from plimsoll.domain.performance import Judged
from plimsoll.domain.policy import Policy
from plimsoll.domain.product import FeatureSpec, Lane, Product, ReviewTerms, SourceTerms
from plimsoll.domain.registry import ModelRecord, ModelState, Registration, RoleName
from plimsoll.domain.retraining import Cause
from plimsoll.domain.retraining_run import CameOf, LabelsKnown, RetrainingRun, TriedOut
from plimsoll.domain.review import TaskView
from plimsoll.domain.rollout import Judgement, RolloutView
from plimsoll.domain.scoring import ModelPin, Score
from plimsoll.domain.training import LabelSource, Progress, StepResult, TrainingPlan, TrainingStep
from plimsoll.domain.training_run import TrainingProgress, TrainingRun, TrainingState, Trigger
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


class OpenRun(Value):
    """A run that is no application's and that Postgres says should be under way."""

    kind: str  # training | rollout | intervention
    id: str
    product: str
    priority: int = Field(default=3, ge=1, le=5)  # 1 is served first


class RunTask(Value):
    """One start or signal owed to such a run."""

    id: int
    kind: str  # start, or a signal's name
    run: OpenRun


class OwedAlert(Value):
    """Something somebody outside is to be told of, with a key under which a repeat is recognised."""

    id: int
    key: str
    event: dict[str, Any]


class PredictionAsked(Value):
    """A score asked for without a case, with who asks."""

    asked: Asked
    kind: str  # api | batch
    actor: str
    request: str


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
    """Scores with the version a pin names; loading is verified against the manifest's digests."""

    def score(self, pin: ModelPin, product: Product, facts: Facts, alternatives: Sequence[Ask]) -> Score:
        """Probability, interval, novelty, contributions, reasons; and the risk of each alternative ask.

        CPU-bound (several ms); call it off the event loop.
        """
        ...


class LiveModels(Protocol):
    """Which versions play which role, as of a moment ago."""

    async def lineup(self, name: str) -> Lineup: ...

    def forget(self) -> None:
        """A role changed here: ask again."""
        ...


class ModelRegistry(Protocol):
    """Versions of models and their roles: the authority. Every change is on record; the rules are the domain's."""

    async def find(self, reference: str) -> ModelRecord:
        """By id, by `name@version` or by name. Raises NotFound."""
        ...

    async def find_all(
        self,
        *,
        limit: int,
        after: str | None = None,
        name: str | None = None,
        product: str | None = None,
        state: ModelState | None = None,
    ) -> Sequence[ModelRecord]: ...

    async def history(self, model: str) -> Sequence[dict[str, Any]]:
        """What the ledger says of this version, in order."""
        ...

    async def lineup(self, name: str) -> Lineup: ...

    async def register(
        self, version: Registration, *, by: Actor, request: str, now: datetime, training: str | None = None
    ) -> ModelRecord:
        """A trained version becomes a candidate; registering it again finds it."""
        ...

    async def adopt(self, version: Registration, *, by: Actor, request: str, now: datetime, reason: str) -> ModelRecord:
        """What decided before there was a registry is champion from now on, unless there is one."""
        ...

    async def propose(self, model: str, *, by: Actor, reason: str, request: str, now: datetime) -> ModelRecord: ...

    async def approve(self, model: str, *, by: Actor, reason: str, request: str, now: datetime) -> ModelRecord: ...

    async def reject(self, model: str, *, by: Actor, reason: str, request: str, now: datetime) -> ModelRecord: ...

    async def retire(self, model: str, *, by: Actor, reason: str, request: str, now: datetime) -> ModelRecord: ...

    async def set_role(
        self,
        model: str,
        role: RoleName,
        *,
        share: float = 0.0,
        salt: str | None = None,
        by: Actor,
        reason: str,
        request: str,
        now: datetime,
    ) -> ModelRecord: ...

    async def clear_role(
        self, name: str, role: RoleName, *, by: Actor, reason: str, request: str, now: datetime
    ) -> ModelRecord | None: ...


class ModelShelf(Protocol):
    """Trained versions as files."""

    def read(self, name: str, version: str) -> Registration:
        """What the files tell, every digest held against them. Raises ModelRefused, ModelUnavailable."""
        ...

    def report(self, name: str, version: str) -> dict[str, Any] | None:
        """All that was measured of it; None when it has no report."""
        ...

    def card(self, name: str, version: str) -> str | None:
        """The model card, in Markdown."""
        ...


class ModelMirror(Protocol):
    """Where people look at runs and versions beside the product; never what is true."""

    async def catch_up(self) -> None:
        """Shows it what the registry knows. Raises Unavailable when it could not be told."""
        ...


class TrainingStore(Protocol):
    """Trainings under way and ended."""

    async def start(
        self, product: str, plan: TrainingPlan, trigger: Trigger, *, by: Actor, reason: str, request: str, now: datetime
    ) -> TrainingRun:
        """Raises TrainingUnderWay."""
        ...

    async def newest(
        self, *, limit: int, after: str | None = None, product: str | None = None, state: str | None = None
    ) -> Sequence[TrainingRun]: ...

    async def get(self, training: str) -> TrainingRun: ...

    async def report(
        self, training: str, progress: TrainingProgress, now: datetime, findings: dict[str, Any] | None = None
    ) -> bool:
        """Shows how far it is. False when nobody wants it any more."""
        ...

    async def end(
        self,
        training: str,
        state: TrainingState,
        now: datetime,
        error: str | None = None,
        model: str | None = None,
    ) -> TrainingRun: ...


class TrainingData(Protocol):
    """The applications a model may learn from."""

    def examples(self, product: Product, labels: LabelSource, as_of: datetime) -> Examples:
        """The same at any later time, of a file that was left alone. Raises InvalidRequest when there are none, or
        they are not what the pack says, and Unavailable."""
        ...


class Workshop(Protocol):
    """Where models are made: steps that keep what they finished. CPU-bound; call it off the event loop."""

    def fetch(self, run: TrainingRun, progress: Progress) -> str:
        """Reads what there is to learn from, and says how much. Raises InvalidRequest."""
        ...

    def take(self, step: TrainingStep, run: TrainingRun, progress: Progress) -> StepResult: ...

    def published(self, run: TrainingRun) -> tuple[str, str]:
        """Name and version of what the run gave."""
        ...


class OwedShadow(Value):
    """A case that was scored, and that a shadow was not asked about yet."""

    application: str
    product: str
    round: int
    lane: Lane
    scored_at: datetime


class ShadowStore(Protocol):
    """What shadows owe, and what they said."""

    async def owed(self, name: str, digest: str, after: datetime, limit: int) -> Sequence[OwedShadow]: ...

    async def write(self, owed: OwedShadow, score: Score, duration_ms: float) -> None:
        """Once for each case and model."""
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


class EngineOutbox(Protocol):
    """What must still happen at the engine, kept until it is delivered."""

    async def claim(self, limit: int) -> Sequence[EngineTask | RunTask]: ...

    async def delivered(self, task: int) -> None: ...

    async def failed(self, task: int, error: str, again_in: float) -> None: ...

    async def open_cases(self, older_than: timedelta) -> Sequence[EngineTask]: ...

    async def has_ended(self, application: str) -> bool: ...

    async def start_under_new_id(self, application: str) -> int: ...


class AlertOutbox(Protocol):
    """Alerts kept until somebody takes them."""

    async def claim_alerts(self, limit: int) -> Sequence[OwedAlert]: ...

    async def delivered(self, task: int) -> None: ...

    async def given_up(self) -> int: ...


class DecisionBell(Protocol):
    """Rung by whoever brings an application to rest, heard by whoever waits for it."""

    def ring(self, application: str) -> None: ...


class OpenRuns(Protocol):
    """What should be under way besides applications."""

    async def open_runs(self, older_than: timedelta) -> Sequence[OpenRun]: ...


class RolloutStore(Protocol):
    """Roll-outs as their run sees them."""

    async def view(self, rollout: str) -> RolloutView: ...

    async def apply(
        self, rollout: str, phase: int, judgement: Judgement, readings: Sequence[GateReading], now: datetime
    ) -> RolloutView:
        """Writes an evaluation down and does what it concludes, unless the phase moved on meanwhile."""
        ...

    async def let_go(self, rollout: str, now: datetime) -> RolloutView:
        """The old model was kept long enough."""
        ...


class ArmReader(Protocol):
    """The samples that the gates of a release compare."""

    async def live(self, product: str, digest: str, since: datetime, now: datetime) -> Arm: ...

    async def shadow(self, product: str, digest: str, since: datetime, now: datetime) -> Arm: ...


class ColumnScorer(Protocol):
    """A pinned model over many rows at once. CPU-bound; raises ModelUnavailable, ModelRefused."""

    def features(self, pin: ModelPin) -> Sequence[FeatureSpec]: ...

    def ranges(self, pin: ModelPin) -> Ranges:
        """Lowest and highest value of each number in training."""
        ...

    def probabilities(self, pin: ModelPin, columns: Mapping[str, Column]) -> npt.NDArray[np.float64]:
        """(rows,) calibrated, on the scale of the training sample."""
        ...

    def contributions(self, pin: ModelPin, columns: Mapping[str, Column]) -> npt.NDArray[np.float64]:
        """(rows, features) in log-odds against the reference group."""
        ...


class PredictionLog(Protocol):
    """Every score asked for without a case."""

    async def log(
        self, asked: Sequence[PredictionAsked], answered: Sequence[Answered], duration_ms: float, scored_at: datetime
    ) -> None:
        """All or none, committed when it returns."""
        ...


class DriftReferenceStore(Protocol):
    """What each version of a model was trained on, in bins and counts."""

    def of(self, model: str, version: str) -> DriftReference:
        """Raises InvalidRequest when this version has none, ModelRefused when it was altered."""
        ...


class LiveWindowReader(Protocol):
    """What the models of a product were asked."""

    async def read(
        self, product: Product, model: ModelPin, since: datetime, until: datetime, seen: Callable[[int], None]
    ) -> Window:
        """`seen` is told how many rows were read, again and again."""
        ...


class DriftReportStore(Protocol):
    """Drift checks on record."""

    async def find(self, report: str) -> DriftReport | None: ...

    async def get(self, report: str) -> DriftReport:
        """Raises NotFound."""
        ...

    async def past(self, product: str, model_digest: str, before: datetime) -> Sequence[PastCheck]:
        """Checks of this model whose window ended earlier, newest first."""
        ...

    async def save(self, report: DriftReport, by: Actor, request: str) -> None:
        """Once: a report that is there stays as it is."""
        ...

    async def did(self, report: str, kind: str, rule: str, by: Actor, reason: str, now: datetime, **facts: Any) -> None:
        """What an action came to, once for each rule."""
        ...


class ReportPages(Protocol):
    """Pages that people open."""

    def draw(self, report: str, product: str, drift: Drift, title: str, remarks: Sequence[str]) -> tuple[str, str]:
        """Name and digest. CPU-bound and slow; raises Unavailable."""
        ...

    def read(self, name: str | None, digest: str | None) -> bytes:
        """Raises NotFound, Unavailable."""
        ...


class AlertSink(Protocol):
    """Whoever wants to be called when something moved."""

    @property
    def wanted(self) -> bool: ...

    async def send(self, key: str, event: dict[str, Any]) -> None:
        """Raises Unavailable unless it was taken."""
        ...


class Retraining(Protocol):
    """Where a retraining is asked for."""

    async def start(
        self, product: str, plan: TrainingPlan, trigger: Trigger, *, by: Actor, reason: str, request: str, now: datetime
    ) -> RetrainingRun:
        """Raises RetrainingUnderWay."""
        ...


class RetrainingStore(Retraining, Protocol):
    """Retrainings under way and ended. What is written of one that has ended stays as it was."""

    async def get(self, retraining: str) -> RetrainingRun: ...

    async def newest(
        self, *, limit: int, after: str | None = None, product: str | None = None, state: str | None = None
    ) -> Sequence[RetrainingRun]: ...

    async def note(
        self,
        retraining: str,
        now: datetime,
        *,
        causes: Sequence[Cause] | None = None,
        champion: str | None = None,
        labels: LabelsKnown | None = None,
        training: str | None = None,
        tried: Sequence[TriedOut] | None = None,
    ) -> RetrainingRun:
        """What is known of it by now; what is not given stays."""
        ...

    async def end(self, retraining: str, came: CameOf, now: datetime) -> RetrainingRun: ...


class Contest(Protocol):
    """Versions held against each other on rows neither has learnt from. CPU-bound; call it off the event loop."""

    def labels_known(
        self, product: Product, champion: ModelRecord, labels: LabelSource, now: datetime
    ) -> LabelsKnown: ...

    def recalibrated(self, product: Product, champion: ModelRecord, labels: LabelSource, now: datetime) -> TriedOut:
        """The champion with its level set anew; a version of it, unregistered, when it passes the gate."""
        ...

    def retrained(
        self, product: Product, champion: ModelRecord, challenger: ModelRecord, labels: LabelSource, now: datetime
    ) -> TriedOut: ...


class LivePerformances(Protocol):
    """How decisions turned out, as columns."""

    async def judged(self, product: str, as_of: date) -> Judged: ...


class TakenBack(Protocol):
    """What an alarm may do to releases."""

    async def roll_back_under_way(self, name: str, *, reason: str, request: str, now: datetime) -> str | None:
        """The id of the roll-out of this model that was taken back; None when none was under way."""
        ...

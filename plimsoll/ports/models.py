"""What scores, and the governed life of a model: registry, training, release, retraining."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from plimsoll.domain.access import Actor
from plimsoll.domain.models.asking import Answered, Asked, Ranges
from plimsoll.domain.models.assignment import Lineup
from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.models.gates import Arm, GateReading
from plimsoll.domain.models.performance import Judged
from plimsoll.domain.models.registry import ModelRecord, ModelState, Registration, RoleName
from plimsoll.domain.models.retraining import Cause
from plimsoll.domain.models.retraining_run import CameOf, LabelsKnown, RetrainingRun, TriedOut
from plimsoll.domain.models.rollout import Judgement, RolloutView
from plimsoll.domain.models.scoring import ModelPin, Score
from plimsoll.domain.models.training import LabelSource, Progress, StepResult, TrainingPlan, TrainingStep
from plimsoll.domain.models.training_run import TrainingProgress, TrainingRun, TrainingState, Trigger
from plimsoll.domain.underwriting.facts import Ask, Facts
from plimsoll.domain.underwriting.product import FeatureSpec, Lane, Product
from plimsoll.domain.values import Value


class PredictionAsked(Value):
    """A score asked for without a case, with who asks."""

    asked: Asked
    kind: str  # api | batch
    actor: str
    request: str


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

"""A retraining: weighed, the champion calibrated anew, a successor trained and held against it, the end on record.

Each step reads its row and leaves what it found there, so that whoever takes it again goes on from it.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import Message
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.errors import InvalidRequest
from plimsoll.domain.models.performance import performance_report
from plimsoll.domain.models.registry import ModelRecord
from plimsoll.domain.models.retraining import Due, LivePerformance, Standing, due
from plimsoll.domain.models.retraining_run import (
    CameOf,
    LabelsKnown,
    RetrainingRun,
    RetrainingState,
    RetrainingUnderWay,
    TriedOut,
    came_of,
    labels_then,
)
from plimsoll.domain.models.training import SplitKind, TrainingPlan
from plimsoll.domain.models.training_run import TrainingState, TrainingUnderWay, Trigger
from plimsoll.domain.underwriting.product import Product
from plimsoll.ports import (
    Contest,
    LivePerformances,
    ModelRegistry,
    ModelShelf,
    Products,
    RetrainingStore,
    TrainingStore,
)

BEAT = 5.0  # seconds: well below the workflow's patience with silence
NO_CHAMPION = (
    "No version of {model} is champion, so there is nothing to compare with: `plimsoll model train {product}` makes "
    "a first one."
)
A_DEFECT = "A step failed again and again: the worker's log and the run in Temporal say where."
MUST_WAIT = "Another training of the product was under way for too long."


class RetrainingRef(Message):
    retraining: str
    product: str


class Asked(Message):
    """Whether a retraining was begun; its row is there by then."""

    retraining: str | None = None


class AskIfDue(Message):
    product: str


class Begun(Message):
    """The training of the successor; none while another one of the product is under way."""

    training: str | None = None


class Retrained(Message):
    """Where a retraining stands; a version only when one passed the gate."""

    retraining: str
    state: RetrainingState
    model: str | None = None


class Ended(RetrainingRef):
    """Why there is no retrained version to compare, in a code."""

    because: str  # training | waited | defect


class RetrainingSteps:
    def __init__(
        self,
        retrainings: RetrainingStore,
        trainings: TrainingStore,
        contest: Contest,
        registry: ModelRegistry,
        shelf: ModelShelf,
        products: Products,
        performance: LivePerformances,
    ) -> None:
        self._retrainings = retrainings
        self._trainings = trainings
        self._contest = contest
        self._registry = registry
        self._shelf = shelf
        self._products = products
        self._performance = performance

    # Asked for ----------------------------------------------------------------------------------

    @activity.defn(name="ask_if_retraining_is_due")
    async def ask_if_due(self, asked: AskIfDue) -> Asked:
        """What the schedule asks. Nothing is written unless one begins, or every day would leave a line."""
        with reported_to_temporal():
            product, now = self._products.get(asked.product), datetime.now(UTC)
            champion = (await self._registry.lineup(product.model)).champion
            if champion is None:
                return Asked()
            record = await self._registry.find(f"{champion.name}@{champion.version}")
            _, found = await self._standing(product, record, now)
            if not found.now:
                return Asked()
            sentence = " ".join(cause.sentence for cause in found.causes)
            try:
                run = await self._retrainings.start(
                    product.id, TrainingPlan(), found.trigger, by=SYSTEM, reason=sentence, request="schedule", now=now
                )
            except RetrainingUnderWay:
                return Asked()
            return Asked(retraining=run.id)

    # The steps ----------------------------------------------------------------------------------

    @activity.defn(name="weigh_retraining")
    async def weigh(self, ref: RetrainingRef) -> Retrained:
        """Whether it is due at all, against which champion, and on what the two would be compared."""
        with reported_to_temporal():
            run, product = await self._run_and_product(ref)
            if not run.wanted:
                return _where(run)
            champion = (await self._registry.lineup(product.model)).champion
            if champion is None:
                said = NO_CHAMPION.format(model=product.model, product=product.id)
                return await self._ended(run, RetrainingState.REJECTED, said)
            record = await self._registry.find(f"{champion.name}@{champion.version}")
            try:
                labels, found = await self._standing(product, record, run.started_at, run)
            except InvalidRequest as error:  # the data are gone, or are not what the pack says
                return await self._ended(run, RetrainingState.STOPPED, error.message)
            run = await self._retrainings.note(
                run.id, datetime.now(UTC), causes=found.causes, champion=record.id, labels=labels
            )
            if found.held_back:
                return await self._ended(run, RetrainingState.HELD_BACK, found.held_back)
            if labels.held_out is None:
                return await self._ended(run, RetrainingState.REJECTED, labels.why_not or "")
            return _where(run)

    @activity.defn(name="recalibrate_champion")
    async def recalibrate(self, ref: RetrainingRef) -> Retrained:
        """The champion with its level set anew, as a candidate of its own; registered when it passes the gate."""
        with reported_to_temporal():
            run, product = await self._run_and_product(ref)
            if run.wanted:
                champion = await self._champion_of(run)
                tried = await _in_a_thread(
                    lambda: self._contest.recalibrated(product, champion, run.plan.labels, run.started_at)
                )
                run = await self._keep(run, await self._registered(run, champion, tried))
            return _where(run)

    @activity.defn(name="begin_successor")
    async def begin_training(self, ref: RetrainingRef) -> Begun:
        """The training of the successor, on what was known on the day of this retraining and before its hold-out."""
        with reported_to_temporal():
            run, _ = await self._run_and_product(ref)
            if run.training_id or not run.wanted or run.held_out is None:
                return Begun(training=run.training_id)
            plan = run.plan.model_copy(
                update={
                    "split": SplitKind.OUT_OF_TIME,
                    "held_out_from": run.held_out.since,
                    "known_by": run.today,
                }
            )
            training = await self._training(run, plan)
            if training:
                await self._retrainings.note(run.id, datetime.now(UTC), training=training)
            return Begun(training=training)

    @activity.defn(name="compare_successor")
    async def compare(self, ref: RetrainingRef) -> Retrained:
        """The successor against the champion on the hold-out, and what came of the whole."""
        with reported_to_temporal():
            run, product = await self._run_and_product(ref)
            if not run.wanted:
                return _where(run)
            training = await self._trainings.get(run.training_id or "")
            champion = await self._champion_of(run)
            successor = await self._registry.find(training.model_id or "")
            labels, day = run.plan.labels, run.started_at
            tried = await _in_a_thread(lambda: self._contest.retrained(product, champion, successor, labels, day))
            run = await self._keep(run, tried)
            return _where(await self._retrainings.end(run.id, came_of(run), datetime.now(UTC)))

    @activity.defn(name="end_retraining")
    async def end(self, ended: Ended) -> Retrained:
        """Without a successor. The champion calibrated anew may have passed all the same."""
        with reported_to_temporal():
            run = await self._retrainings.get(ended.retraining)
            if not run.wanted:
                return _where(run)
            if ended.because == "defect":
                return await self._ended(run, RetrainingState.FAILED, A_DEFECT)
            said = MUST_WAIT if ended.because == "waited" else await self._why_no_version(run)
            return _where(await self._retrainings.end(run.id, came_of(run, said), datetime.now(UTC)))

    # Below the activities -----------------------------------------------------------------------

    async def _run_and_product(self, ref: RetrainingRef) -> tuple[RetrainingRun, Product]:
        run = await self._retrainings.get(ref.retraining)
        return run, self._products.get(run.product)

    async def _standing(
        self, product: Product, champion: ModelRecord, now: datetime, run: RetrainingRun | None = None
    ) -> tuple[LabelsKnown, Due]:
        """What is known on the day, and whether that asks for a new model."""
        source = run.plan.labels if run else TrainingPlan().labels
        labels = await _in_a_thread(lambda: self._contest.labels_known(product, champion, source, now))
        before = await self._last_try(product, run)
        standing = Standing(
            labels_learnt=labels_then(champion.manifest.get("data") or {}),
            auc_at_training=float((champion.manifest.get("metrics") or {}).get("auc", 0.5)),
            labels_known=labels.known,
            trained_at=champion.created_at,
            tried_at=before.started_at if before else None,
            labels_then=before.labels_known if before else None,
            performance=await self._live_performance(product, champion, now),
            drift=(run.asked,) if run and run.trigger is Trigger.DRIFT else (),
            asked_by=run.asked if run and run.trigger is Trigger.PERSON else None,
        )
        found = due(standing, product.retraining, now)
        return labels, found

    async def _live_performance(self, product: Product, champion: ModelRecord, now: datetime) -> LivePerformance | None:
        """The champion on its own applications, once labels are ripe: all of them are younger than its training."""
        judged = await self._performance.judged(product.id, now.date())
        told = await asyncio.to_thread(performance_report, product, judged, now.date())
        figures = next((cohort.figures for cohort in told.by_model if cohort.name == champion.called), None)
        if figures is None or figures.auc is None or figures.auc_interval is None:
            return None
        goods = figures.rows - figures.bads
        return LivePerformance(auc=figures.auc, interval=figures.auc_interval, bads=figures.bads, goods=goods)

    async def _last_try(self, product: Product, run: RetrainingRun | None) -> RetrainingRun | None:
        """The newest that came to a comparison; what was only held back is no try."""
        tries = await self._retrainings.newest(limit=50, product=product.id)
        counted = (RetrainingState.CHALLENGER, RetrainingState.REJECTED)
        return next((each for each in tries if each.state in counted and (run is None or each.id != run.id)), None)

    async def _champion_of(self, run: RetrainingRun) -> ModelRecord:
        """The one it was weighed against, whoever is champion by now."""
        return await self._registry.find(run.champion_id or "")

    async def _registered(self, run: RetrainingRun, champion: ModelRecord, tried: TriedOut) -> TriedOut:
        if tried.version is None:
            return tried
        found = await asyncio.to_thread(self._shelf.read, champion.name, tried.version)
        by = Actor(id=run.requested_by, name=run.requested_by_name or "", roles=())
        record = await self._registry.register(found, by=by, request=run.id, now=datetime.now(UTC))
        return tried.model_copy(update={"model_id": record.id})

    async def _keep(self, run: RetrainingRun, tried: TriedOut) -> RetrainingRun:
        return await self._retrainings.note(run.id, datetime.now(UTC), tried=run.with_tried(tried))

    async def _training(self, run: RetrainingRun, plan: TrainingPlan) -> str | None:
        by = Actor(id=run.requested_by, name=run.requested_by_name or "", roles=())
        try:
            training = await self._trainings.start(
                run.product, plan, run.trigger, by=by, reason=run.asked, request=run.id, now=datetime.now(UTC)
            )
        except TrainingUnderWay:
            running = await self._trainings.newest(limit=1, product=run.product, state=TrainingState.RUNNING)
            # Ours, begun by a worker that died before it could write it down.
            return next((each.id for each in running if each.plan == plan and each.trigger is run.trigger), None)
        return training.id

    async def _why_no_version(self, run: RetrainingRun) -> str:
        training = await self._trainings.get(run.training_id or "")
        return training.error or f"The training {training.id} ended without a version."

    async def _ended(self, run: RetrainingRun, state: RetrainingState, why: str) -> Retrained:
        return _where(await self._retrainings.end(run.id, CameOf(state=state, why=why), datetime.now(UTC)))


def _where(run: RetrainingRun) -> Retrained:
    return Retrained(retraining=run.id, state=run.state, model=run.challenger_id)


async def _in_a_thread(work: Callable[[], Any]) -> Any:
    """The work, with a sign of life every few seconds."""
    task = asyncio.create_task(asyncio.to_thread(work))
    while not task.done():
        await asyncio.wait({task}, timeout=BEAT)
        if activity.in_activity():
            activity.heartbeat()
    return task.result()

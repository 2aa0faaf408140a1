"""Training, one step at a time: taken in a thread, watched from the loop, written down as it goes.

A step that a killed worker left half done is taken again by another; the run's folder holds what
was finished, so it goes on from there.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import Message
from plimsoll.domain.access import Actor
from plimsoll.domain.errors import InvalidRequest, Unavailable
from plimsoll.domain.models.training import Progress, StepResult, TrainingStep, TrainingStopped
from plimsoll.domain.models.training_run import TrainingProgress, TrainingRun, TrainingState
from plimsoll.ports import ModelMirror, ModelRegistry, ModelShelf, TrainingStore, Workshop

log = structlog.get_logger()

BEAT = 1.0  # seconds between two looks at a step: well below the workflow's patience with silence
FETCH = "fetch"
STOPPED_BY_SOMEBODY = "This training was stopped."


class TrainingRef(Message):
    training: str
    product: str


class TakeStep(TrainingRef):
    step: TrainingStep


class Taken(Message):
    """What a step told. `stopped`: it found a reason not to go on, or nobody wants the training any more."""

    sentence: str
    stopped: bool = False


class Trained(Message):
    """How a training ended; without a version there is none."""

    training: str
    state: TrainingState
    model: str | None = None


class Training:
    def __init__(
        self,
        trainings: TrainingStore,
        workshop: Workshop,
        registry: ModelRegistry,
        shelf: ModelShelf,
        mirror: ModelMirror,
    ) -> None:
        self._trainings = trainings
        self._workshop = workshop
        self._registry = registry
        self._shelf = shelf
        self._mirror = mirror

    @activity.defn(name="fetch_examples")
    async def fetch(self, training: TrainingRef) -> Taken:
        """The labelled applications, read and found fit to learn from."""
        with reported_to_temporal():
            return await self._taken(training, FETCH, self._workshop.fetch)

    @activity.defn(name="take_training_step")
    async def take(self, step: TakeStep) -> Taken:
        def work(run: TrainingRun, progress: Progress) -> StepResult:
            return self._workshop.take(step.step, run, progress)

        with reported_to_temporal():
            return await self._taken(step, step.step, work)

    @activity.defn(name="register_version")
    async def register(self, training: TrainingRef) -> Trained:
        """What was published becomes a candidate in the registry, and the training is done."""
        with reported_to_temporal():
            run = await self._trainings.get(training.training)
            name, version = await asyncio.to_thread(self._workshop.published, run)
            found = await asyncio.to_thread(self._shelf.read, name, version)
            by = Actor(id=run.requested_by, name=run.requested_by_name or "", roles=())
            record = await self._registry.register(found, by=by, request=run.id, now=datetime.now(UTC), training=run.id)
            ended = await self._trainings.end(run.id, TrainingState.DONE, datetime.now(UTC), model=record.id)
            return Trained(training=run.id, state=ended.state, model=record.id)

    @activity.defn(name="end_training")
    async def give_up(self, training: TrainingRef) -> Trained:
        """A defect kept a step from being finished, however often it was tried."""
        with reported_to_temporal():
            why = "A step failed again and again: the worker's log and the run in Temporal say where."
            ended = await self._trainings.end(training.training, TrainingState.FAILED, datetime.now(UTC), why)
            return Trained(training=training.training, state=ended.state)

    @activity.defn(name="mirror_models")
    async def mirror(self) -> None:
        """Shows MLflow what Postgres knows. Safe to repeat; what could not be mirrored now is the next time."""
        with reported_to_temporal():
            await _beating(self._mirror.catch_up())

    # Below the activities ---------------------------------------------------------------------

    async def _taken(
        self, training: TrainingRef, step: str, work: Callable[[TrainingRun, Progress], StepResult | str]
    ) -> Taken:
        run = await self._trainings.get(training.training)
        if not run.wanted:
            return Taken(sentence=run.error or STOPPED_BY_SOMEBODY, stopped=True)
        watch = Watch(run, step)
        try:
            found = await self._watched(watch, lambda: work(run, watch.note))
        except InvalidRequest as error:
            # Said to people here, because the sentence must not go into the engine's history.
            await self._trainings.end(run.id, TrainingState.STOPPED, datetime.now(UTC), error.message)
            return Taken(sentence=error.code, stopped=True)
        stopped = isinstance(found, StepResult) and found.stopped
        sentence = found.sentence if isinstance(found, StepResult) else found
        figures = found.figures if isinstance(found, StepResult) else None
        findings = figures if step == TrainingStep.VALIDATE else None
        await self._trainings.report(run.id, watch.finished(sentence), datetime.now(UTC), findings)
        if stopped:
            await self._trainings.end(run.id, TrainingState.STOPPED, datetime.now(UTC), sentence)
        return Taken(sentence=step, stopped=stopped)

    async def _watched(self, watch: "Watch", work: Callable[[], Any]) -> Any:
        """The work in a thread, its progress told every second; whoever stops it is obeyed at its next word."""
        task = asyncio.create_task(asyncio.to_thread(work))
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=BEAT)
                activity.heartbeat(watch.step)
                await self._tell(watch)
        except asyncio.CancelledError:
            watch.stop()
            with suppress(Exception):
                await asyncio.shield(task)
            raise
        return task.result()

    async def _tell(self, watch: "Watch") -> None:
        try:
            if not await self._trainings.report(watch.run.id, watch.latest, datetime.now(UTC)):
                watch.stop()
        except Unavailable as error:  # the work goes on; what it says is told later
            log.warning("training.progress_not_told", training=watch.run.id, error=error.code)


class Watch:
    """Between the thread that works and the loop that tells."""

    def __init__(self, run: TrainingRun, step: str) -> None:
        self.run = run
        self.step = step
        before = run.progress or TrainingProgress(step=step)
        self.latest = before.model_copy(update={"step": step, "text": "", "done": 0, "of": 0})
        self._began = time.monotonic()
        self._stop = False

    def note(self, text: str, done: int, of: int) -> None:
        """What the work says of itself. Raises TrainingStopped once nobody wants it any more."""
        if self._stop:
            raise TrainingStopped(STOPPED_BY_SOMEBODY)
        self.latest = self.latest.model_copy(update={"text": text, "done": done, "of": of})

    def stop(self) -> None:
        self._stop = True

    def finished(self, sentence: str) -> TrainingProgress:
        return self.latest.after(self.step, sentence, round(time.monotonic() - self._began, 1))


async def _beating(work: Any) -> Any:
    """Awaited while the engine is told every second that somebody is at it."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=BEAT)
            activity.heartbeat()
    finally:
        task.cancel()
    return task.result()

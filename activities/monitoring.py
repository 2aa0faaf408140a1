"""A drift check: read the window, measure, say what follows, draw, write down; then each action by itself."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog
from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import Message
from plimsoll.domain.access import SYSTEM, Actor
from plimsoll.domain.errors import PlimsollError
from plimsoll.domain.models.retraining_run import RetrainingUnderWay
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.models.training import TrainingPlan
from plimsoll.domain.models.training_run import Trigger as TrainingTrigger
from plimsoll.domain.monitoring.alerts import Alert, State, alerts
from plimsoll.domain.monitoring.drift import Drift, Level, Window, measure
from plimsoll.domain.monitoring.drift_report import DriftReport, Trigger, looked_back
from plimsoll.domain.monitoring.terms import Action
from plimsoll.domain.underwriting.product import Product
from plimsoll.ports import (
    AlertSink,
    DriftReferenceStore,
    DriftReportStore,
    LiveModels,
    LiveWindowReader,
    Products,
    ReportPages,
    Retraining,
    TakenBack,
)

log = structlog.get_logger()
Result = TypeVar("Result")
BEAT = 5.0  # seconds: well below the workflow's patience with silence


class DriftCheck(Message):
    """Which product, and on whose word. A schedule says neither window nor report: the run fills them in."""

    product: str
    trigger: Trigger = Trigger.SCHEDULE
    report: str = ""
    since: datetime | None = None  # the product's own span before `until` when absent
    until: datetime | None = None
    actor: str = SYSTEM.id
    request: str = ""


class Owed(Message):
    """One action of one rule, still to be done."""

    report: str
    rule: str
    action: Action


class Checked(Message):
    report: str
    level: Level
    rows: int
    owed: tuple[Owed, ...] = ()


class Came(Message):
    """What an action came to, in a code."""

    rule: str
    result: str


class Monitoring:
    def __init__(
        self,
        products: Products,
        live: LiveModels,
        references: DriftReferenceStore,
        windows: LiveWindowReader,
        reports: DriftReportStore,
        pages: ReportPages,
        retraining: Retraining,
        releases: TakenBack,
        sink: AlertSink,
    ) -> None:
        self._products = products
        self._live = live
        self._references = references
        self._windows = windows
        self._reports = reports
        self._pages = pages
        self._retraining = retraining
        self._releases = releases
        self._sink = sink

    # The check --------------------------------------------------------------------------------

    @activity.defn(name="check_drift")
    async def check(self, check: DriftCheck) -> Checked:
        """Run again, it finds its report; until there is one it starts anew, which costs seconds."""
        with reported_to_temporal():
            report = await self._reports.find(check.report)
            if report is None:
                report = await _beating(self._made(check))
                by = Actor(id=check.actor, name="", roles=())
                await self._reports.save(report, by, check.request or check.report)
            return _checked(report)

    async def _made(self, check: DriftCheck) -> DriftReport:
        product = self._products.get(check.product)
        model = (await self._live.lineup(product.model)).must_have_champion()
        reference = await asyncio.to_thread(self._references.of, model.name, model.version)
        assert check.until is not None
        since = check.since or check.until - timedelta(days=product.monitoring.window_days)
        window = await self._windows.read(product, model, since, check.until, _seen)
        drift = await asyncio.to_thread(measure, reference, window)
        report = DriftReport(
            id=check.report,
            product=product.id,
            model=model,
            trigger=check.trigger,
            window_from=since,
            window_to=check.until,
            drift=drift,
            alerts=await self._alerts(check, product, model, drift),
            checked_at=datetime.now(UTC),
        )
        return await self._with_page(report, product, window)

    async def _alerts(self, check: DriftCheck, product: Product, model: ModelPin, drift: Drift) -> tuple[Alert, ...]:
        assert check.until is not None
        past = await self._reports.past(product.id, model.digest, check.until)
        found = alerts(product.monitoring, drift, past, check.until)
        return looked_back(found) if check.trigger is Trigger.BACKFILL else found

    async def _with_page(self, report: DriftReport, product: Product, window: Window) -> DriftReport:
        """A page that cannot be drawn does not cost the check."""
        if not window.rows:
            return report
        title = f"{product.title}: drift of {report.model.name}@{report.model.version}"
        span = f"{report.window_from:%Y-%m-%d %H:%M} to {report.window_to:%Y-%m-%d %H:%M} UTC"
        remarks = [f"Report {report.id}, window {span}.", report.summary]
        try:
            name, digest = await asyncio.to_thread(
                self._pages.draw, report.id, product.id, report.drift, title, remarks
            )
        except PlimsollError as error:
            log.warning("drift.page_not_drawn", report=report.id, code=error.code)
            return report
        return report.model_copy(update={"page": name, "page_digest": digest})

    # What follows -----------------------------------------------------------------------------

    @activity.defn(name="notify_of_drift")
    async def notify(self, owed: Owed) -> Came:
        """On record at once; to the operator's address when there is one."""
        with reported_to_temporal():
            report, alert = await self._what(owed)
            if not self._sink.wanted:
                return await self._came(owed, alert, "drift.notified", "no_webhook")
            await self._sink.send(f"{report.id}/{owed.rule}", _event(report, alert))
            return await self._came(owed, alert, "drift.notified", "delivered")

    @activity.defn(name="note_undelivered_alert")
    async def note_undelivered(self, owed: Owed) -> Came:
        with reported_to_temporal():
            _, alert = await self._what(owed)
            return await self._came(owed, alert, "drift.notified", "not_delivered")

    @activity.defn(name="ask_for_retraining")
    async def ask_for_retraining(self, owed: Owed) -> Came:
        """A retraining of the product, unless one is under way: that one will see the new data, too."""
        with reported_to_temporal():
            report, alert = await self._what(owed)
            try:
                run = await self._retraining.start(
                    report.product, TrainingPlan(), TrainingTrigger.DRIFT,
                    by=SYSTEM, reason=alert.text, request=report.id, now=datetime.now(UTC),
                )  # fmt: skip
            except RetrainingUnderWay:
                return await self._came(owed, alert, "drift.retraining_asked", "under_way_already")
            return await self._came(owed, alert, "drift.retraining_asked", "asked", retraining=run.id)

    @activity.defn(name="roll_back_on_drift")
    async def roll_back(self, owed: Owed) -> Came:
        """Takes back the release that is under way; with none there is nothing to go back to."""
        with reported_to_temporal():
            report, alert = await self._what(owed)
            rollout = await self._releases.roll_back_under_way(
                report.model.name, reason=alert.text, request=report.id, now=datetime.now(UTC)
            )
            result = "rolled_back" if rollout else "nothing_under_way"
            which = {"rollout": rollout} if rollout else {}
            return await self._came(owed, alert, "drift.rolled_back", result, **which)

    async def _what(self, owed: Owed) -> tuple[DriftReport, Alert]:
        report = await self._reports.get(owed.report)
        return report, next(alert for alert in report.alerts if alert.rule == owed.rule)

    async def _came(self, owed: Owed, alert: Alert, kind: str, result: str, **facts: Any) -> Came:
        await self._reports.did(
            owed.report, kind, owed.rule, SYSTEM, alert.text, datetime.now(UTC), result=result, **facts
        )
        return Came(rule=owed.rule, result=result)


def _checked(report: DriftReport) -> Checked:
    return Checked(
        report=report.id,
        level=report.drift.level,
        rows=report.drift.n_current,
        owed=tuple(
            Owed(report=report.id, rule=alert.rule, action=alert.action)
            for alert in report.alerts
            if alert.state is State.TAKEN
        ),
    )


def _event(report: DriftReport, alert: Alert) -> dict[str, Any]:
    return {
        "type": "drift.moved",
        "report": report.id,
        "product": report.product,
        "model": f"{report.model.name}@{report.model.version}",
        "level": report.drift.level,
        "window": [report.window_from.isoformat(), report.window_to.isoformat()],
        **alert.model_dump(mode="json", include={"rule", "text", "breaches", "above", "measure"}),
    }


def _seen(rows: int) -> None:
    if activity.in_activity():
        activity.heartbeat(rows)


async def _beating(work: Coroutine[Any, Any, Result]) -> Result:
    """The work, with a sign of life every few seconds; cancelled with the activity."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=BEAT)
            if not task.done() and activity.in_activity():
                activity.heartbeat()
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

"""Drift checks on the real server: what is compared, what follows, and what a bad night does to it."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Worker

from activities.monitoring import Checked, DriftCheck, Monitoring
from plimsoll.adapters.models.drift_reference import NoReference
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.monitoring.drift import Level
from plimsoll.domain.monitoring.drift_report import DriftReport, Trigger
from plimsoll.domain.monitoring.terms import Action, Measure, MonitoringTerms, Rule
from tests.applicants import the_product
from tests.fake_alerts import FakeAlertSink, FakePages
from tests.fakes import OneProduct
from tests.house import House, until
from tests.live_windows import asked, like_training, with_more_asked
from workflows.check_drift import CheckDrift


@dataclass
class Watch:
    """A product with rules of its own, watched by a worker of its own; each test has a span of time to itself."""

    house: House
    model: ModelPin
    queue: str
    until: datetime
    sink: FakeAlertSink
    pages: FakePages
    skipper: TimeSkipper
    monitoring: Monitoring

    async def begin(self, **given: Any) -> WorkflowHandle:
        check = DriftCheck(
            **{"product": the_product().id, "until": self.until, "since": self.until - timedelta(hours=1), **given}
        )
        return await self.skipper.client.start_workflow(
            CheckDrift.run, check, id=f"drift-test/{uuid.uuid4().hex[:8]}", task_queue=self.queue
        )

    async def checked(self, **given: Any) -> Checked:
        return await (await self.begin(**given)).result()

    async def live(self, snapshots: list[dict[str, Any]], **given: Any) -> None:
        await asked(self.house, snapshots, self.until - timedelta(minutes=30), model=self.model, **given)

    async def report(self, checked: Checked) -> DriftReport:
        return await self.house.ports.drift_reports.get(checked.report)

    async def came_to(self, checked: Checked) -> dict[str, str]:
        return {each["what"]: each["result"] for each in await self.house.ports.drift_reports.came_to(checked.report)}


SPANS = iter(range(10_000))


@asynccontextmanager
async def a_watch(house: House, *rules: Rule, references: Any = None) -> AsyncIterator[Watch]:
    ports, client = house.ports, house.client
    assert client is not None
    product = OneProduct(the_product(), monitoring=MonitoringTerms(rules=rules))
    sink, pages = FakeAlertSink(), FakePages()
    monitoring = Monitoring(
        product, ports.live, references or ports.drift_references, ports.live_windows, ports.drift_reports, pages,
        ports.retrainings, ports.rollouts, sink,
    )  # fmt: skip
    queue = f"drift-{uuid.uuid4().hex[:8]}"
    model = (await ports.live.lineup(the_product().model)).must_have_champion()
    async with Worker(
        client,
        task_queue=queue,
        workflows=[CheckDrift],
        activities=[
            monitoring.check,
            monitoring.notify,
            monitoring.note_undelivered,
            monitoring.ask_for_retraining,
            monitoring.roll_back,
        ],
    ):
        yield Watch(
            house=house,
            model=model,
            queue=queue,
            until=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=6 * next(SPANS)),
            sink=sink,
            pages=pages,
            skipper=TimeSkipper(client, config=TimeSkippingConfig()),
            monitoring=monitoring,
        )


def a_rule(**changes: Any) -> Rule:
    """With a name of its own: what one test was told, another has not heard."""
    return Rule(
        **{"name": f"moved {next(SPANS)}", "measure": Measure.PSI, "above": 0.25, "action": Action.NOTIFY, **changes}
    )


# What is compared -------------------------------------------------------------------------------


async def test_people_like_those_of_training_are_quiet_and_nobody_is_told(running_house: House):
    async with a_watch(running_house, a_rule()) as watch:
        await watch.live(like_training(400))
        checked = await watch.checked()
        assert (checked.level, checked.rows, checked.owed) == (Level.QUIET, 400, ())
        report = await watch.report(checked)
        assert report.summary == "400 applications against 700 in training: nothing moved that matters."
        assert not watch.sink.taken
    await running_house.must_verify()


async def test_three_applications_are_too_few_and_that_is_said(running_house: House):
    async with a_watch(running_house, a_rule()) as watch:
        await watch.live(with_more_asked(like_training(3)))
        checked = await watch.checked()
        assert (checked.level, checked.owed) == (Level.TOO_SMALL, ())
        assert (await watch.report(checked)).summary == "3 applications in the window: nothing is judged below 50."


async def test_a_window_without_an_application_is_a_report_without_a_page(running_house: House):
    async with a_watch(running_house, a_rule()) as watch:
        checked = await watch.checked()
        report = await watch.report(checked)
        assert report.summary == "No application was scored in this window, so there is nothing to compare."
        assert report.page is None


async def test_decided_applications_count_with_what_was_known_when_they_were_scored(running_house: House):
    from tests.builders import a_sound_application

    async with a_watch(running_house, a_rule()) as watch:
        application = await running_house.accept(a_sound_application())
        await running_house.until_closed(application)
        now = datetime.now(UTC)
        checked = await watch.checked(since=now - timedelta(minutes=5), until=now)
        report = await watch.report(checked)
        assert checked.rows >= 1
        assert report.drift.reason is not None
        assert report.drift.reason.n_current >= 1
        assert next(each for each in report.drift.features if each.feature == "amount").missing_current == 0.0


# What follows -----------------------------------------------------------------------------------


async def test_a_moved_input_is_told_once_drawn_and_on_record(running_house: House):
    async with a_watch(running_house, a_rule()) as watch:
        await watch.live(with_more_asked(like_training(400)))
        checked = await watch.checked()
        report = await watch.report(checked)
        assert checked.level is Level.ACT
        assert {each.feature for each in report.drift.features if each.level is Level.ACT} == {"amount", "purpose"}
        assert next(each for each in report.drift.features if each.feature == "purpose").unseen_current == 0.5
        (event,) = watch.sink.taken.values()
        assert event["type"] == "drift.moved"
        assert await watch.came_to(checked) == {"drift.notified": "delivered"}
        assert report.page in watch.pages.kept
    await running_house.must_verify()


async def test_a_page_that_cannot_be_drawn_does_not_cost_the_check(running_house: House):
    async with a_watch(running_house) as watch:
        watch.pages.broken = True
        await watch.live(like_training(300))
        assert (await watch.report(await watch.checked())).page is None


async def test_a_rule_that_retrains_asks_for_a_retraining_because_of_drift(running_house: House):
    async with a_watch(running_house, a_rule(action=Action.RETRAIN)) as watch:
        await watch.live(with_more_asked(like_training(400)))
        checked = await watch.checked()
        assert await watch.came_to(checked) == {"drift.retraining_asked": "asked"}
        (run,) = await running_house.ports.retrainings.newest(limit=1)
        assert (run.trigger, run.requested_by) == ("drift", "act_system")
        assert "psi of" in run.asked

        await watch.live(with_more_asked(like_training(400)))
        again = await watch.checked(until=watch.until + timedelta(days=30), since=watch.until - timedelta(hours=1))
        assert await watch.came_to(again) == {"drift.retraining_asked": "under_way_already"}


async def test_a_score_that_is_off_alone_takes_back_what_is_under_way_and_says_when_nothing_is(running_house: House):
    async with a_watch(running_house, a_rule(watches="score", action=Action.ROLL_BACK)) as watch:
        await watch.live(like_training(500), scores_times=0.3)
        checked = await watch.checked()
        assert await watch.came_to(checked) == {"drift.rolled_back": "nothing_under_way"}


async def test_a_score_that_moved_with_its_input_asks_for_a_retraining_and_goes_nowhere_back(running_house: House):
    async with a_watch(running_house, a_rule(watches="score", action=Action.ROLL_BACK)) as watch:
        await watch.live(with_more_asked(like_training(500)), scores_times=0.3)
        checked = await watch.checked()
        assert set(await watch.came_to(checked)) == {"drift.retraining_asked"}


async def test_a_look_back_says_what_would_have_been_done_and_does_nothing(running_house: House):
    async with a_watch(running_house, a_rule()) as watch:
        await watch.live(with_more_asked(like_training(400)))
        checked = await watch.checked(trigger=Trigger.BACKFILL)
        (alert,) = (await watch.report(checked)).alerts
        assert alert.state == "looked_back"
        assert checked.owed == ()
        assert not watch.sink.taken


# Bad nights -------------------------------------------------------------------------------------


async def test_whoever_is_away_overnight_is_told_in_the_morning_and_once(running_house: House):
    async with a_watch(running_house, a_rule()) as watch:
        watch.sink.away = True
        await watch.live(with_more_asked(like_training(400)))
        handle = await watch.begin()

        async def tried() -> bool:
            return watch.sink.tried >= 1

        await until(tried, what="the alert to be tried")
        await watch.skipper.fast_forward(handle, timedelta(hours=9))
        watch.sink.away = False
        await watch.skipper.fast_forward(handle, timedelta(hours=1, minutes=1))
        checked = await handle.result()
        assert await watch.came_to(checked) == {"drift.notified": "delivered"}
        assert len(watch.sink.taken) == 1


@pytest.mark.long
async def test_what_nobody_takes_for_a_day_is_on_record_as_undelivered(running_house: House):
    async with a_watch(running_house, a_rule()) as watch:
        watch.sink.away = True
        await watch.live(with_more_asked(like_training(400)))
        handle = await watch.begin()
        await watch.skipper.fast_forward(handle, timedelta(hours=25))
        assert await watch.came_to(await handle.result()) == {"drift.notified": "not_delivered"}


async def test_a_check_that_is_tried_again_finds_its_report(running_house: House):
    async with a_watch(running_house, a_rule()) as watch:
        await watch.live(like_training(200))
        first = await watch.checked(report="drf_01jd0000000000000000000000")
        await watch.live(with_more_asked(like_training(400)))
        assert await watch.checked(report="drf_01jd0000000000000000000000") == first


async def test_a_model_without_reference_ends_the_check_at_once(running_house: House):
    class NoReferences:
        def of(self, model: str, version: str) -> Any:
            raise NoReference(f"The model {model}@{version} has no drift reference to compare with.")

    async with a_watch(running_house, references=NoReferences()) as watch:
        with pytest.raises(WorkflowFailureError) as failed:
            await watch.checked()
        assert isinstance(failed.value.cause, ActivityError)
        assert isinstance(failed.value.cause.cause, ApplicationError)
        assert failed.value.cause.cause.type == "NoReference"


def test_a_message_of_today_reads_what_an_older_run_said():
    assert DriftCheck.model_validate({"product": "x"}).trigger is Trigger.SCHEDULE

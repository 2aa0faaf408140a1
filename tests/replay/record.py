"""Records one history per kind of run: `python -m tests.replay.record NAME…` (needs a server; replaying never does).

Names that are on disk already are left alone: a history is the past of runs that may still be
under way. When the order of steps changes on purpose, keep the old way behind
`workflow.patched("…")` and record the new way under a new name, beside the old one.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from temporalio.client import WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.retraining import AskIfDue
from activities.sweeping import Sweep, Sweeping
from plimsoll.adapters.postgres.migrate import migrate
from plimsoll.domain.access import Role
from plimsoll.domain.models.retraining_run import Candidate
from plimsoll.domain.models.rollout import RolloutState
from plimsoll.domain.monitoring.terms import Action
from plimsoll.domain.outreach.episode import EpisodeState
from plimsoll.domain.outreach.strategy import By
from plimsoll.domain.underwriting.product import Lane
from plimsoll.domain.underwriting.review import Answer
from plimsoll.domain.values import Outcome, RiskLevel, Status
from plimsoll.local.ports import INTERNAL, choose
from plimsoll.local.postgres import Cluster
from plimsoll.local.temporal_server import TemporalServer
from starter.engine.resuming import resume_waiting_on
from tests.applicants import quick_models
from tests.builders import a_minors_application, a_referred_application, a_sound_application
from tests.episodes import EpisodeUnderWay, a_desk_at_work, a_step
from tests.house import House, a_house, until
from tests.live_windows import like_training, with_more_asked
from tests.releases import PLAN, a_release, a_slow_arm
from tests.retrainings import a_school
from tests.sandbox_process import a_sandbox
from tests.stack_fixtures import LocalPostgres, LocalTemporal, _binaries
from tests.trainings import PRODUCT, Hall, a_hall
from tests.workflows.test_check_drift import a_rule, a_watch
from tests.workflows.test_sweep_portfolio import Portfolio, sweeping
from tests.workflows.test_sync_transactions import an_account_elsewhere
from workflows import names as workflow_names
from workflows.ask_for_retraining import AskForRetraining
from workflows.roll_out_model import RollOutModel

HISTORIES = Path(__file__).parent / "histories"


async def express(house: House) -> str:
    return await house.accept(a_sound_application())


async def express_knocked_out(house: House) -> str:
    return await house.accept(a_minors_application())


async def stepwise(house: House) -> str:
    return await house.accept(a_sound_application(), lane=Lane.STEPWISE)


async def stepwise_source_down(house: House) -> str:
    application = await waiting_for_the_bureau(house)
    assert house.sandbox is not None
    house.sandbox.lift_faults()

    async def woken() -> bool:
        assert house.client is not None
        woken = await resume_waiting_on(house.ports, house.client, "bureau")
        return woken > 0 or (await house.status(application)).closed

    await until(woken)
    return application


async def review_answered(house: House) -> str:
    application = await in_review(house)
    task = await house.task_of(application)
    terms = house.ports.products.get("consumer-credit").review
    said = Answer(version=task["version"], outcome=Outcome.APPROVE, reason="evidence_checked")
    await house.ports.reviews.decide(task["id"], said, await house.staff(Role.REVIEWER), terms, "req_review")
    return application


async def review_expired(house: House) -> str:
    application = await in_review(house)
    assert house.client is not None
    skipper = TimeSkipper(house.client, config=TimeSkippingConfig())
    handle = skipper.client.get_workflow_handle(house.run_of(application).id)
    await skipper.fast_forward(handle, timedelta(hours=5))
    await skipper.fast_forward(handle, timedelta(days=15))
    return application


async def withdrawn_in_review(house: House) -> str:
    application = await in_review(house)
    await house.withdraw(application)
    return application


async def withdrawn_between_steps(house: House) -> str:
    """The signal meets the result of a step: the cancellation is lost, and the next step finds the case closed."""
    application = await waiting_for_the_bureau(house)
    await house.withdraw(application)
    return application


async def withdrawn_while_waiting(house: House) -> str:
    application = await waiting_for_the_bureau(house)

    async def tried_in_vain() -> bool:
        steps = await house.ports.reading.steps(application, 1)
        return any(step["lane"] == "stepwise" and step["result"] == "blocked" for step in steps)

    await until(tried_in_vain)
    await house.withdraw(application)
    return application


async def waiting_for_the_bureau(house: House) -> str:
    body = a_sound_application()
    assert house.sandbox is not None
    house.sandbox.fault("bureau", kind="500", reference=body["applicant"]["id"])
    application = await house.accept(body)
    await house.until_waiting_on(application, "bureau")
    return application


async def in_review(house: House) -> str:
    application = await house.accept(a_referred_application())
    await house.until_status(application, Status.REVIEW)
    return application


def of_a_case(run: Callable[[House], Awaitable[str]]) -> Callable[[House], Awaitable[WorkflowHandle]]:
    """The run of the application that this brings to its end."""

    async def ended(house: House) -> WorkflowHandle:
        application = await run(house)
        await house.until_closed(application)
        return house.run_of(application)

    return ended


# Releases ---------------------------------------------------------------------------------------


async def rollout_promoted(house: House) -> WorkflowHandle:
    async with a_release(house) as release:
        await release.let_pass(timedelta(days=5))
        await release.until(RolloutState.PROMOTED)
        await release.let_pass(timedelta(days=7, minutes=1))
        await release.handle.result()
        return release.handle


async def rollout_rolled_back(house: House) -> WorkflowHandle:
    async with a_release(house) as release:
        await release.let_pass(timedelta(hours=24, minutes=1))
        view = await release.until(RolloutState.RUNNING, "10 %")
        release.arms.of[view.new_digest] = a_slow_arm()
        await release.let_pass(PLAN.evaluate_every)
        await release.until(RolloutState.ROLLED_BACK)
        await release.handle.result()
        return release.handle


async def rollout_paused_and_resumed(house: House) -> WorkflowHandle:
    async with a_release(house) as release:
        await house.ports.rollouts.pause(release.rollout, **await release.said())
        await release.let_pass(timedelta(days=1))
        await house.ports.rollouts.resume(release.rollout, **await release.said())
        await release.handle.signal(RollOutModel.told)
        await release.until(RolloutState.RUNNING, "10 %")
        await house.ports.rollouts.roll_back(release.rollout, **await release.said())
        await release.handle.signal(RollOutModel.told)
        await release.handle.result()
        return release.handle


# Trainings --------------------------------------------------------------------------------------


async def training_done(house: House) -> WorkflowHandle:
    return await a_training(a_hall(house))


async def training_stopped(house: House) -> WorkflowHandle:
    """A check finds a reason not to go on."""
    hall = a_hall(house)
    hall.workshop.stops["validate"] = "Half of the rows are there twice."
    return await a_training(hall)


async def training_given_up(house: House) -> WorkflowHandle:
    """A defect in a step, however often it is tried."""
    hall = a_hall(house)
    hall.workshop.defects.add("split")
    return await a_training(hall)


async def a_training(hall: Hall) -> WorkflowHandle:
    async with hall.at_work():
        handle = await hall.started(await hall.begun())
        await handle.result()
        return handle


# Retrainings ------------------------------------------------------------------------------------


async def retraining_challenger(house: House) -> WorkflowHandle:
    return await a_retraining(house, better=True)


async def retraining_rejected(house: House) -> WorkflowHandle:
    return await a_retraining(house)


async def retraining_without_hold_out(house: House) -> WorkflowHandle:
    """Rejected before anything is trained."""
    return await a_retraining(house, why_not="Of the labels held out, 3 are bad and 900 good.")


async def retraining_stopped(house: House) -> WorkflowHandle:
    """A check of the data stops the successor's training."""
    return await a_retraining(house, stops="Half of the rows are there twice.")


async def a_retraining(
    house: House, better: bool = False, why_not: str | None = None, stops: str | None = None
) -> WorkflowHandle:
    school = a_school(house)
    school.contest.better, school.contest.why_not = {Candidate.RETRAINED: better}, why_not
    if stops:
        school.hall.workshop.stops["validate"] = stops
    # The house has a champion of its own; whose rows are held out is the contest's to say.
    _, handle = await school.ended()
    return handle


async def retraining_asked_for(house: House) -> WorkflowHandle:
    """What the schedule runs, on a day on which something asks."""
    school = a_school(house)
    school.contest.known = 10_000
    async with school.hall.at_work():
        assert house.client is not None
        handle = await house.client.start_workflow(
            AskForRetraining.run, AskIfDue(product=PRODUCT), id="retrain/recorded", task_queue=workflow_names.BATCH
        )
        asked = await handle.result()
        run = house.client.get_workflow_handle(workflow_names.retraining_id(asked.retraining))
        await run.result()
    return handle


# Customers' episodes ----------------------------------------------------------------------------


async def intervention_in_silence(house: House) -> WorkflowHandle:
    """Every step taken, nobody answers, three looks how it went."""
    async with a_desk_at_work(house, a_step(By.EMAIL), a_step(By.SMS), a_step(By.CALL)) as desk:
        episode = await desk.begun(await desk.customer())
        await episode.until_waiting_on("delivery")
        await episode.let_pass(timedelta(days=91))
        await episode.handle.result()
        return episode.handle


async def intervention_answered(house: House) -> WorkflowHandle:
    async with a_desk_at_work(house, a_step(By.EMAIL), a_step(By.SMS)) as desk:
        episode = await desk.begun(await desk.customer())
        await episode.until_waiting_on("delivery")
        await episode.replied("paid")
        await episode.until_state(EpisodeState.WATCHING)
        return await _to_its_end(episode)


async def intervention_level_rose(house: House) -> WorkflowHandle:
    """While an e-mail waits for its answer the level rises: the next message leaves at once."""
    async with a_desk_at_work(house, a_step(By.EMAIL, wait_hours=168), a_step(By.SMS)) as desk:
        episode = await desk.begun(await desk.customer(), RiskLevel.MEDIUM)
        await episode.until_waiting_on("delivery")
        await desk.triggered(episode.customer.person, RiskLevel.CRITICAL)
        await episode.tell()

        async def goes_on() -> bool:
            return len(desk.gateway.taken) == 2

        await until(goes_on)
        await episode.until_waiting_on("delivery")
        return await _to_its_end(episode)


async def intervention_promise_broken(house: House) -> WorkflowHandle:
    """A call, a promise, its day passes, and a person calls again."""
    async with a_desk_at_work(house, a_step(By.CALL), promises_at_most=2) as desk:
        episode = await desk.begun(await desk.customer())
        for answer in (
            {"answer": "promise", "amount": "80.00", "currency": "USD", "due_on": episode.in_days(5)},
            {"answer": "refused"},
        ):
            await episode.until_waiting_on("collector")
            await episode.answered(**answer)
            await episode.until_waiting_on("outcome" if answer["answer"] == "refused" else "promise")
            await episode.let_pass(timedelta(days=9))
        return await _to_its_end(episode)


async def intervention_barred(house: House) -> WorkflowHandle:
    """Nobody agreed to the first step, the second waits for its cap, and then leaves."""
    async with a_desk_at_work(house, a_step(By.SMS), a_step(By.EMAIL, wait_hours=1), a_step(By.EMAIL)) as desk:
        (cap,) = (cap for cap in house.ports.outreach.contact_rules().caps if cap.name == "messages_in_a_day")
        desk.rules.__dict__["caps"] = (cap.model_copy(update={"at_most": 1}),)
        episode = await desk.begun(await desk.customer(consent={"sms": False, "email": True, "voice": True}))
        await episode.until_waiting_on("delivery")
        await episode.let_pass(timedelta(hours=2))
        await episode.until_waiting_on("hours_and_caps")
        return await _to_its_end(episode)


async def intervention_gateway_down(house: House) -> WorkflowHandle:
    async with a_desk_at_work(house) as desk:
        desk.gateway.away = True
        episode = await desk.begun(await desk.customer())
        await episode.until_waiting_on("gateway")
        desk.gateway.away = False
        await episode.let_pass(timedelta(hours=1))
        await episode.until_waiting_on("delivery")
        return await _to_its_end(episode)


async def intervention_held_out(house: House) -> WorkflowHandle:
    async with a_desk_at_work(house) as desk:
        desk.table.__dict__["hold_out"] = 1.0
        customer = await desk.customer()
        came = await desk.triggered(customer.person)
        episode = await desk.started(came.intervention or "", customer)
        await episode.until_waiting_on("outcome")
        return await _to_its_end(episode)


async def _to_its_end(episode: EpisodeUnderWay) -> WorkflowHandle:
    await episode.let_pass(timedelta(days=92))
    await episode.handle.result()
    return episode.handle


async def sweep(house: House) -> WorkflowHandle:
    portfolio = Portfolio([f"per_{n:02}" for n in range(12)], away_after="per_03")
    async with sweeping(house, Sweeping(portfolio, portfolio)) as begin:  # type: ignore[arg-type]
        handle = await begin(Sweep(key="monday", ranges=3))
        await handle.result()
        return handle


async def drift_quiet(house: House) -> WorkflowHandle:
    async with a_watch(house, a_rule()) as watch:
        await watch.live(like_training(400))
        return await _ended(await watch.begin())


async def drift_told_in_the_morning(house: House) -> WorkflowHandle:
    """Something moved: a retraining is asked for at once, and whoever is to be told is away for a while."""
    async with a_watch(house, a_rule(), a_rule(action=Action.RETRAIN)) as watch:
        watch.sink.away = True
        await watch.live(with_more_asked(like_training(400)))
        handle = await watch.begin()

        async def tried() -> bool:
            return watch.sink.tried >= 1

        await until(tried, what="the alert to be tried")
        watch.sink.away = False
        await watch.skipper.fast_forward(handle, timedelta(hours=2))
        return await _ended(handle)


async def drift_told_to_nobody(house: House) -> WorkflowHandle:
    async with a_watch(house, a_rule()) as watch:
        watch.sink.away = True
        await watch.live(with_more_asked(like_training(400)))
        handle = await watch.begin()
        await watch.skipper.fast_forward(handle, timedelta(hours=25))
        return await _ended(handle)


async def _ended(handle: WorkflowHandle) -> WorkflowHandle:
    await handle.result()
    return handle


async def feed_synced(house: House) -> WorkflowHandle:
    """Three pages, the first of them after a failure."""
    assert house.client is not None
    assert house.sandbox is not None
    async with an_account_elsewhere(house, house.client, house.sandbox, "plaid") as line:
        await line.add(1200)
        await line.behave(fail_next=1)
        handle = await line.begin()
        await handle.result()
        return handle


EPISODES = (
    intervention_in_silence,
    intervention_answered,
    intervention_level_rose,
    intervention_promise_broken,
    intervention_barred,
    intervention_gateway_down,
    intervention_held_out,
    sweep,
    feed_synced,
)
DRIFT = (drift_quiet, drift_told_in_the_morning, drift_told_to_nobody)
CASES = (
    express,
    express_knocked_out,
    stepwise,
    stepwise_source_down,
    review_answered,
    review_expired,
    withdrawn_in_review,
    withdrawn_between_steps,
    withdrawn_while_waiting,
)
KINDS: dict[str, Callable[[House], Awaitable[WorkflowHandle]]] = {
    **{kind.__name__: of_a_case(kind) for kind in CASES},
    **{kind.__name__: kind for kind in (rollout_promoted, rollout_rolled_back, rollout_paused_and_resumed)},
    **{kind.__name__: kind for kind in (training_done, training_stopped, training_given_up)},
    **{kind.__name__: kind for kind in (*EPISODES, *DRIFT)},
    **{
        kind.__name__: kind
        for kind in (
            retraining_challenger,
            retraining_rejected,
            retraining_without_hold_out,
            retraining_stopped,
            retraining_asked_for,
        )
    },
}


async def record(house: House, names: list[str]) -> None:
    for name in names:
        handle = await KINDS[name](house)
        await handle.result()
        history = await handle.fetch_history()
        (HISTORIES / f"{name}.json").write_text(history.to_json() + "\n")
        print(f"{name}: {len(history.events)} events")


async def on_a_stack_of_its_own(names: list[str], folder: Path) -> None:
    chosen = choose(("postgres", "temporal", "temporal_ui", *INTERNAL), {}, automatic=True)
    cluster = Cluster(folder / "postgres", folder / "secrets", chosen["postgres"])
    server = TemporalServer(folder / "temporal", chosen, _binaries())
    with cluster.running(folder / "pg.log"), server.running(folder / "temporal.log"), a_sandbox(folder) as sandbox:
        database = LocalPostgres(cluster).create_database("recording")
        migrate(database.owner_url, database.app_url)
        temporal = LocalTemporal(server.address, "recording")
        models = quick_models()[0]
        async with (
            a_house(folder / "home", database, sandbox=sandbox, temporal=temporal, models=models) as house,
            house.at_work(),
        ):
            await record(house, names)


def main() -> None:
    asked = sys.argv[1:] or list(KINDS)
    names = [name for name in asked if not (HISTORIES / f"{name}.json").exists()]
    for name in sorted(set(asked) - set(names)):
        print(f"{name}: there already, and the past is not rewritten")
    if names:
        asyncio.run(on_a_stack_of_its_own(names, Path(tempfile.mkdtemp(prefix="recording-"))))


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)

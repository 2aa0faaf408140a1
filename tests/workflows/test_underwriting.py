"""Whole runs on a real Temporal server, in the sandboxed runner, asking the sandbox's sources."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.messages import Ending
from plimsoll.domain.access import Role
from plimsoll.domain.underwriting.product import Lane
from plimsoll.domain.underwriting.review import Answer
from plimsoll.domain.values import Outcome, Status
from starter.engine.resuming import resume_waiting_on
from tests.applicants import EACH_ASKED_ONCE, SOURCES
from tests.builders import a_minors_application, a_referred_application, a_sound_application
from tests.house import House, until

A_DAY = 86_400


async def ending(house: House, application: str) -> Ending:
    return await house.run_of(application).result(rpc_timeout=timedelta(seconds=40))


async def until_completed(handle: WorkflowHandle) -> None:
    async def completed() -> bool:
        return (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING

    await until(completed, what=f"{handle.id} to complete")


async def answer(house: House, application: str, outcome: str = "approve", reason: str = "evidence_checked") -> None:
    await house.until_status(application, Status.REVIEW)
    task = await house.task_of(application)
    terms = house.ports.products.get("consumer-credit").review
    said = Answer(version=task["version"], outcome=Outcome(outcome), reason=reason)
    await house.ports.reviews.decide(task["id"], said, await house.staff(Role.REVIEWER), terms, "req_review")


def fault(house: House, source: str, *, body: dict[str, Any], **fault: Any) -> None:
    """For this applicant alone, so that nobody else's run sees it."""
    assert house.sandbox is not None
    house.sandbox.fault(source, reference=body["applicant"]["id"], **fault)


def lift_faults(house: House) -> None:
    assert house.sandbox is not None
    house.sandbox.lift_faults()


# The express lane ---------------------------------------------------------------------------------


async def test_a_sound_application_is_approved_in_the_express_lane(running_house: House):
    body = a_sound_application()
    application = await running_house.accept(body)
    case = await running_house.until_closed(application)
    assert case["outcome"] == "approve"
    assert await ending(running_house, application) == Ending(
        application=application, outcome=Outcome.APPROVE, closed=False
    )
    assert running_house.fresh_inquiries(body) == EACH_ASKED_ONCE
    steps = await running_house.ports.reading.steps(application, 1)
    assert {step["lane"] for step in steps} == {"express"}


async def test_a_minor_is_declined_in_the_express_lane_and_nobody_is_asked(running_house: House):
    body = a_minors_application()
    case = await running_house.until_closed(await running_house.accept(body))
    assert (case["outcome"], case["outcome_source"]) == ("decline", "rule")
    assert running_house.fresh_inquiries(body) == {}


async def test_a_product_may_have_its_runs_go_step_by_step_from_the_start(running_house: House):
    body = a_sound_application()
    application = await running_house.accept(body, lane=Lane.STEPWISE)
    assert (await running_house.until_closed(application))["outcome"] == "approve"
    steps = await running_house.ports.reading.steps(application, 1)
    assert {step["lane"] for step in steps} == {"stepwise"}
    assert running_house.fresh_inquiries(body) == EACH_ASKED_ONCE


# A source is away ---------------------------------------------------------------------------------


async def test_a_run_waits_for_a_source_that_is_down_and_goes_on_when_it_is_back(running_house: House):
    body = a_sound_application()
    fault(running_house, "bureau", kind="500", body=body)
    application = await running_house.accept(body)
    await running_house.until_waiting_on(application, "bureau")
    assert await running_house.status(application) is Status.WAITING
    assert running_house.fresh_inquiries(body) == {source: 1 for source in EACH_ASKED_ONCE if source != "bureau"}

    lift_faults(running_house)
    await resumed(running_house, application, "bureau")
    case = await running_house.until_closed(application)
    assert case["outcome"] == "approve"
    assert running_house.fresh_inquiries(body) == EACH_ASKED_ONCE


async def test_an_inquiry_that_was_done_but_never_answered_is_not_made_twice(running_house: House):
    body = a_sound_application()
    fault(running_house, "bureau", kind="done_then_timeout", times=1, body=body)
    application = await running_house.accept(body)
    await resumed(running_house, application, "bureau")
    case = await running_house.until_closed(application)
    assert case["outcome"] == "approve"
    assert running_house.fresh_inquiries(body)["bureau"] == 1


async def test_somebody_elses_file_is_referred_with_its_reason(running_house: House):
    body = a_sound_application()
    fault(running_house, "bureau", kind="wrong_person", body=body)
    application = await running_house.accept(body)
    await running_house.until_status(application, Status.REVIEW)
    task = await running_house.task_of(application)
    assert task["why"] == ["A source answered about somebody else"]
    await running_house.withdraw(application)


async def test_without_consent_the_case_is_decided_on_what_is_known(running_house: House):
    body = a_sound_application(consents=[])
    application = await running_house.accept(body)
    await running_house.until_status(application, Status.REVIEW)
    assert running_house.fresh_inquiries(body) == {"registry": 1}
    await running_house.withdraw(application)


async def resumed(house: House, application: str, source: str) -> None:
    """Somebody says that the source is back, as soon as the run waits in a retry (unless it went on by itself)."""
    await house.until_waiting_on(application, source)

    async def woken() -> bool:
        woken = await resume_waiting_on(house.ports, house.client, source)  # type: ignore[arg-type]
        return woken > 0 or (await house.status(application)).closed

    await until(woken, what=f"{application} to be woken")


# Time passes --------------------------------------------------------------------------------------


async def test_when_patience_with_the_bureau_is_over_a_person_decides(running_house: House):
    """The bureau asks to be left alone for a day at a time; its patience is two days, a person decides then."""
    body = a_sound_application()
    fault(running_house, "bureau", kind="429", retry_after=A_DAY, body=body)
    application, skipper, handle = await waiting_for_patience(running_house, body, "bureau")
    await skipper.fast_forward(handle, timedelta(days=3))
    await running_house.until_status(application, Status.REVIEW)
    case = await running_house.case(application)
    states = {e["source"]: e["state"] for e in case["evidence"]}
    assert states == {source: "given_up" if source == "bureau" else "answered" for source in SOURCES}
    assert (await running_house.task_of(application))["why"] == ["No answer from the bureau"]
    await running_house.withdraw(application)


async def test_when_patience_with_the_bank_is_over_the_case_is_decided_thin(running_house: House):
    body = a_sound_application()
    fault(running_house, "bank", kind="429", retry_after=A_DAY, body=body)
    application, skipper, handle = await waiting_for_patience(running_house, body, "bank")
    await skipper.fast_forward(handle, timedelta(days=2))

    async def moved_on() -> bool:
        return await running_house.status(application) in (Status.DECIDED, Status.REVIEW)

    await until(moved_on, what="a thin decision")
    case = await running_house.case(application)
    assert [e["state"] for e in case["evidence"] if e["source"] == "bank"] == ["given_up"]
    assert case["score"]["missing"] == ["bank"]
    await handle.terminate()


async def test_a_source_that_asks_for_longer_than_patience_is_tried_once_more_before_it_ends(running_house: House):
    """Temporal would end the wait at once when the next try comes after it; the bureau is back long before."""
    body = a_sound_application()
    fault(running_house, "bureau", kind="429", retry_after=30 * A_DAY, body=body)
    application, skipper, handle = await waiting_for_patience(running_house, body, "bureau")

    async def only_the_bureau_is_waited_for() -> bool:
        return len((await handle.describe()).raw_description.pending_activities) == 1

    await until(only_the_bureau_is_waited_for, what="the other sources to have answered, and the wait to go on")

    lift_faults(running_house)
    await skipper.fast_forward(handle, timedelta(days=2) - timedelta(seconds=8))
    case = await running_house.until_closed(application)
    assert case["outcome"] == "approve"
    assert {e["state"] for e in case["evidence"]} == {"answered"}


async def waiting_for_patience(house: House, body: dict[str, Any], source: str) -> tuple[str, TimeSkipper, Any]:
    application = await house.accept(body)
    await house.until_waiting_on(application, source)
    skipper = TimeSkipper(house.client, config=TimeSkippingConfig())  # type: ignore[arg-type]
    return application, skipper, skipper.client.get_workflow_handle(house.run_of(application).id)


async def test_a_review_nobody_answers_escalates_and_then_expires(running_house: House):
    application = await running_house.accept(a_referred_application())
    await running_house.until_status(application, Status.REVIEW)
    skipper = TimeSkipper(running_house.client, config=TimeSkippingConfig())  # type: ignore[arg-type]
    handle = skipper.client.get_workflow_handle(running_house.run_of(application).id)

    await skipper.fast_forward(handle, timedelta(hours=5))

    async def escalated() -> bool:
        return (await running_house.task_of(application))["escalated_at"] is not None

    await until(escalated, what="the review to escalate")
    assert await running_house.status(application) is Status.REVIEW

    await skipper.fast_forward(handle, timedelta(days=15))
    case = await running_house.until_closed(application)
    assert case["status"] == "expired"
    assert await running_house.decisions(application) == []
    found = await ending(running_house, application)
    assert (found.outcome, found.closed) == (None, True)


async def test_an_answer_after_the_escalation_still_counts(running_house: House):
    application = await running_house.accept(a_referred_application())
    await running_house.until_status(application, Status.REVIEW)
    skipper = TimeSkipper(running_house.client, config=TimeSkippingConfig())  # type: ignore[arg-type]
    handle = skipper.client.get_workflow_handle(running_house.run_of(application).id)
    await skipper.fast_forward(handle, timedelta(days=2))
    await answer(running_house, application)
    assert (await running_house.until_closed(application))["outcome"] == "approve"


# People -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("outcome", "reason"), [("approve", "evidence_checked"), ("decline", "obligations_too_high")])
async def test_what_a_reviewer_says_becomes_the_decision(running_house: House, outcome: str, reason: str):
    application = await running_house.accept(a_referred_application())
    await answer(running_house, application, outcome, reason)
    case = await running_house.until_closed(application)
    assert (case["outcome"], case["outcome_source"]) == (outcome, "person")
    assert (await ending(running_house, application)).outcome == outcome


async def test_late_and_repeated_signals_change_nothing(running_house: House):
    """F15: Postgres holds what was said; a signal only makes the run look."""
    application = await running_house.accept(a_referred_application())
    await running_house.until_status(application, Status.REVIEW)
    handle = running_house.run_of(application)
    for _ in range(5):
        await handle.signal("reviewed")
    assert await running_house.status(application) is Status.REVIEW
    await answer(running_house, application, "decline", "risk_too_high")
    for _ in range(3):
        await handle.signal("reviewed") if not (await running_house.status(application)).closed else None
    case = await running_house.until_closed(application)
    assert case["outcome"] == "decline"
    assert len(await running_house.decisions(application)) == 1


# Withdrawing --------------------------------------------------------------------------------------


async def test_withdrawn_as_soon_as_accepted_it_is_withdrawn_or_decided_and_never_both(running_house: House):
    body = a_sound_application()
    application = await running_house.accept(body)
    await asyncio.gather(running_house.withdraw(application), return_exceptions=True)
    case = await running_house.until_closed(application)
    assert case["status"] in ("withdrawn", "decided")  # whichever was first, never both
    assert len(await running_house.decisions(application)) == (case["status"] == "decided")


async def test_withdrawn_while_waiting_for_a_source_the_run_ends_at_once(running_house: House):
    body = a_sound_application()
    fault(running_house, "bureau", kind="500", body=body)
    application = await running_house.accept(body)
    await running_house.until_waiting_on(application, "bureau")
    await running_house.withdraw(application)
    found = await ending(running_house, application)
    assert (found.outcome, found.closed) == (None, True)
    lift_faults(running_house)
    assert running_house.fresh_inquiries(body).get("bureau", 0) == 0


async def test_withdrawn_during_review_the_run_ends_and_the_task_with_it(running_house: House):
    application = await running_house.accept(a_referred_application())
    await running_house.until_status(application, Status.REVIEW)
    await running_house.withdraw(application)
    assert (await ending(running_house, application)).closed
    assert (await running_house.task_of(application))["state"] == "closed"


async def test_word_and_withdrawal_at_once_end_in_one_of_the_two(running_house: House):
    applications = [await running_house.accept(a_referred_application()) for _ in range(4)]
    for application in applications:
        await running_house.until_status(application, Status.REVIEW)
    await asyncio.gather(
        *(answer(running_house, application) for application in applications),
        *(running_house.withdraw(application) for application in applications),
        return_exceptions=True,
    )
    for application in applications:
        case = await running_house.until_closed(application)
        decided = len(await running_house.decisions(application))
        assert (case["status"], decided) in [("decided", 1), ("withdrawn", 0)]
        found = await ending(running_house, application)
        assert found.outcome == (case["outcome"] if decided else None)


# Starting -----------------------------------------------------------------------------------------


async def test_started_many_times_at_once_it_runs_once(running_house: House):
    body = a_sound_application()
    application = await running_house.accept(body)
    await asyncio.gather(*(running_house.start(application) for _ in range(5)), return_exceptions=True)
    await running_house.until_closed(application)
    await until_completed(running_house.run_of(application))
    assert len(await running_house.decisions(application)) == 1
    assert set(running_house.fresh_inquiries(body).values()) == {1}


async def test_a_run_of_an_unknown_case_fails_and_is_not_tried_for_ever(running_house: House):
    from activities.messages import CaseRef
    from plimsoll.domain.underwriting.product import Lane
    from workflows.underwrite_application import UnderwriteApplication

    ghost = CaseRef(application="app_ghost", round=1, product="consumer-credit", lane=Lane.EXPRESS)
    handle = await running_house.client.start_workflow(  # type: ignore[union-attr]
        UnderwriteApplication.run, ghost, id="underwrite/app_ghost/1", task_queue="decisions"
    )
    await until_completed(handle)
    assert (await handle.describe()).status is WorkflowExecutionStatus.FAILED


async def test_everything_that_happened_in_this_house_verifies(running_house: House):
    await running_house.must_verify()

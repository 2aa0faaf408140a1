"""The steps of a case as activities: run again they find their own row, and say no more than codes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import activities_on
from activities.messages import Progress
from plimsoll.domain.access import Role
from plimsoll.domain.errors import SourceBusy, SourceUnavailable
from plimsoll.domain.underwriting.product import Lane
from plimsoll.domain.underwriting.review import Answer
from plimsoll.domain.values import Outcome, Status
from tests.applicants import SOURCES
from tests.builders import (
    NOW,
    a_big_referred_application,
    a_minors_application,
    a_pull,
    a_referred_application,
    a_sound_application,
    a_step,
)
from tests.house import House


async def do(house: House, name: str, message: Any) -> Any:
    """Runs the activity of this name as a worker of this house would."""
    hosted = [activity for queue in ("decisions", "evidence") for activity in activities_on(queue, house.ports)]
    named = {activity.__temporal_activity_definition.name: activity for activity in hosted}  # type: ignore[attr-defined]
    return await ActivityEnvironment().run(named[name], message)


async def express(house: House, application: str) -> Progress:
    return await do(house, "decide_at_once", a_step(application, lane=Lane.EXPRESS))


async def to_review(house: House, body: dict | None = None) -> str:
    application = await house.accept(body or a_referred_application())
    assert (await express(house, application)).referred
    await do(house, "open_review", a_step(application))
    return application


# The express lane ---------------------------------------------------------------------------------


async def test_express_decides_at_once_and_again_answers_from_the_record(house: House):
    application = await house.accept(a_sound_application())
    first = await express(house, application)
    assert first.settled
    assert await express(house, application) == first
    assert len(await house.decisions(application)) == 1
    await house.must_verify()


async def test_a_second_application_of_the_same_person_gets_a_decision_of_its_own(house: House):
    """A decision remembered by applicant would give it the answer to the first."""
    body = a_sound_application()
    first, second = await house.accept(body), await house.accept({**body, "purpose": "business"})
    assert (await express(house, first)).outcome is not None
    assert (await express(house, second)).referred
    assert await house.decisions(second) == []


async def test_a_minor_is_declined_by_rule_and_nobody_is_asked_about_them(house: House):
    application = await house.accept(a_minors_application())
    assert (await express(house, application)).outcome is Outcome.DECLINE
    case = await house.case(application)
    assert [reason["code"] for reason in case["decision"]["verdict"]["reasons"]] == ["under_contract_age"]
    assert case["evidence"] == []


@pytest.mark.parametrize("failure", [SourceUnavailable("x", kind="timeout"), SourceBusy("x", retry_after=5.0)])
async def test_express_returns_what_stands_in_the_way_and_never_raises_it(house: House, failure: Exception):
    house.ports.sources["bureau"].fail_with(failure)  # type: ignore[attr-defined]
    application = await house.accept(a_sound_application())
    progress = await express(house, application)
    assert (progress.settled, progress.blocked_by) == (False, failure.code)  # type: ignore[attr-defined]


async def test_express_gives_up_in_time_to_answer_itself(house: House, monkeypatch):
    monkeypatch.setattr("activities.express.SECONDS", 0.05)
    house.ports.sources["bureau"].pull = lambda inquiry: asyncio.sleep(30)  # type: ignore[method-assign]
    application = await house.accept(a_sound_application())
    assert (await express(house, application)).blocked_by == "too_slow"


async def test_a_referral_is_progress_and_not_a_decision(house: House):
    application = await house.accept(a_referred_application())
    progress = await express(house, application)
    assert (progress.referred, progress.settled) == (True, False)
    assert await house.decisions(application) == []


async def test_a_withdrawn_case_is_closed_whichever_step_looks(house: House):
    application = await house.accept(a_sound_application())
    await house.withdraw(application)
    for name in ("screen", "decide", "record"):
        assert (await do(house, name, a_step(application))).closed
    assert (await express(house, application)).closed
    assert (await do(house, "look_at_review", a_step(application))).over


async def test_an_unknown_case_ends_the_run_instead_of_being_tried_for_ever(house: House):
    for name in ("screen", "score", "decide", "record"):
        with pytest.raises(ApplicationError) as refused:
            await do(house, name, a_step("app_unknown"))
        assert refused.value.non_retryable


async def test_a_missing_model_is_waited_for(house: House):
    house.ports.live.now.clear()
    application = await house.accept(a_sound_application())
    assert (await express(house, application)).blocked_by == "model_unavailable"
    with pytest.raises(ApplicationError) as refused:
        await do(house, "score", a_step(application))
    assert not refused.value.non_retryable


# Step by step -------------------------------------------------------------------------------------


async def test_the_steps_one_by_one_come_to_the_same_decision_as_express(house: House):
    """And what was done already answers from its row."""
    body = a_sound_application()
    one, other = await house.accept(body), await house.accept(body)
    quick = await express(house, one)
    plans = await do(house, "screen", a_step(other))
    assert sorted(plan.name for plan in plans.to_pull) == sorted(SOURCES)
    for _ in range(2):
        for plan in plans.to_pull:
            await do(house, "pull", a_pull(other, plan.name))
        await do(house, "score", a_step(other))
        await do(house, "decide", a_step(other))
        assert (await do(house, "record", a_step(other))).outcome is quick.outcome
    steps = await house.ports.reading.steps(other, 1)
    assert [step["step"] for step in steps] == ["screen", *["pull"] * len(SOURCES), "score", "decide", "record"]


async def test_a_knock_out_at_the_screen_needs_no_source(house: House):
    application = await house.accept(a_minors_application())
    progress = await do(house, "screen", a_step(application))
    assert (progress.knocked_out, progress.to_pull) == (True, ())


async def test_a_score_that_is_there_counts_whatever_model_is_live_by_then(house: House):
    application = await house.accept(a_sound_application())
    for source in SOURCES:
        await do(house, "pull", a_pull(application, source))
    await do(house, "score", a_step(application))
    pinned = (await house.case(application))["score"]["model"]
    house.ports.live.now.clear()  # no model could be asked for
    await do(house, "score", a_step(application))
    assert (await house.case(application))["score"]["model"] == pinned


async def test_the_deadline_of_a_source_runs_from_acceptance_and_not_from_the_restart(house: House):
    application = await house.accept(a_sound_application())
    one = await do(house, "screen", a_step(application, now=NOW))
    later = await do(house, "screen", a_step(application, now=NOW + timedelta(days=1)))
    assert one.to_pull == later.to_pull


# Reviews ------------------------------------------------------------------------------------------


async def test_a_reviewers_word_becomes_the_decision(house: House):
    application = await to_review(house)
    ada = await house.staff(Role.REVIEWER)
    task = await house.task_of(application)
    answer = Answer(version=task["version"], outcome=Outcome.APPROVE, reason="evidence_checked")
    terms = house.ports.products.get("consumer-credit").review
    await house.ports.reviews.decide(task["id"], answer, ada, terms, "req_1")
    assert (await do(house, "look_at_review", a_step(application))).answered
    assert (await do(house, "record", a_step(application))).outcome is Outcome.APPROVE
    case = await house.case(application)
    assert (case["outcome_source"], case["decided_by_name"]) == ("person", ada.name)
    assert case["decision"]["verdict"]["terms"]["amount"] == "1800.00"
    await house.must_verify()


async def test_a_review_waits_for_the_next_deadline_and_says_which(house: House):
    application = await to_review(house)
    review = await do(house, "look_at_review", a_step(application))
    assert review.next_deadline == NOW + timedelta(hours=4)
    review = await do(house, "look_at_review", a_step(application, now=NOW + timedelta(hours=5)))
    assert review.next_deadline == NOW + timedelta(days=14)
    review = await do(house, "look_at_review", a_step(application, now=NOW + timedelta(days=15)))
    assert review.over


async def test_a_case_nobody_answered_expires_and_is_no_decision(house: House):
    application = await to_review(house)
    late = a_step(application, now=NOW + timedelta(days=15))
    await do(house, "look_at_review", late)
    progress = await do(house, "record", late)
    assert (progress.closed, progress.outcome) == (True, None)
    assert await house.status(application) is Status.EXPIRED
    assert await house.decisions(application) == []


async def test_one_yes_of_two_owed_settles_nothing(house: House):
    application = await to_review(house, a_big_referred_application())
    task = await house.task_of(application)
    answer = Answer(version=task["version"], outcome=Outcome.APPROVE, reason="evidence_checked")
    terms = house.ports.products.get("consumer-credit").review
    senior = await house.staff(Role.SENIOR_REVIEWER)
    await house.ports.reviews.decide(task["id"], answer, senior, terms, "req_1")
    assert not (await do(house, "look_at_review", a_step(application))).answered

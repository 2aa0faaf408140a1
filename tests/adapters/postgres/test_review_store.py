"""One task, one settled answer, whoever is quick (F16)."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from plimsoll.domain.access import Actor, Role
from plimsoll.domain.errors import Conflict, NotAllowed, NotFound, ReviewAlreadyAnswered, StaleVersion
from plimsoll.domain.underwriting.case import Case
from plimsoll.domain.underwriting.review import Answer, TaskState
from plimsoll.domain.values import Outcome, Status
from tests.applicants import the_product
from tests.builders import NOW, a_big_referred_application, a_referred_application
from tests.house import House

TERMS = the_product().review
LEASE = timedelta(minutes=30)


def word(outcome: str = "approve", reason: str = "evidence_checked", version: int = 1, **more: Any) -> Answer:
    return Answer(version=version, outcome=Outcome(outcome), reason=reason, **more)


async def a_task(house: House, body: dict | None = None, priority: str = "normal", now=NOW) -> tuple[str, Case]:
    application = await house.accept(body or a_referred_application())
    case = await house.ports.casework.load(application)
    view = await house.ports.reviews.open(case, TERMS, ["business_purpose"], priority, now)
    return view.id, case


async def decide(house: House, task: str, answer: Answer, actor: Actor) -> dict[str, Any]:
    return await house.ports.reviews.decide(task, answer, actor, TERMS, "req_review")


async def reviewers(house: House, count: int) -> list[Actor]:
    return [await house.staff(Role.REVIEWER) for _ in range(count)]


async def test_a_task_is_opened_once_however_often_the_run_asks(house: House):
    task, case = await a_task(house)
    again = await house.ports.reviews.open(case, TERMS, ["other"], "low", NOW + timedelta(days=1))
    assert again.id == task
    assert again.due_at == NOW + timedelta(hours=TERMS.first_answer_hours)
    assert await house.status(case.application) is Status.REVIEW


async def test_of_six_reviewers_at_once_one_wins_and_the_others_hear_the_winners_word(house: House):
    task, _ = await a_task(house)
    words = [word("approve"), word("decline", "risk_too_high")] * 3
    people = await reviewers(house, 6)
    barrier = asyncio.Barrier(6)

    async def at_once(answer: Answer, actor: Actor) -> Any:
        await barrier.wait()
        return await decide(house, task, answer, actor)

    results = await asyncio.gather(*map(at_once, words, people), return_exceptions=True)
    losers = [result for result in results if isinstance(result, ReviewAlreadyAnswered)]
    (winner,) = [result for result in results if isinstance(result, dict)]
    assert len(losers) == 5
    (verdict,) = winner["verdicts"]
    for loser in losers:
        assert (loser.details["outcome"], loser.details["by"]) == (verdict["outcome"], verdict["actor"])
    signals = await house.rows("select kind from outbox where kind = 'reviewed'")
    assert len(signals) == 1
    await house.must_verify()


async def test_the_same_word_again_is_the_same_answer(house: House):
    task, _ = await a_task(house)
    (ada,) = await reviewers(house, 1)
    first = await decide(house, task, word(note="fine"), ada)
    assert await decide(house, task, word(note="fine"), ada) == first
    assert len(await house.rows("select * from review_verdict")) == 1


async def test_a_double_click_is_one_verdict(house: House):
    task, _ = await a_task(house)
    (ada,) = await reviewers(house, 1)
    answers = await asyncio.gather(*(decide(house, task, word(), ada) for _ in range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert len(await house.rows("select * from review_verdict")) == 1


async def test_another_word_of_the_same_person_is_refused(house: House):
    task, _ = await a_task(house)
    (ada,) = await reviewers(house, 1)
    await decide(house, task, word(), ada)
    with pytest.raises(ReviewAlreadyAnswered):
        await decide(house, task, word("decline", "risk_too_high"), ada)


async def test_a_counter_offer_over_another_term_is_another_word(house: House):
    task, _ = await a_task(house)
    (ada,) = await reviewers(house, 1)
    offer = word("counter_offer", "smaller_amount", amount="1000", term_months=6)
    await decide(house, task, offer, ada)
    with pytest.raises(ReviewAlreadyAnswered):
        await decide(house, task, offer.model_copy(update={"term_months": 12}), ada)


async def test_a_word_on_an_older_version_is_refused_with_the_newer_number(house: House):
    task, _ = await a_task(house)
    ada, bob = await reviewers(house, 2)
    await house.ports.reviews.claim(task, ada, LEASE)
    await house.ports.reviews.release(task, ada)
    with pytest.raises(StaleVersion) as refused:
        await decide(house, task, word(version=1), bob)
    assert refused.value.details["version"] == 3


# Leases -------------------------------------------------------------------------------------------


async def test_of_six_who_claim_at_once_one_holds_the_task(house: House):
    task, _ = await a_task(house)
    people = await reviewers(house, 6)
    results = await asyncio.gather(
        *(house.ports.reviews.claim(task, actor, LEASE) for actor in people), return_exceptions=True
    )
    kinds = Counter(type(result) for result in results)
    assert kinds == {dict: 1, Conflict: 5}


async def test_a_held_task_takes_no_word_of_somebody_else(house: House):
    task, _ = await a_task(house)
    ada, bob = await reviewers(house, 2)
    held = await house.ports.reviews.claim(task, ada, LEASE)
    with pytest.raises(Conflict, match="Another reviewer holds this case"):
        await decide(house, task, word(version=held["version"]), bob)
    await decide(house, task, word(version=held["version"]), ada)


async def test_claiming_again_extends_the_lease_and_leaves_the_version(house: House):
    task, _ = await a_task(house)
    (ada,) = await reviewers(house, 1)
    first = await house.ports.reviews.claim(task, ada, LEASE)
    again = await house.ports.reviews.claim(task, ada, LEASE * 2)
    assert again["version"] == first["version"]
    assert again["lease_until"] > first["lease_until"]


async def test_a_lease_that_ran_out_goes_to_the_next_who_asks(house: House):
    task, _ = await a_task(house)
    ada, bob = await reviewers(house, 2)
    await house.ports.reviews.claim(task, ada, timedelta(seconds=-1))
    assert (await house.ports.reviews.claim(task, bob, LEASE))["claimed_by"] == bob.id


async def test_only_the_holder_gives_a_task_back(house: House):
    task, _ = await a_task(house)
    ada, bob = await reviewers(house, 2)
    await house.ports.reviews.claim(task, ada, LEASE)
    with pytest.raises(Conflict):
        await house.ports.reviews.release(task, bob)
    assert (await house.ports.reviews.release(task, ada))["state"] == "open"


async def test_an_answered_task_can_be_neither_claimed_nor_released(house: House):
    task, _ = await a_task(house)
    ada, bob = await reviewers(house, 2)
    await decide(house, task, word(), ada)
    with pytest.raises(ReviewAlreadyAnswered):
        await house.ports.reviews.claim(task, bob, LEASE)
    with pytest.raises(ReviewAlreadyAnswered):
        await house.ports.reviews.release(task, ada)


async def test_an_unknown_task_is_not_found(house: House):
    (ada,) = await reviewers(house, 1)
    for act in (house.ports.reviews.claim("rev_x", ada, LEASE), decide(house, "rev_x", word(), ada)):
        with pytest.raises(NotFound):
            await act


# Four eyes ----------------------------------------------------------------------------------------


async def test_a_yes_above_the_limit_waits_for_a_second_person(house: House):
    task, case = await a_task(house, a_big_referred_application())
    ada, bob = [await house.staff(Role.SENIOR_REVIEWER) for _ in range(2)]
    first = await decide(house, task, word(), ada)
    assert first["state"] == TaskState.SECOND
    assert await house.ports.reviews.answer_of(case) is None
    await decide(house, task, word(version=first["version"]), bob)
    answer = await house.ports.reviews.answer_of(case)
    assert answer is not None
    assert {answer.actor, answer.second_actor} == {ada.id, bob.id}


async def test_nobody_is_the_second_pair_of_eyes_for_themselves(house: House):
    task, _ = await a_task(house, a_big_referred_application())
    ada = await house.staff(Role.SENIOR_REVIEWER)
    first = await decide(house, task, word(), ada)
    with pytest.raises(NotAllowed, match="Four eyes"):
        await decide(house, task, word(reason="income_confirmed", version=first["version"]), ada)


async def test_four_eyes_compare_people_and_not_keys(house: House):
    task, _ = await a_task(house, a_big_referred_application())
    ada = await house.staff(Role.SENIOR_REVIEWER, name="Ada")
    with_another_key = await house.staff(Role.SENIOR_REVIEWER, Role.ADMIN, name="Ada")
    assert ada.credential != with_another_key.credential
    first = await decide(house, task, word(), ada)
    with pytest.raises(NotAllowed, match="Four eyes"):
        await decide(house, task, word(reason="income_confirmed", version=first["version"]), with_another_key)


async def test_when_two_disagree_the_refusal_stands(house: House):
    task, case = await a_task(house, a_big_referred_application())
    ada, bob = [await house.staff(Role.SENIOR_REVIEWER) for _ in range(2)]
    first = await decide(house, task, word(), ada)
    await decide(house, task, word("decline", "risk_too_high", version=first["version"]), bob)
    answer = await house.ports.reviews.answer_of(case)
    assert answer is not None
    assert (answer.outcome, answer.reason, answer.actor) == (Outcome.DECLINE, "risk_too_high", bob.id)


async def test_six_second_approvers_at_once_are_one(house: House):
    task, _ = await a_task(house, a_big_referred_application())
    first = await decide(house, task, word(), await house.staff(Role.SENIOR_REVIEWER))
    seniors = [await house.staff(Role.SENIOR_REVIEWER) for _ in range(6)]
    results = await asyncio.gather(
        *(decide(house, task, word(version=first["version"]), senior) for senior in seniors), return_exceptions=True
    )
    assert Counter(type(result) for result in results) == {dict: 1, ReviewAlreadyAnswered: 5}


# Deadlines and endings ----------------------------------------------------------------------------


async def test_silence_escalates_first_and_expires_later(house: House):
    _, case = await a_task(house)
    reviews = house.ports.reviews
    assert (await reviews.deadline_passed(case, NOW + timedelta(hours=3))).escalated is False
    escalated = await reviews.deadline_passed(case, NOW + timedelta(hours=5))
    assert (escalated.escalated, escalated.state) == (True, TaskState.OPEN)
    assert (await reviews.deadline_passed(case, NOW + timedelta(days=15))).state is TaskState.EXPIRED


async def test_a_deadline_seen_by_two_runs_is_written_down_once(house: House):
    _, case = await a_task(house)
    late = NOW + timedelta(hours=5)
    await asyncio.gather(*(house.ports.reviews.deadline_passed(case, late) for _ in range(5)))
    assert len(await house.rows("select * from ledger_entry where kind = 'review.escalated'")) == 1


async def test_an_expired_task_takes_no_word(house: House):
    task, case = await a_task(house)
    (ada,) = await reviewers(house, 1)
    await house.ports.reviews.deadline_passed(case, NOW + timedelta(days=15))
    with pytest.raises(Conflict, match="expired"):
        await decide(house, task, word(version=2), ada)


async def test_a_word_in_time_outlives_the_deadline(house: House):
    task, case = await a_task(house)
    (ada,) = await reviewers(house, 1)
    await decide(house, task, word(), ada)
    assert (await house.ports.reviews.deadline_passed(case, NOW + timedelta(days=15))).state is TaskState.ANSWERED


async def test_a_withdrawn_application_closes_its_task(house: House):
    task, case = await a_task(house)
    (ada,) = await reviewers(house, 1)
    await house.withdraw(case.application)
    assert (await house.ports.reviews.task(task))["state"] == "closed"
    with pytest.raises(Conflict):
        await decide(house, task, word(version=2), ada)


async def test_word_and_withdrawal_at_once_never_lock_each_other_out(house: House):
    """One of them wins; neither is a deadlock, which would read as "Postgres is not available"."""
    (ada,) = await reviewers(house, 1)
    tasks = [await a_task(house) for _ in range(25)]
    work = []
    for task, case in tasks:
        work += [decide(house, task, word(), ada), house.withdraw(case.application)]
    results = await asyncio.gather(*work, return_exceptions=True)
    assert {type(result) for result in results} <= {dict, type(None), Conflict}
    await house.must_verify()


async def test_a_task_is_not_opened_for_an_application_that_is_being_withdrawn(house: House):
    """The withdrawal holds the row while the run opens the task: the run must see that it lost."""
    application = await house.accept(a_referred_application())
    case = await house.ports.casework.load(application)
    async with house.ports.database.transaction() as other:
        await other.execute(
            "update application set status = 'withdrawn', closed_at = now() where id = %s", (application,)
        )
        opening = asyncio.create_task(house.ports.reviews.open(case, TERMS, ["x"], "normal", NOW))
        await asyncio.sleep(0.3)
    with pytest.raises(NotFound):
        await opening
    assert await house.status(application) is Status.WITHDRAWN


# The queue ----------------------------------------------------------------------------------------


async def test_paging_through_the_queue_shows_every_task_once_in_order_of_urgency(house: House):
    for priority in ("low", "urgent", "normal", "high", "normal", "urgent"):
        await a_task(house, priority=priority)
    everything = await house.ports.reading.queue(queue=None, state=["open"], after=None, limit=100)
    assert [row["priority"] for row in everything] == ["urgent", "urgent", "high", "normal", "normal", "low"]
    paged, after = [], None
    while page := await house.ports.reading.queue(queue=None, state=["open"], after=after, limit=2):
        paged += [row["id"] for row in page]
        after = page[-1]["id"]
    assert paged == [row["id"] for row in everything]

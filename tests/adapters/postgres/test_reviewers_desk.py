"""What reviewers do besides deciding: every act on record once, and the case where it belongs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plimsoll.domain.access import SYSTEM, Actor, Role
from plimsoll.domain.errors import Conflict, NotAllowed, NotFound
from plimsoll.domain.underwriting.desk import Paper
from plimsoll.domain.values import Outcome, Status
from tests.adapters.postgres.test_review_store import LEASE, TERMS, a_task, decide, reviewers, word
from tests.decided import decided
from tests.house import House

# The queue goes by Postgres' own clock.
NOW = datetime.now(UTC)
PAYSLIP = Paper(name="Lohn März.pdf", media_type="application/pdf", content=b"%PDF-1.7 Lohnzettel")


def on_record(by: Actor) -> dict[str, Any]:
    return {"by": by, "request": "req_desk", "now": NOW}


async def asked(house: House, code: str = "payslips") -> tuple[str, str, str, Actor]:
    """(task, application, document, who asked)"""
    task, case = await a_task(house, now=NOW)
    (ada,) = await reviewers(house, 1)
    await house.ports.desk.ask_for(task, code, TERMS, **on_record(ada))
    (document,) = await house.ports.desk.documents(case.application, case.round)
    return task, case.application, document["id"], ada


async def hand_in(house: House, application: str, document: str, paper: Paper = PAYSLIP, *, mine: bool = False) -> None:
    await house.ports.desk.hand_in(application, document, paper, TERMS, own_only=mine, **on_record(SYSTEM))


async def free(house: House, actor: Actor) -> list[str]:
    rows = await house.ports.reading.queue(queue=None, state=["open"], after=None, limit=9, held="free", actor=actor)
    return [row["id"] for row in rows]


async def kinds(house: House, application: str) -> list[str]:
    return [entry["kind"] for entry in await house.ports.reading.history(application)]


# Notes --------------------------------------------------------------------------------------------


async def test_a_note_is_read_by_the_next_one_and_is_on_record(house: House):
    _, case = await a_task(house)
    (ada,) = await reviewers(house, 1)
    await house.ports.desk.note(case.application, "Called the employer: fine.", **on_record(ada))
    (note,) = (await house.ports.reading.case(case.application))["notes"]
    assert (note["by"], note["text"]) == (ada.name, "Called the employer: fine.")
    await house.must_verify()


async def test_a_note_altered_in_the_database_is_found_out(house: House):
    _, case = await a_task(house)
    (ada,) = await reviewers(house, 1)
    await house.ports.desk.note(case.application, "As it was.", **on_record(ada))
    with pytest.raises(Exception, match="permission denied"):
        await house.ports.database.run("update case_note set actor_id = actor_id", {})


async def test_a_note_on_no_case_is_refused(house: House):
    (ada,) = await reviewers(house, 1)
    with pytest.raises(NotFound, match="app_nowhere"):
        await house.ports.desk.note("app_nowhere", "?", **on_record(ada))


# Papers -------------------------------------------------------------------------------------------


async def test_a_case_waits_for_its_paper_is_offered_to_nobody_and_is_not_overdue(house: House):
    task, application, document, ada = await asked(house)
    assert await house.status(application) is Status.AWAITING_APPLICANT
    assert await free(house, ada) == []
    view = await house.ports.reviews.view(application, 1)
    assert view.due_at == NOW + timedelta(days=TERMS.document_days)
    assert (await kinds(house, application))[-1] == "document.asked"
    await hand_in(house, application, document)
    assert await house.status(application) is Status.REVIEW
    assert await free(house, ada) == [task]
    assert (await house.ports.reviews.view(application, 1)).due_at == NOW + timedelta(hours=TERMS.first_answer_hours)
    await house.must_verify()


async def test_its_run_looks_again_when_a_deadline_moved(house: House):
    _, application, document, _ = await asked(house)
    await hand_in(house, application, document)
    assert len(await house.rows("select * from outbox where kind = 'reviewed'")) == 2


async def test_asking_twice_for_what_is_owed_is_asking_once(house: House):
    task, application, _, ada = await asked(house)
    await house.ports.desk.ask_for(task, "payslips", TERMS, **on_record(ada))
    assert (await kinds(house, application)).count("document.asked") == 1


async def test_the_case_comes_back_with_the_last_of_its_papers(house: House):
    task, application, payslips, ada = await asked(house)
    await house.ports.desk.ask_for(task, "identity", TERMS, **on_record(ada))
    await hand_in(house, application, payslips)
    assert await house.status(application) is Status.AWAITING_APPLICANT
    documents = await house.ports.desk.documents(application, 1)
    await hand_in(house, application, next(row["id"] for row in documents if row["code"] == "identity"))
    assert await house.status(application) is Status.REVIEW


async def test_a_paper_is_read_as_it_was_handed_in_and_who_read_it_is_on_record(house: House):
    _, application, document, ada = await asked(house)
    with pytest.raises(NotFound, match="not handed in"):
        await house.ports.desk.open(application, document, **on_record(ada))
    await hand_in(house, application, document)
    assert await house.ports.desk.open(application, document, **on_record(ada)) == PAYSLIP
    assert (await kinds(house, application))[-2:] == ["document.received", "document.opened"]


async def test_the_same_paper_again_is_one_and_another_is_refused(house: House):
    _, application, document, _ = await asked(house)
    await hand_in(house, application, document)
    await hand_in(house, application, document)
    assert (await kinds(house, application)).count("document.received") == 1
    with pytest.raises(Conflict, match="Another document"):
        await hand_in(house, application, document, PAYSLIP.model_copy(update={"content": b"%PDF-1.7 other"}))


async def test_nobody_hands_in_for_an_application_that_is_not_theirs(house: House):
    _, application, document, _ = await asked(house)
    with pytest.raises(NotFound):
        await hand_in(house, application, document, mine=True)


async def test_a_paper_for_an_ended_case_is_not_taken(house: House):
    _, application, document, _ = await asked(house)
    await house.withdraw(application)
    with pytest.raises(Conflict, match="ended"):
        await hand_in(house, application, document)


async def test_a_reviewer_may_decide_without_the_paper(house: House):
    task, _, _, ada = await asked(house)
    assert (await decide(house, task, word(), ada))["state"] == "answered"


async def test_nobody_asks_for_papers_of_a_case_that_another_holds(house: House):
    task, _ = await a_task(house)
    ada, ben = await reviewers(house, 2)
    await house.ports.reviews.claim(task, ada, LEASE)
    with pytest.raises(Conflict, match="holds this case"):
        await house.ports.desk.ask_for(task, "payslips", TERMS, **on_record(ben))


# Handing up, being away ---------------------------------------------------------------------------


async def test_what_was_handed_up_is_a_seniors_alone(house: House):
    task, case = await a_task(house)
    (ada,) = await reviewers(house, 1)
    senior = await house.staff(Role.SENIOR_REVIEWER)
    await house.ports.reviews.claim(task, ada, LEASE)
    await house.ports.desk.hand_up(task, "income from abroad", **on_record(ada))
    await house.ports.desk.hand_up(task, "income from abroad", **on_record(ada))
    assert (await kinds(house, case.application)).count("review.handed_up") == 1
    assert (await free(house, ada), await free(house, senior)) == ([], [task])
    with pytest.raises(NotAllowed, match="senior"):
        await house.ports.reviews.claim(task, ada, LEASE)
    version = (await house.ports.reviews.task(task))["version"]
    with pytest.raises(NotAllowed, match="senior"):
        await decide(house, task, word(version=version), ada)
    assert (await decide(house, task, word(version=version), senior))["state"] == "answered"


async def test_a_case_handed_up_still_ends_when_its_patience_is_over(house: House):
    task, case = await a_task(house, now=NOW)
    (ada,) = await reviewers(house, 1)
    await house.ports.desk.hand_up(task, "beyond me", **on_record(ada))
    assert (await house.ports.reviews.view(case.application, 1)).next_deadline() == NOW + timedelta(days=14)


async def test_who_is_away_holds_nothing_and_is_back_with_the_next_case_they_take(house: House):
    task, _ = await a_task(house)
    (ada,) = await reviewers(house, 1)
    await house.ports.reviews.claim(task, ada, LEASE)
    assert await house.ports.desk.leave(ada, NOW + timedelta(days=3)) == [task]
    assert [row["name"] for row in await house.ports.desk.away(NOW)] == [ada.name]
    assert await free(house, ada) == [task]
    await house.ports.reviews.claim(task, ada, LEASE)
    assert await house.ports.desk.away(NOW) == []


async def test_an_absence_that_is_over_is_nobodys_any_more(house: House):
    (ada,) = await reviewers(house, 1)
    await house.ports.desk.leave(ada, NOW + timedelta(days=3))
    assert await house.ports.desk.away(NOW + timedelta(days=4)) == []


# Similar cases ------------------------------------------------------------------------------------


async def test_the_cases_nearest_in_risk_and_amount_come_first_with_what_became_of_them(house: House):
    here, near, far = [await decided(house, probability=risk) for risk in (0.05, 0.06, 0.4)]
    found = await house.ports.reading.similar(here)
    assert [row["id"] for row in found] == [near, far]
    assert {row["outcome"] for row in found} == {Outcome.APPROVE}
    assert all(row["bad"] is None for row in found)

"""Who may say what on a referred case."""

from datetime import timedelta
from decimal import Decimal

import pytest

from plimsoll.domain.access import Role
from plimsoll.domain.errors import FieldsInvalid, NotAllowed
from plimsoll.domain.underwriting.review import (
    Answer,
    TaskState,
    TaskView,
    check_answer,
    needs_second_pair,
    settled_outcome,
)
from plimsoll.domain.values import Outcome
from tests.applicants import the_product
from tests.builders import NOW, an_actor

TERMS = the_product().review
SMALL, BIG = Decimal(5000), Decimal(12000)
REVIEWER, SENIOR = an_actor(Role.REVIEWER), an_actor(Role.SENIOR_REVIEWER)


def an_answer(outcome: Outcome = Outcome.APPROVE, **given) -> Answer:
    return Answer(**{"version": 1, "outcome": outcome, "reason": "evidence_checked"} | given)


def fields_refused(answer: Answer, amount: Decimal = SMALL) -> list[str]:
    with pytest.raises(FieldsInvalid) as refused:
        check_answer(TERMS, answer, SENIOR, amount)
    return [problem["field"] for problem in refused.value.details["fields"]]  # type: ignore[attr-defined]


def test_a_reviewer_may_approve_up_to_the_authority_of_the_role():
    check_answer(TERMS, an_answer(), REVIEWER, Decimal(10000))
    with pytest.raises(NotAllowed, match="up to 10,000"):
        check_answer(TERMS, an_answer(), REVIEWER, Decimal("10000.01"))


def test_a_senior_reviewer_may_approve_more():
    check_answer(TERMS, an_answer(), SENIOR, BIG)


def test_the_largest_authority_of_several_roles_counts():
    check_answer(TERMS, an_answer(), an_actor(Role.REVIEWER, Role.SENIOR_REVIEWER), BIG)


def test_whoever_has_no_authority_approves_nothing():
    with pytest.raises(NotAllowed, match="nothing"):
        check_answer(TERMS, an_answer(), an_actor(Role.ANALYST), SMALL)


def test_saying_no_needs_no_authority():
    check_answer(TERMS, an_answer(Outcome.DECLINE), REVIEWER, Decimal(1_000_000))


def test_a_counter_offer_is_measured_by_what_is_offered():
    check_answer(TERMS, an_answer(Outcome.COUNTER_OFFER, amount="9000"), REVIEWER, BIG)
    with pytest.raises(NotAllowed):
        check_answer(TERMS, an_answer(Outcome.COUNTER_OFFER, amount="11000"), REVIEWER, BIG)


def test_a_person_never_refers():
    assert fields_refused(an_answer(Outcome.REFER)) == ["outcome"]


def test_the_reason_comes_from_the_products_list():
    assert fields_refused(an_answer(reason="gut_feeling")) == ["reason"]


def test_a_counter_offer_names_its_amount_and_stays_below_what_was_asked():
    assert fields_refused(an_answer(Outcome.COUNTER_OFFER)) == ["amount"]
    assert fields_refused(an_answer(Outcome.COUNTER_OFFER, amount="5000.01")) == ["amount"]


@pytest.mark.parametrize(("outcome", "owed"), [("approve", True), ("counter_offer", True), ("decline", False)])
def test_four_eyes_are_owed_for_a_yes_above_the_limit(outcome: str, owed: bool):
    assert needs_second_pair(TERMS, Outcome(outcome), BIG) is owed


def test_at_the_limit_itself_two_eyes_suffice():
    assert not needs_second_pair(TERMS, Outcome.APPROVE, Decimal(10000))


@pytest.mark.parametrize("first", [Outcome.APPROVE, Outcome.COUNTER_OFFER, Outcome.DECLINE])
@pytest.mark.parametrize("second", [Outcome.APPROVE, Outcome.COUNTER_OFFER, Outcome.DECLINE])
def test_two_who_disagree_settle_on_the_more_severe_word(first: Outcome, second: Outcome):
    settled = settled_outcome(first, second)
    assert settled.severity == max(first.severity, second.severity)
    assert settled is settled_outcome(second, first)


def test_a_single_word_stands_by_itself():
    assert settled_outcome(Outcome.DECLINE, None) is Outcome.DECLINE


def test_a_task_waits_for_its_first_answer_and_once_escalated_for_its_deadline():
    due, deadline = NOW + timedelta(hours=4), NOW + timedelta(days=14)
    view = TaskView(id="rev_1", state=TaskState.OPEN, due_at=due, deadline=deadline, escalated=False)
    assert view.next_deadline() == due
    assert view.model_copy(update={"escalated": True}).next_deadline() == deadline


def test_a_deadline_before_the_first_answer_is_due_comes_first():
    view = TaskView(
        id="rev_1", state=TaskState.OPEN, due_at=NOW + timedelta(days=2), deadline=NOW, escalated=False
    )  # fmt: skip
    assert view.next_deadline() == NOW

"""A changed policy on cases of the past: what differs comes of the change alone."""

from datetime import UTC, datetime
from typing import Any

from plimsoll.adapters.policies.zen import Trial
from plimsoll.domain.underwriting.backtest import LET_THROUGH, back_test
from plimsoll.domain.underwriting.case import Case, EvidenceRecord
from plimsoll.domain.underwriting.evidence import EvidenceState
from plimsoll.domain.values import Status
from tests.applicants import NOON, SOUND_EVIDENCE, a_body, a_score, the_policy, the_product

HIGHEST = "> 20000"  # the amount above which the first rules decline


def changed(old: str, new: str) -> Trial:
    """The shipped policy with one thing changed."""
    content = the_policy().policy(the_product()).content
    assert old in content
    return the_policy().trial(the_product(), content.replace(old, new).encode())


def a_past_case(number: int = 1, probability: float | None = 0.009, **body: Any) -> Case:
    return Case(
        application=f"app_{number}", person="per_1", product="consumer-credit", round=1, status=Status.DECIDED,
        accepted_at=NOON, jurisdiction="DE", request="req_1", wrapped_key=b"", body=a_body(**body),
        evidence=tuple(answered(source) for source in SOUND_EVIDENCE),
        score=None if probability is None else a_score(probability),
    )  # fmt: skip


def answered(source: str) -> EvidenceRecord:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    return EvidenceRecord(id=f"evi_{source}", source=source, purpose="credit", state=EvidenceState.ANSWERED,
                          summary=SOUND_EVIDENCE[source], deadline=at, reserved_at=at)  # fmt: skip


def tried(trial: Trial, *cases: Case) -> Any:
    in_force = the_policy().trial(the_product())
    return back_test(the_product(), cases, in_force.evaluate, trial.evaluate)


def test_the_same_policy_changes_nothing():
    found = tried(the_policy().trial(the_product()), a_past_case(1), a_past_case(2, 0.2))
    assert (found.cases, found.alike, found.moves, found.differences) == (2, 2, (), ())


def test_a_lower_limit_declines_whom_the_policy_in_force_approves():
    found = tried(changed(HIGHEST, "> 1000"), a_past_case(1), a_past_case(2, amount="900.00"))
    assert [(move.was, move.becomes, move.cases) for move in found.moves] == [("approve", "decline", 1)]
    (difference,) = found.differences
    assert (difference.application, difference.rules_before, difference.rules_after) == (
        "app_1",
        (),
        ("R-AMOUNT-HIGH",),
    )


def test_who_was_never_scored_is_said_to_be_let_through_and_no_more():
    """The policy in force turned the case away before anybody was asked about it."""
    found = tried(changed(HIGHEST, "> 30000"), a_past_case(probability=None, amount="25000.00"))
    assert [(move.was, move.becomes) for move in found.moves] == [("decline", LET_THROUGH)]


def test_of_many_that_differ_only_some_are_listed_and_all_are_counted():
    found = tried(changed(HIGHEST, "> 1000"), *(a_past_case(number) for number in range(60)))
    assert (found.moves[0].cases, len(found.differences)) == (60, 50)


def test_no_case_is_no_days():
    found = tried(the_policy().trial(the_product()))
    assert (found.cases, found.since, found.until) == (0, None, None)

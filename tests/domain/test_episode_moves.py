"""What comes next in a customer's episode, without a database or a clock."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from plimsoll.domain.outreach import moves
from plimsoll.domain.outreach.contact import ContactState
from plimsoll.domain.outreach.episode import Ending, EpisodeState
from plimsoll.domain.outreach.moves import (
    Answer,
    Commitment,
    ContactFact,
    Episode,
    Known,
    Reply,
    StepState,
    Taken,
    TaskFact,
    next_move,
)
from plimsoll.domain.outreach.strategy import By, Tool
from plimsoll.domain.values import RiskLevel
from tests.episodes import a_step, a_table

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TABLE = a_table(a_step(By.SMS), a_step(By.CALL))


def an_episode(at: int | None = 0, step: dict[str, Any] | None = None, **changes: Any) -> Episode:
    plan = TABLE.strategies[0].ladder(RiskLevel.HIGH)
    taken = None if at is None else Taken(**{"number": at, "step": plan[at], "began_at": NOW} | (step or {}))
    known: dict[str, Any] = {
        "id": "int_1", "person": "per_1", "product": "consumer-credit", "state": EpisodeState.TREATING, "ending": None,
        "level": RiskLevel.HIGH, "strategy": "only", "plan": plan, "at": taken, "treats": True,
        "asked_for_help": False, "opened_at": NOW,
    }  # fmt: skip
    return Episode(**known | changes)


def move_of(episode: Episode, now: datetime = NOW, **known: Any) -> Any:
    return next_move(episode, Known(**known), TABLE, now)


def refused(rule: str = "quiet_hours", again_at: datetime | None = None) -> ContactFact:
    return ContactFact(state=ContactState.REFUSED, rule=rule, again_at=again_at)


def a_task(**changes: Any) -> TaskFact:
    return TaskFact(**{"due_at": NOW + timedelta(hours=4), "deadline": NOW + timedelta(hours=96)} | changes)


def test_a_message_that_is_due_is_sent():
    assert move_of(an_episode()) == moves.Reach()


def test_a_refusal_that_lifts_within_the_steps_patience_waits_for_its_moment():
    later = NOW + timedelta(hours=9)
    assert move_of(an_episode(), contact=refused(again_at=later), asked=True) == moves.Reschedule(
        rule="quiet_hours", at=later
    )


def test_a_refusal_beyond_the_steps_patience_gives_way_to_the_next_step_with_the_rule_named():
    late = NOW + timedelta(days=30)
    assert move_of(an_episode(), contact=refused("texts_in_7_days", late), asked=True) == moves.NextStep(
        result="barred", rule="texts_in_7_days"
    )


def test_what_was_refused_a_while_ago_is_asked_anew():
    assert move_of(an_episode(), contact=refused()) == moves.Reach()


def test_silence_leads_to_the_next_step_at_the_moment_in_the_row_and_not_before():
    until = NOW + timedelta(hours=72)
    out = {"state": StepState.OUT, "until": until}
    sent = ContactFact(state=ContactState.SENT)
    assert move_of(an_episode(step=out), contact=sent) == moves.Wait(until=until, on="delivery")
    assert move_of(an_episode(step=out), now=until, contact=sent) == moves.NextStep(result="silence")


@pytest.mark.parametrize(
    "step",
    [{"state": StepState.OUT, "until": NOW + timedelta(days=7)}, {"not_before": NOW + timedelta(hours=9)}],
    ids=["waits for an answer", "waits for the morning"],
)
def test_a_level_that_rose_waits_no_message_out(step: dict[str, Any]):
    rose = an_episode(step=step | {"rule": moves.LEVEL_ROSE}, level=RiskLevel.CRITICAL)
    sent = ContactFact(state=ContactState.DELIVERED) if "until" in step else None
    assert move_of(rose, contact=sent) == moves.NextStep(result=moves.LEVEL_ROSE)


def test_a_message_on_its_way_is_seen_through_before_the_level_that_rose_has_its_turn():
    rose = an_episode(step={"rule": moves.LEVEL_ROSE})
    assert move_of(rose, contact=ContactFact(state=ContactState.SENDING)) == moves.Reach()
    assert isinstance(move_of(rose, contact=ContactFact(state=ContactState.UNKNOWN)), moves.ToAPerson)


@pytest.mark.parametrize("state", [ContactState.BOUNCED, ContactState.FAILED])
def test_what_came_back_is_no_silence(state: ContactState):
    out = {"state": StepState.OUT, "until": NOW + timedelta(hours=72)}
    assert move_of(an_episode(step=out), contact=ContactFact(state=state)) == moves.NextStep(result=state)


def test_a_message_of_unknown_fate_goes_to_a_person_and_not_out_again():
    move = move_of(an_episode(), contact=ContactFact(state=ContactState.UNKNOWN))
    assert isinstance(move, moves.ToAPerson)


def test_a_task_nobody_takes_escalates_once_and_is_given_up_later():
    calling = an_episode(1, {"state": StepState.OUT})
    assert move_of(calling, now=NOW + timedelta(hours=5), task=a_task()) == moves.Escalate()
    assert isinstance(move_of(calling, now=NOW + timedelta(hours=5), task=a_task(escalated=True)), moves.Wait)
    given_up = move_of(calling, now=NOW + timedelta(hours=97), task=a_task())
    assert given_up == moves.Close(ending=Ending.NOBODY_CALLED, result="nobody_took_the_task")


def test_a_call_nobody_makes_ends_an_episode_only_after_the_last_step():
    plan = (a_step(By.CALL), a_step(By.EMAIL))
    calling = an_episode(0, {"state": StepState.OUT, "step": plan[0]}, plan=plan)
    move = move_of(calling, now=NOW + timedelta(hours=97), task=a_task())
    assert move == moves.NextStep(result="nobody_took_the_task")


def test_a_promise_is_judged_when_its_days_of_grace_are_over():
    agreed = Commitment(amount=Decimal("80"), currency="USD", due_on=date(2026, 3, 10))
    move = move_of(an_episode(1, {"state": StepState.OUT}), task=a_task(answered=Answer.PROMISE, commitment=agreed))
    assert move == moves.Promise(commitment=agreed, until=datetime(2026, 3, 13, tzinfo=UTC))


def test_a_tool_that_needs_no_payment_closes_the_episode():
    agreed = Commitment(tool=Tool.COUNSELLING, due_on=date(2026, 3, 10))
    move = move_of(an_episode(1, {"state": StepState.OUT}), task=a_task(answered=Answer.TOOL, commitment=agreed))
    assert move == moves.Close(ending=Ending.HELPED, result="counselling")


@pytest.mark.parametrize("flag", ["bereaved", "vulnerable", "disputed", "lawyer", "bankrupt", "complaint"])
def test_a_flag_stops_everything_whatever_step_is_under_way(flag: str):
    for episode in (an_episode(), an_episode(1, {"state": StepState.OUT})):
        assert isinstance(move_of(episode, flags=(flag,), task=a_task()), moves.Close)


def test_a_late_reply_to_an_earlier_step_is_told_to_who_is_about_to_call():
    calling = an_episode(1, {"state": StepState.OUT})
    assert move_of(calling, reply=Reply.OTHER, task=a_task()) == moves.Heard(reply=Reply.OTHER)
    assert isinstance(move_of(an_episode(), reply=Reply.HELP), moves.ToAPerson)


def test_how_it_went_is_looked_at_on_its_day_even_while_something_is_being_done():
    out = an_episode(step={"state": StepState.OUT, "until": NOW + timedelta(days=60)})
    assert move_of(out, now=NOW + timedelta(days=30)) == moves.Measure(day=30)
    waits = move_of(out, now=NOW + timedelta(days=29), contact=ContactFact(state=ContactState.SENT))
    assert waits.until == NOW + timedelta(days=30)


def test_the_end_comes_after_the_last_look():
    watched = an_episode(None, state=EpisodeState.WATCHING, ending=Ending.PAID, measured=(30, 60, 90))
    assert move_of(watched, now=NOW + timedelta(days=91)) == moves.End()
    assert move_of(an_episode(None, state=EpisodeState.ENDED), now=NOW) is None


@given(
    hours=some.integers(0, 24 * 120),
    flags=some.sets(some.sampled_from(["bereaved", "nothing"])),
    paid=some.booleans(),
    contact=some.none() | some.sampled_from(list(ContactState)).map(lambda state: ContactFact(state=state)),
    asked=some.booleans(),
    at=some.sampled_from([None, 0, 1]),
    state=some.sampled_from(list(EpisodeState)),
)
def test_there_is_always_something_next_until_it_has_ended(
    hours: int,
    flags: set[str],
    paid: bool,
    contact: ContactFact | None,
    asked: bool,
    at: int | None,
    state: EpisodeState,
):
    episode = an_episode(at, {"state": StepState.OUT, "until": NOW}, state=state, kept_until=NOW)
    known = Known(flags=tuple(flags), paid=paid, contact=contact, asked=asked)
    move = next_move(episode, known, TABLE, NOW + timedelta(hours=hours))
    assert (move is None) == (state is EpisodeState.ENDED)
    if isinstance(move, moves.Wait):
        assert move.until > NOW + timedelta(hours=hours)

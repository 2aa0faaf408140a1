"""Strategies as data: who is dealt what, what is done first, and what a hold-out can find out."""

import tomllib
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from plimsoll.domain.durations import duration_from
from plimsoll.domain.errors import FieldsInvalid, InvalidRequest
from plimsoll.domain.outreach.collecting import Report, check_report
from plimsoll.domain.outreach.hold_out import (
    HOLD_OUT,
    EffectVerdict,
    Followed,
    arm_of,
    plan_effect,
    read_arms,
    read_effect,
)
from plimsoll.domain.outreach.strategy import By, StrategyTable
from plimsoll.domain.outreach.treatment import plan_after, plan_of
from plimsoll.domain.values import RiskLevel
from plimsoll.settings import ROOT
from tests.episodes import a_step, a_table

SHIPPED = StrategyTable.model_validate(tomllib.loads((ROOT / "watch/strategy.toml").read_text()))
DIRECT = SHIPPED.strategy("direct")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_shipped_table_begins_where_the_level_says_and_does_nothing_for_low():
    begins = {level: [step.by for step in DIRECT.ladder(level)][:1] for level in RiskLevel}
    assert begins == {
        RiskLevel.CRITICAL: [By.CALL], RiskLevel.HIGH: [By.SMS], RiskLevel.MEDIUM: [By.EMAIL], RiskLevel.LOW: [],
    }  # fmt: skip
    assert [DIRECT.ladder(level)[0].priority for level in (RiskLevel.CRITICAL, RiskLevel.HIGH, RiskLevel.MEDIUM)] == [
        1, 2, 3,
    ]  # fmt: skip


def test_whom_a_gentler_step_moved_before_is_met_with_that_one_first_but_not_when_it_is_critical():
    assert [step.by for step in plan_of(DIRECT, RiskLevel.HIGH, worked=By.EMAIL)] == [
        By.EMAIL,
        By.SMS,
        By.EMAIL,
        By.CALL,
    ]
    assert plan_of(DIRECT, RiskLevel.CRITICAL, worked=By.EMAIL) == DIRECT.ladder(RiskLevel.CRITICAL)
    assert plan_of(DIRECT, RiskLevel.MEDIUM, worked=By.CALL) == DIRECT.ladder(RiskLevel.MEDIUM)


def test_a_level_that_rises_keeps_what_was_done_and_does_not_become_gentler_again():
    plan = plan_after(DIRECT, RiskLevel.CRITICAL, DIRECT.ladder(RiskLevel.MEDIUM), 1)
    assert [step.by for step in plan][:2] == [By.EMAIL, By.CALL]


def test_the_hold_out_is_dealt_by_person_and_level_as_large_as_said_and_the_same_every_time():
    people = [f"per_{n}" for n in range(20_000)]
    held = [person for person in people if arm_of(SHIPPED, person, RiskLevel.HIGH) == HOLD_OUT]
    assert len(held) / len(people) == pytest.approx(SHIPPED.hold_out, abs=0.006)
    assert held == [person for person in people if arm_of(SHIPPED, person, RiskLevel.HIGH) == HOLD_OUT]
    others = {person for person in people if arm_of(SHIPPED, person, RiskLevel.CRITICAL) == HOLD_OUT}
    assert len(others & set(held)) / len(held) == pytest.approx(SHIPPED.hold_out, abs=0.02)


def test_the_strategies_get_their_shares():
    arms = [arm_of(SHIPPED, f"per_{n}", RiskLevel.HIGH) for n in range(20_000)]
    assert arms.count("direct") / (len(arms) - arms.count(HOLD_OUT)) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hold_out": 0.03}, "between 0.05 and 0.10"),
        ({"hold_out": 0.2}, "less than or equal to 0.1"),
        ({"cannot_be_reached": a_step(By.EMAIL)}, "for people"),
        ({"outcome_days": (60, 30)}, "rise"),
    ],
)
def test_a_table_that_cannot_be_is_refused_with_what_is_wrong(change: dict, says: str):
    with pytest.raises(ValidationError, match=says):
        a_table(a_step(), **change)


def counted(held: tuple[int, int], treated: tuple[int, int]) -> tuple[Followed, ...]:
    """(known, missed)"""
    return tuple(
        Followed(arm=arm, stratum=RiskLevel.HIGH, day=30, ripe=known, known=known, missed=missed)
        for arm, (known, missed) in ((HOLD_OUT, held), ("direct", treated))
    )


def test_nothing_read_before_the_planned_sample_is_a_verdict():
    plan = plan_effect(SHIPPED, None)
    early = read_effect(SHIPPED, counted((100, 40), (1000, 100)))[0]
    assert (early.verdict, early.share_of_sample < 0.1) == (EffectVerdict.NONE_YET, True)
    assert early.comparison is not None
    late = read_effect(
        SHIPPED, counted((plan.n_held_out, plan.n_held_out // 4), (plan.n_treated, plan.n_treated // 6))
    )[0]
    assert late.verdict is EffectVerdict.HELPS
    harm = read_effect(
        SHIPPED, counted((plan.n_held_out, plan.n_held_out // 6), (plan.n_treated, plan.n_treated // 4))
    )[0]
    assert harm.verdict is EffectVerdict.HARMS


def test_with_too_few_of_a_kind_nothing_is_computed():
    reading = read_effect(SHIPPED, counted((2, 1), (100, 3)))[0]
    assert reading.comparison is None
    assert read_arms(SHIPPED, counted((2, 1), (100, 3)))[0].missed_share == 0.03


def test_a_table_that_holds_nobody_out_says_that_nothing_will_be_known():
    assert "no effect will ever be known" in plan_effect(a_table(a_step()), 100.0).words[0]


# What a collector may report --------------------------------------------------------------------


def problems_of(last_agreed: date | None = None, **said: object) -> set[str]:
    report = Report.model_validate({"version": 1} | said)
    try:
        check_report(report, SHIPPED, NOW, last_agreed)
    except FieldsInvalid as error:
        return {field["field"] for field in error.details["fields"]}  # type: ignore[attr-defined]
    return set()


def test_a_promise_names_amount_and_a_day_that_is_not_far():
    assert problems_of(answer="promise", amount="50", due_on="2026-03-20") == set()
    assert problems_of(answer="promise") == {"amount", "due_on"}
    assert problems_of(answer="promise", amount="50", due_on="2026-03-01") == {"due_on"}
    assert problems_of(answer="promise", amount="50", due_on="2026-12-24") == {"due_on"}


def test_a_tool_keeps_to_its_terms_and_to_how_often_it_may_be_agreed():
    assert problems_of(answer="tool", tool="due_date_change", due_on="2026-03-20") == set()
    assert problems_of(answer="tool") == {"tool"}
    assert problems_of(answer="tool", tool="due_date_change", due_on="2026-06-01") == {"due_on"}
    assert problems_of(date(2025, 12, 1), answer="tool", tool="due_date_change", due_on="2026-03-20") == {"tool"}
    assert problems_of(answer="tool", tool="payment_plan", due_on="2026-06-01", payments=12) == {"payments", "amount"}


def test_a_no_agrees_on_nothing():
    assert problems_of(answer="refused", amount="50") == {"answer"}
    assert problems_of(answer="call_back", call_back_at="2026-03-01T10:00:00+00:00") == {"call_back_at"}


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30d", timedelta(days=30)),
        ("1d 12h", timedelta(hours=36)),
        ("90m", timedelta(minutes=90)),
        ("2w", timedelta(14)),
    ],
)
def test_a_span_of_time_is_read_as_people_write_it(text: str, span: timedelta):
    assert duration_from(text) == span


@pytest.mark.parametrize("text", ["", "soon", "30", "d30", "30d ago"])
def test_what_is_no_span_of_time_is_said_so(text: str):
    with pytest.raises(InvalidRequest, match="no span of time"):
        duration_from(text)

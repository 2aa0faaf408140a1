"""Trigger rules, levels and words: the shipped table holds, and a wrong one is said to be wrong."""

import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from plimsoll.domain.outreach.episode import Factor
from plimsoll.domain.values import RiskLevel
from plimsoll.domain.watching import sensitive, state
from plimsoll.domain.watching.events import Category, Direction, Event, Kind
from plimsoll.domain.watching.factors import factors
from plimsoll.domain.watching.judging import Judgement, Known, asks_for_help, judge
from plimsoll.domain.watching.levels import LevelRow, level_of, levels
from plimsoll.domain.watching.policy import WatchPolicy
from plimsoll.domain.watching.rows import rows_of
from plimsoll.domain.watching.signals import NAMES, PLACE, SIGNALS
from plimsoll.domain.watching.state import week_of
from plimsoll.domain.watching.triggers import NOTHING_DUE, matching, next_looks, usual_week
from plimsoll.settings import ROOT
from tests.watched import an_event, an_ordinary_life, moment, observed, salary

TABLE = tomllib.loads((ROOT / "watch" / "signals.toml").read_text())
POLICY = WatchPolicy.model_validate(TABLE)
NOBODY = np.full((1, len(NAMES)), np.nan)
AT = datetime(2026, 6, 30, tzinfo=UTC)


def fired(*events: Event, usual: float = np.nan) -> list[str | None]:
    found = matching(POLICY.events, rows_of(list(events)), np.full(len(events), usual))
    return [POLICY.events[place].name if place >= 0 else None for place in found]


def test_what_can_matter_is_data() -> None:
    assert fired(
        an_event("2026-06-01", 20, failed=True),
        salary("2026-06-01"),
        an_event("2026-06-01", 20, Category.LENDING_APP, direction=Direction.CREDIT),
        an_event("2026-06-01", 20, balance_after=Decimal("-1")),
        an_event("2026-06-01", kind=Kind.STATUS, period=date(2026, 5, 1), months_late=0),
        an_event("2026-06-01", 20, Category.GROCERIES),
    ) == ["failed debit", "salary", "lending app", "below zero", "status", None]


def test_large_is_measured_by_the_customers_own_week() -> None:
    rent = an_event("2026-06-01", 500, Category.OTHER)
    assert fired(rent, usual=250_00) == ["large"]
    assert fired(rent, usual=251_00) == [None]
    assert fired(rent) == [None], "of a newcomer nothing is usual yet"
    assert usual_week(observed(an_ordinary_life()), week_of([20_634]))[0] > 0, "on the last day of June"


def test_a_timer_looks_again_after_each_of_its_days() -> None:
    without = [event for event in an_ordinary_life() if event.occurred_at < moment("2026-06-20")]
    states = observed(without)

    def next_day(after: date) -> date | None:
        since = np.array([(after - date(1970, 1, 1)).days])
        found = int(next_looks(POLICY.timers[:1], states, since, POLICY.days_off)[0])
        return None if found == NOTHING_DUE else date(1970, 1, 1) + timedelta(days=found)

    looks = [next_day(date(2026, 6, day)) for day in (20, 28)]
    assert looks == [date(2026, 6, 28), date(2026, 7, 2)]
    assert next_day(date(2026, 7, 9)) is None


@pytest.mark.parametrize(
    ("probability", "known", "level"),
    [
        (0.70, {}, RiskLevel.CRITICAL),
        (0.40, {}, RiskLevel.HIGH),
        (0.40, {"failed_debits": 1}, RiskLevel.CRITICAL),
        (0.25, {}, RiskLevel.MEDIUM),
        (0.05, {}, RiskLevel.LOW),
        (np.nan, {}, RiskLevel.LOW),
        (np.nan, {"salary_days_late": 8}, RiskLevel.HIGH),
        (np.nan, {"salary_days_late": 8, "failed_debits": 1}, RiskLevel.CRITICAL),
    ],
)
def test_a_level_comes_of_probability_and_policy(probability: float, known: dict[str, float], level: RiskLevel) -> None:
    matrix = NOBODY.copy()
    for name, value in known.items():
        matrix[0, PLACE[name]] = value
    rank, row = levels(POLICY.levels, np.array([probability]), matrix)
    assert level_of(rank[0]) is level
    assert (row[0] >= 0) is np.bool_(level is not RiskLevel.LOW)


def test_factors_are_said_with_values_what_the_policy_read_first() -> None:
    row = LevelRow(level=RiskLevel.HIGH, name="x", signals_from={"salary_days_late": 7})
    signals = NOBODY[0].copy()
    signals[PLACE["salary_days_late"]], signals[PLACE["utilisation"]], signals[PLACE["limit"]] = 9, 0.87, 120_000
    said = factors(row, signals, {"utilisation": 0.9, "limit": 0.05, "bill_0": 3.0}, POLICY.words)
    assert said == (
        Factor(feature="salary_days_late", value="9", words="Salary is 9 days later than usual"),
        Factor(feature="utilisation", value="87 %", words="The last bill uses 87 % of the limit"),
    ), "a bill has no words, and a limit weighed too little"


def test_a_change_for_the_better_is_no_factor_whatever_the_model_made_of_it() -> None:
    signals = NOBODY[0].copy()
    signals[PLACE["bill_growth"]] = -0.06
    assert factors(None, signals, {"bill_growth": 1.0}, POLICY.words) == ()


def test_every_word_is_one_that_staff_may_say() -> None:
    for words in POLICY.words.values():
        assert not any(secret in words.lower() for secret in ("gambl", "health", "church", "union", "benefit"))
    assert set(POLICY.words) <= set(NAMES)


def test_nothing_sensitive_can_be_read_by_a_model_or_a_level() -> None:
    for name in sensitive.KEPT:
        assert not any(name in signal.name for signal in SIGNALS)
        assert name not in str(state.STATE)
    with pytest.raises(ValidationError, match="no signal"):
        LevelRow(level=RiskLevel.HIGH, name="x", signals_from={"gambling": 1})


def test_who_gambles_more_than_usual_may_be_offered_help_and_nobody_learns_why() -> None:
    private = sensitive.nothing_kept(2)
    betting = [an_event(day, 900, Category.GAMBLING) for day in ("2026-06-10", "2026-06-17")]
    sensitive.observe_private(private, np.array([0, 0]), rows_of(betting))
    assert sensitive.help_worth_offering(private, np.datetime64("2026-06-30T00:00", "s")) == [("counselling",), ()]


def judgement(level: RiskLevel, *reasons: str, at: datetime = AT) -> Judgement:
    told = tuple(Factor(feature=reason, value="1") for reason in reasons)
    return Judgement(level=level, probability=0.4, by_row=None, factors=told, model=None, as_of=at)


HANDED = Known(
    level=RiskLevel.HIGH, since=AT, as_of=AT, handed_at=AT, handed_level=RiskLevel.HIGH, handed_factors=("a", "b")
)


@pytest.mark.parametrize(
    ("judged", "before", "asks"),
    [
        (judgement(RiskLevel.LOW), None, False),
        (judgement(RiskLevel.MEDIUM, "a"), None, True),
        (judgement(RiskLevel.HIGH, "a"), HANDED, False),
        (judgement(RiskLevel.MEDIUM, "b"), HANDED, False),
        (judgement(RiskLevel.CRITICAL, "a"), HANDED, True),
        (judgement(RiskLevel.HIGH, "c"), HANDED, True),
        (judgement(RiskLevel.HIGH, "a", at=AT + timedelta(days=7)), HANDED, True),
    ],
)
def test_an_intervention_hears_of_what_is_new_has_risen_has_other_reasons_or_goes_on(
    judged: Judgement, before: Known | None, asks: bool
) -> None:
    assert asks_for_help(POLICY, judged, before) is asks


def test_of_whom_nothing_is_heard_any_more_nothing_is_concluded() -> None:
    failed = an_event("2026-06-25", 50, failed=True)
    states = observed([*an_ordinary_life(), failed])
    at_risk = judge(POLICY, states, np.datetime64("2026-06-30"), None)
    long_after = judge(POLICY, states, np.datetime64("2026-09-30"), None)
    assert (level_of(at_risk.rank[0]), level_of(long_after.rank[0])) == (RiskLevel.MEDIUM, RiskLevel.LOW)
    assert np.isnan(long_after.matrix).all()


def changed(**parts: Any) -> dict[str, Any]:
    return TABLE | parts


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (changed(events=[{"name": "all"}]), "matches every event"),
        (changed(timers=[{"name": "x", "pace": "cash", "days_after": [1]}]), "waits for 'cash'"),
        (changed(levels=[{"level": "high", "name": "x"}]), "holds for everybody"),
        (changed(levels=[{"level": "low", "name": "x", "probability_from": 0.1}]), "low is what is left"),
        (changed(levels=[{"level": "high", "name": "x", "signals_from": {"nothing": 1}}]), "no signal"),
        (changed(words={}), "no sentence for"),
        (changed(words=TABLE["words"] | {"mood": "{value}"}), "no signal"),
        (changed(events=[*TABLE["events"], TABLE["events"][0]]), "two rows are called"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_in_a_sentence(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        WatchPolicy.model_validate(table)

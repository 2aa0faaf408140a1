"""Rules are data: when they act, when they wait, and what they never do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from plimsoll.domain.models.examples import Examples
from plimsoll.domain.monitoring.alerts import PastCheck, State, alerts, broken
from plimsoll.domain.monitoring.drift import Drift, Window, measure, reference_of
from plimsoll.domain.monitoring.terms import Action, Measure, MonitoringTerms, Rule

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
RANDOM = np.random.default_rng(11)
TERMS = MonitoringTerms()


def a_drift(rows: int = 1000, input_shift: float = 0.0, score_shift: float = 0.0, missing: float = 0.0) -> Drift:
    before = Examples(columns={"amount": RANDOM.normal(0, 1, 4000)}, bad=np.zeros(4000, dtype=bool))
    reference = reference_of(before, probability=RANDOM.normal(0.3, 0.1, 4000))
    amount = RANDOM.normal(input_shift, 1, rows)
    amount[: int(missing * rows)] = np.nan
    return measure(reference, Window(rows, {"amount": amount}, score=RANDOM.normal(0.3 + score_shift / 10, 0.1, rows)))


def a_rule(**changes: Any) -> Rule:
    return Rule(**{"name": "moved", "measure": Measure.PSI, "above": 0.1, "action": Action.NOTIFY, **changes})


def only(rule: Rule) -> MonitoringTerms:
    return MonitoringTerms(rules=(rule,))


def a_check(hours_ago: float, *, broken: tuple[str, ...] = (), acted: tuple[str, ...] = (), scheduled: bool = True):
    return PastCheck(checked_at=NOON - timedelta(hours=hours_ago), scheduled=scheduled, broken=broken, acted=acted)


def test_nothing_moved_breaks_no_rule():
    assert alerts(TERMS, a_drift(), [], NOON) == ()


def test_a_moved_input_is_told_with_its_figures():
    (alert,) = alerts(only(a_rule()), a_drift(input_shift=0.6), [], NOON)
    assert (alert.action, alert.state) == (Action.NOTIFY, State.TAKEN)
    assert alert.breaches[0].column == "amount"
    assert alert.text.startswith("Moved: psi of amount is 0.")
    assert alert.text.endswith("above 0.1, on 1,000 rows.")


@pytest.mark.parametrize("rows", [3, 40, 199])
def test_a_window_below_the_minimum_triggers_nothing_however_far_it_is_off(rows: int):
    assert alerts(TERMS, a_drift(rows=rows, input_shift=5.0, score_shift=5.0), [], NOON) == ()


def test_what_chance_explains_breaks_no_rule():
    small = [broken(a_rule(above=0.01), a_drift(rows=250)) for _ in range(20)]
    assert sum(map(len, small)) <= 1


def test_a_rule_can_watch_one_feature_by_name():
    assert broken(a_rule(watches="amount"), a_drift(input_shift=0.6))
    assert not broken(a_rule(watches="income"), a_drift(input_shift=0.6))


def test_a_source_that_went_quiet_is_seen_as_a_rise_of_what_is_missing():
    (breach,) = broken(a_rule(measure=Measure.MISSING, above=0.05), a_drift(missing=0.2))
    assert breach.value == pytest.approx(0.2)


# In a row -------------------------------------------------------------------------------------


def test_a_rule_that_needs_two_windows_waits_in_the_first():
    (alert,) = alerts(only(a_rule(windows=2)), a_drift(input_shift=0.6), [], NOON)
    assert (alert.state, alert.windows) == (State.WAITING, 1)
    assert "Window 1 of 2 in a row." in alert.text


def test_and_acts_in_the_second():
    past = [a_check(6, broken=("moved",))]
    (alert,) = alerts(only(a_rule(windows=2)), a_drift(input_shift=0.6), past, NOON)
    assert (alert.state, alert.windows) == (State.TAKEN, 2)


def test_a_quiet_window_between_starts_the_count_again():
    past = [a_check(6), a_check(12, broken=("moved",))]
    assert alerts(only(a_rule(windows=2)), a_drift(input_shift=0.6), past, NOON)[0].state is State.WAITING


def test_checks_by_hand_do_not_count_as_windows():
    past = [a_check(n / 60, broken=("moved",), scheduled=False) for n in range(1, 10)]
    assert alerts(only(a_rule(windows=2)), a_drift(input_shift=0.6), past, NOON)[0].state is State.WAITING


def test_what_goes_on_is_told_once_a_week():
    rule = only(a_rule())
    six_hours_ago = [a_check(6, broken=("moved",), acted=("moved",))]
    eight_days_ago = [a_check(8 * 24, broken=("moved",), acted=("moved",))]
    assert alerts(rule, a_drift(input_shift=0.6), six_hours_ago, NOON)[0].state is State.CONTINUES
    assert alerts(rule, a_drift(input_shift=0.6), eight_days_ago, NOON)[0].state is State.TAKEN


# What never happens ---------------------------------------------------------------------------


def test_a_rule_on_input_that_would_roll_back_is_refused():
    with pytest.raises(ValidationError, match="the old model sees the same input"):
        a_rule(action=Action.ROLL_BACK)


def test_a_score_that_moved_alone_rolls_back():
    rule = a_rule(watches="score", action=Action.ROLL_BACK)
    (alert,) = alerts(only(rule), a_drift(score_shift=1.0), [], NOON)
    assert alert.action is Action.ROLL_BACK


def test_a_score_that_moved_with_its_input_asks_for_a_retrain_instead():
    rule = a_rule(watches="score", action=Action.ROLL_BACK)
    (alert,) = alerts(only(rule), a_drift(score_shift=1.0, input_shift=1.0), [], NOON)
    assert alert.action is Action.RETRAIN
    assert "The input moved too (amount)" in alert.text


def test_the_defaults_never_roll_back_on_input():
    moved = a_drift(input_shift=3.0, score_shift=3.0)
    past = [a_check(6, broken=tuple(rule.name for rule in TERMS.rules))]
    actions = {alert.action for alert in alerts(TERMS, moved, past, NOON)}
    assert actions == {Action.NOTIFY, Action.RETRAIN}


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="two rules are called 'moved'"):
        MonitoringTerms(rules=(a_rule(), a_rule(above=0.3)))

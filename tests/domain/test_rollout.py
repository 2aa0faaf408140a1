from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from plimsoll.domain.models.gates import GateReading, GateVerdict, Measure
from plimsoll.domain.models.rollout import Move, Phase, RolloutPlan, judge, usual_plan

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
PLAN = usual_plan()
TENTH = PLAN.phases[1]


def a_reading(verdict: GateVerdict, value: float | None = 0.01, n: int = 500) -> GateReading:
    interval = None if value is None else (value - 0.1, value + 0.1)
    return GateReading(
        measure=Measure.ERRORS,
        value=value,
        interval=interval,
        limit=0.05,
        n_new=n,
        n_old=5000,
        minimum_n=50,
        verdict=verdict,
    )


def judged(*readings: GateReading, after: timedelta) -> Move:
    return judge(PLAN, TENTH, readings, MONDAY, MONDAY + after).move


def test_a_breach_goes_back_at_once():
    assert judged(a_reading(GateVerdict.PASS), a_reading(GateVerdict.BREACH), after=timedelta(0)) is Move.ROLL_BACK


def test_a_phase_lasts_its_time_however_good_it_looks():
    assert judged(a_reading(GateVerdict.PASS), after=timedelta(hours=47)) is Move.STAY
    assert judged(a_reading(GateVerdict.PASS), after=timedelta(hours=48)) is Move.ADVANCE


def test_a_phase_without_enough_applications_waits_and_then_asks_a_person():
    few = a_reading(GateVerdict.WAIT, value=None, n=12)
    assert judged(few, after=timedelta(hours=48)) is Move.STAY
    assert judged(few, after=timedelta(hours=48) + PLAN.waits_at_most) is Move.ASK_A_PERSON


def test_a_gate_that_is_undecided_beyond_its_limit_holds_the_phase():
    assert judged(a_reading(GateVerdict.WAIT, value=0.08), after=timedelta(hours=60)) is Move.STAY


def test_outcomes_that_are_not_known_yet_hold_nothing_up():
    not_yet = a_reading(GateVerdict.WAIT, value=None, n=0)
    assert judged(a_reading(GateVerdict.PASS), not_yet, after=timedelta(hours=48)) is Move.ADVANCE


def test_the_reason_names_the_gate_with_its_figures():
    judgement = judge(PLAN, TENTH, [a_reading(GateVerdict.BREACH, value=0.2)], MONDAY, MONDAY)
    assert judgement.reason == "errors 0.200 (0.100 to 0.300), limit 0.05, 500 against 5,000"


def test_the_usual_plan_is_two_days_then_one_then_one_and_a_week():
    shares = [(phase.share, phase.lasts) for phase in PLAN.phases[1:4]]
    assert shares == [(0.10, timedelta(hours=48)), (0.25, timedelta(hours=24)), (0.50, timedelta(hours=24))]
    assert PLAN.keeps_old == timedelta(days=7)


@pytest.mark.parametrize("shares", [(), (0.5, 0.1, 1.0), (0.1, 0.5), (-0.1, 1.0)])
def test_a_plan_only_grows_and_ends_with_everybody(shares: tuple[float, ...]):
    phases = tuple(Phase(name=str(share), share=share, lasts=timedelta(hours=1)) for share in shares)
    with pytest.raises(ValidationError, match="phases must grow"):
        RolloutPlan(phases=phases, gates=())

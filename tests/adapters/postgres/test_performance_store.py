"""Decisions with what became of them are read as they stood on a day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from plimsoll.domain.access import Role
from plimsoll.domain.models.outcomes import EARLY, Mark, OutcomeReport
from plimsoll.domain.models.performance import Judged, performance_report
from plimsoll.domain.values import Outcome
from tests.builders import a_sound_application
from tests.decided import CHALLENGER, decided
from tests.house import House
from tests.judged import PRODUCT, together

JUNE, JULY = datetime(2026, 6, 10, tzinfo=UTC), datetime(2026, 7, 31, 23, 59, tzinfo=UTC)
TODAY = datetime(2026, 11, 21, 9, tzinfo=UTC)


async def report(house: House, application: str, **changes: Any) -> None:
    actor = await house.somebody(Role.MODEL_OWNER)
    said = OutcomeReport(**{"application_id": application, "label": "bad", "observed_on": date(2026, 9, 1)} | changes)
    (answer,) = await house.ports.outcomes.report(
        [said], actor=actor, own_only=False, source="api", request="req_test", now=TODAY
    )
    assert answer.result == "recorded", answer


async def judged(house: House, as_of: date = TODAY.date()) -> Judged:
    return await house.ports.performance.judged("consumer-credit", as_of)


async def test_each_decision_is_one_row_with_its_month_model_arm_and_label(house: House):
    first = await decided(house, at=JUNE, probability=0.02)
    await decided(house, Outcome.DECLINE, at=JULY, model=CHALLENGER)
    await house.accept(a_sound_application())  # not decided: not there
    await report(house, first)
    found = await judged(house)
    assert list(found.vintage) == ["2026-06", "2026-07"]
    assert list(found.granted) == [True, False]
    assert list(found.model) == ["consumer-credit@1", "consumer-credit@2"]
    assert list(found.arm) == ["champion", "challenger"]
    assert found.bad[0] == 1.0
    assert np.isnan(found.bad[1])
    assert found.probability_of_default[0] == 0.02


async def test_on_an_earlier_day_only_what_was_known_then_is_there(house: House):
    application = await decided(house, at=JUNE)
    await decided(house, at=JULY)
    await report(house, application, known_on=date(2026, 9, 10))
    await report(house, application, label="good", known_on=date(2026, 10, 1), correction=True)
    assert [len(await judged(house, day)) for day in (date(2026, 7, 30), date(2026, 7, 31))] == [1, 2]
    labels = [(await judged(house, day)).bad[0] for day in (date(2026, 9, 9), date(2026, 9, 10), date(2026, 10, 1))]
    assert np.isnan(labels[0])
    assert labels[1:] == [1.0, 0.0]


async def test_early_marks_stand_in_columns_of_their_own(house: House):
    await report(house, await decided(house, at=JUNE), mark="first_payment_default")
    found = await judged(house)
    assert np.isnan(found.bad[0])
    assert found.marks[Mark.FIRST_PAYMENT_DEFAULT][0] == 1.0
    assert np.isnan(found.marks[Mark.SIXTY_DAYS_LATE_IN_SIX_MONTHS][0])


async def test_a_counter_offer_counts_as_granted_once_something_is_known_of_it(house: House):
    taken, open_ = [await decided(house, Outcome.COUNTER_OFFER, at=JUNE) for _ in range(2)]
    await report(house, taken, label="good")
    found = await judged(house)
    assert list(found.granted) == [True, False]
    assert open_


async def test_before_the_first_decision_the_columns_are_empty(house: House):
    assert len(await judged(house)) == 0


async def test_numbers_sent_in_groups_give_the_report_that_case_by_case_would(house: House):
    said: list[Judged] = []
    for number in range(24):
        outcome = (Outcome.APPROVE, Outcome.DECLINE, Outcome.COUNTER_OFFER)[number % 3]
        at = (JUNE if number < 12 else JULY) + timedelta(seconds=number)
        risk, bad = 0.01 + 0.013 * (number % 7), number % 4 == 0
        model = CHALLENGER if number % 5 == 0 else None
        application = await decided(house, outcome, at=at, probability=risk, **({"model": model} if model else {}))
        known = outcome is not Outcome.DECLINE
        if known:
            await report(house, application, label="bad" if bad else "good", amount=100 + number)
        said.append(
            Judged(
                vintage=np.array([f"{at:%Y-%m}"], dtype=object),
                granted=np.array([known]),
                sample_probability=np.array([(await case_of(house, application))["sample_probability"]]),
                probability_of_default=np.array([risk]),
                bad=np.array([float(bad) if known else np.nan]),
                amount=np.array([100.0 + number if known else np.nan]),
                model=np.array([f"consumer-credit@{2 if model else 1}"], dtype=object),
                arm=np.array(["challenger" if model else "champion"], dtype=object),
                marks={mark: np.array([np.nan]) for mark in EARLY},
            )
        )
    read = performance_report(PRODUCT, await judged(house), TODAY.date())
    case_by_case = performance_report(PRODUCT, together(*said), TODAY.date())
    assert read.model_dump() == case_by_case.model_dump()
    assert (read.overall is not None, read.known, len(read.vintages), len(read.by_model)) == (True, 16, 2, 2)


async def case_of(house: House, application: str) -> dict[str, Any]:
    row = await house.ports.database.row("select * from score where application_id = %(id)s", {"id": application})
    assert row is not None
    return row

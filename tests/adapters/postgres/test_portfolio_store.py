"""The figures of the overview, counted in Postgres over decided cases."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from plimsoll.domain.access import Role
from plimsoll.domain.models.outcomes import OutcomeReport
from plimsoll.domain.underwriting.overview import Chosen
from plimsoll.domain.values import Outcome, OutcomeSource
from tests.adapters.postgres.test_casework import a_run, a_verdict
from tests.applicants import a_score
from tests.builders import NOW, a_sound_application
from tests.decided import CHALLENGER, decided
from tests.house import House

CUTS = {"consumer-credit": 0.033}


async def figures(house: House, **chosen: Any) -> dict[str, Any]:
    return await house.ports.reading.portfolio.figures(replace(Chosen(), **chosen), CUTS)


def counted(rows: list[dict[str, Any]], key: str) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for row in rows:
        found[row[key]] = found.get(row[key], 0) + row["n"]
    return found


async def ended(house: House, application: str, **changes: Any) -> None:
    said = OutcomeReport(
        **{"application_id": application, "label": "bad", "observed_on": date(2026, 9, 1), "amount": 500} | changes
    )
    await house.ports.outcomes.report(
        [said],
        actor=await house.somebody(Role.MODEL_OWNER),
        own_only=False,
        source="api",
        request="req_test",
        now=datetime.now(UTC),
    )


async def by_a_person(house: House, outcome: Outcome, risk: float) -> None:
    application = await house.accept(a_sound_application())
    case = await house.ports.casework.load(application)
    await house.ports.casework.scored(case, a_score(risk, model=CHALLENGER), NOW, a_run("score"))
    verdict = a_verdict(outcome, source=OutcomeSource.PERSON)
    await house.ports.casework.record(case, verdict, None, NOW, a_run("record"))


async def test_outcomes_risk_and_time_are_counted(house: House):
    await decided(house, probability=0.004)
    await decided(house, Outcome.DECLINE, probability=0.12)
    await house.accept(a_sound_application())
    found = await figures(house)
    assert (found["applications"], found["scored"]) == (3, 2)
    assert counted(found["by_outcome"], "outcome") == {"approve": 1, "decline": 1}
    assert counted(found["over_time"], "outcome") == {"approve": 1, "decline": 1, "open": 1}
    assert sum(bin_["n"] for bin_ in found["histogram"]) == 2
    assert counted(found["bands"], "band") == {0: 1, 5: 1}
    assert found["time_to_yes"]["n"] == 1


async def test_bins_widen_until_forty_hold_nearly_all_and_the_last_takes_the_rest(house: House):
    for risk in [*[0.001] * 50, *[0.15] * 49, 0.9]:
        await decided(house, probability=risk)
    bins = (await figures(house))["histogram"]
    assert [(bin_["n"], round(bin_["above"], 4), bin_["width"]) for bin_ in bins] == [
        (50, 0.0, 0.005),
        (49, 0.15, 0.005),
        (1, 0.2, 0.005),
    ]


async def test_filters_choose_by_model_arm_outcome_and_day(house: House):
    await decided(house)
    await decided(house, Outcome.DECLINE, model=CHALLENGER)
    now = datetime.now(UTC)
    for chosen, expected in (
        ({"arm": "challenger"}, 1),
        ({"version": "consumer-credit@1"}, 1),
        ({"outcome": "decline", "arm": "champion"}, 0),
        ({"product": "nobody"}, 0),
        ({"since": now + timedelta(days=1)}, 0),
        ({"since": now - timedelta(days=1), "until": now + timedelta(days=1)}, 2),
    ):
        assert (await figures(house, **chosen))["applications"] == expected, chosen


async def test_of_an_ended_loan_the_latest_word_counts_and_its_money(house: House):
    for at in (datetime(2026, 6, 10, tzinfo=UTC), datetime(2026, 7, 10, tzinfo=UTC)):
        await ended(house, await decided(house, at=at))
    corrected = await decided(house, at=datetime(2026, 6, 11, tzinfo=UTC))
    await ended(house, corrected, known_on=date(2026, 9, 2))
    await ended(house, corrected, label="good", known_on=date(2026, 9, 3), correction=True)
    june, july = (await figures(house))["vintages"]
    assert [(v["vintage"], v["granted"], v["known"], v["bad"]) for v in (june, july)] == [
        ("2026-06", 2, 2, 1),
        ("2026-07", 1, 1, 1),
    ]
    assert (june["lost"], july["lost"]) == (500, 500)


async def test_a_verdict_counts_as_against_the_score_on_the_other_side_of_the_cut(house: House):
    for outcome, risk in ((Outcome.APPROVE, 0.02), (Outcome.APPROVE, 0.09), (Outcome.DECLINE, 0.01)):
        await by_a_person(house, outcome, risk)
    await decided(house, Outcome.APPROVE, probability=0.5)  # by the model: no verdict
    assert (await figures(house))["verdicts"] == {"n": 3, "against": 2}


async def test_every_try_of_a_source_counts_for_its_health(house: House):
    for result, took in (("failed", 900.0), ("done", 40.0)):
        await house.ports.database.run(
            "insert into step_attempt (application_id, round, step, source, lane, started_at, duration_ms, result) "
            "values (%(id)s, 1, 'pull', 'bureau', 'express', now(), %(took)s, %(result)s)",
            {"id": await house.accept(a_sound_application()), "took": took, "result": result},
        )
    (bureau,) = await house.ports.reading.portfolio.answers(datetime.now(UTC))
    assert (bureau["source"], bureau["asked"], bureau["answered"], bureau["p95"]) == ("bureau", 2, 1, 0.04)


async def test_an_empty_house_has_empty_figures(house: House):
    found = await figures(house)
    assert (found["applications"], found["by_status"], found["histogram"], found["vintages"]) == (0, [], [], [])
    assert found["time_to_yes"] == {"n": 0, "p50": None, "p95": None}
    assert await house.ports.reading.portfolio.answers(datetime.now(UTC)) == []
    assert await house.ports.reading.portfolio.arms() == {"version": [], "arm": []}

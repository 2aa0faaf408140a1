"""Outcomes on record: each stands alone, none counts twice, and the ledger vouches for every one."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from plimsoll.adapters.postgres.models.outcomes import Reported
from plimsoll.domain.access import Role
from plimsoll.domain.errors import Conflict, NotFound
from plimsoll.domain.models.outcomes import OutcomeReport
from plimsoll.domain.values import Outcome
from tests.builders import a_sound_application
from tests.decided import decided
from tests.house import House

TODAY = datetime(2026, 11, 21, 9, tzinfo=UTC)
SEEN = date(2026, 9, 1)


def a_report(**changes: Any) -> OutcomeReport:
    return OutcomeReport(**{"label": "bad", "observed_on": SEEN, "amount": Decimal("120.5")} | changes)


async def report(house: House, *reports: OutcomeReport, **given: Any) -> list[Reported]:
    actor = await house.somebody(Role.MODEL_OWNER)
    known: dict[str, Any] = {"actor": actor, "own_only": False, "source": "api", "request": "req_test", "now": TODAY}
    return await house.ports.outcomes.report(reports, **known | given)


async def rows(house: House) -> list[dict[str, Any]]:
    return await house.rows("select * from outcome order by id")


async def test_a_report_is_kept_with_all_it_says_and_the_record_verifies(house: House):
    application = await decided(house)
    (answer,) = await report(house, a_report(application_id=application))
    (row,) = await rows(house)
    assert (answer.result, answer.application) == ("recorded", application)
    assert (row["bad"], row["mark"], row["amount"]) == (True, "final", Decimal("120.50"))
    assert (row["observed_on"], row["known_on"]) == (SEEN, TODAY.date())
    await house.must_verify()


async def test_the_lenders_own_number_names_it_too(house: House):
    application = await decided(house, external_id="LOAN-9")
    (answer,) = await report(house, a_report(external_id="LOAN-9", label="good"))
    assert answer.application == application


async def test_saying_it_again_changes_nothing_even_on_another_day_and_in_the_same_list(house: House):
    application = await decided(house)
    same = a_report(application_id=application)
    first = await report(house, same, same)
    later = await report(house, same, now=datetime(2026, 12, 24, tzinfo=UTC))
    assert [answer.result for answer in (*first, *later)] == ["recorded", "repeated", "repeated"]
    assert len(await rows(house)) == 1
    assert (await house.row("select count(*) as n from ledger_entry where kind = 'outcome.reported'"))["n"] == 1


async def test_bad_ones_are_refused_alone_and_the_rest_goes_in(house: House):
    good, waiting = await decided(house), await house.accept(a_sound_application())
    answers = await report(
        house,
        a_report(application_id="app_nobody"),
        a_report(application_id=waiting),
        a_report(application_id=good),
        a_report(application_id=good, label="good"),
    )
    assert [answer.result for answer in answers] == ["refused", "refused", "recorded", "refused"]
    assert [type(answer.error) for answer in answers] == [NotFound, Conflict, type(None), Conflict]
    assert len(await rows(house)) == 1


async def test_a_correction_is_a_later_row_and_the_earlier_day_still_knows_what_it_knew(house: House):
    application = await decided(house)
    await report(house, a_report(application_id=application, known_on=date(2026, 9, 5)))
    await report(house, a_report(application_id=application, label="good", known_on=date(2026, 10, 1), correction=True))
    labels = house.ports.outcomes.final_labels
    assert [row["bad"] for row in await labels("consumer-credit", date(2026, 9, 4))] == []
    assert [row["bad"] for row in await labels("consumer-credit", date(2026, 9, 30))] == [True]
    assert [row["bad"] for row in await labels("consumer-credit", date(2026, 10, 1))] == [False]
    assert [row["label"] for row in await house.ports.outcomes.of(application)] == ["bad", "good"]
    await house.must_verify()


async def test_an_early_mark_stands_beside_the_final_one_and_is_no_label(house: House):
    application = await decided(house)
    await report(house, a_report(application_id=application, mark="first_payment_default"))
    assert await house.ports.outcomes.final_labels("consumer-credit", TODAY.date()) == []
    (answer,) = await report(house, a_report(application_id=application, label="good"))
    assert answer.result == "recorded"


async def test_a_declined_application_may_have_an_outcome_from_elsewhere(house: House):
    (answer,) = await report(house, a_report(application_id=await decided(house, Outcome.DECLINE)))
    assert answer.result == "recorded"


async def test_a_channel_reports_on_its_own_applications_only(house: House):
    other = await house.staff(Role.CHANNEL)
    answers = await report(house, a_report(application_id=await decided(house)), actor=other, own_only=True)
    assert isinstance(answers[0].error, NotFound)


async def test_ten_who_report_the_same_at_once_record_it_once(house: House):
    application = await decided(house)
    said = [a_report(application_id=application, label=label) for label in ("good", "bad") * 5]
    answers = await asyncio.gather(*(report(house, one) for one in said))
    results = [answer.result for (answer,) in answers]
    assert sorted(results) == ["recorded"] + ["refused"] * 5 + ["repeated"] * 4
    await house.must_verify()


@pytest.mark.parametrize(
    "tampering",
    [
        "update outcome set bad = not bad",
        "update outcome set amount = 1",
        "update outcome set known_on = known_on - 30",
        "delete from outcome",
    ],
)
async def test_an_outcome_altered_behind_the_ledgers_back_is_found(house: House, tampering: str):
    await report(house, a_report(application_id=await decided(house)))
    with psycopg.connect(house.database.owner_url, autocommit=True) as owner:
        owner.execute("alter table outcome disable trigger user")
        owner.execute(tampering)
        owner.execute("alter table outcome enable trigger user")
    await house.ports.sealer.seal_once()
    found = await house.ports.verifier.verify()
    assert not found.ok
    assert "outcome" in (found.problem or "")


async def test_an_outcome_nobody_entered_in_the_ledger_is_found(house: House):
    application = await decided(house)
    await house.ports.database.run(
        "insert into outcome (application_id, mark, bad, observed_on, known_on, source, recorded_by, recorded_at) "
        "values (%(id)s, 'final', false, '2026-09-01', '2026-09-01', 'api', 'act_system', now())",
        {"id": application},
    )
    await house.ports.sealer.seal_once()
    assert "has no ledger entry" in str((await house.ports.verifier.verify()).problem)

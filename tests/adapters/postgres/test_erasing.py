"""One verb erases a person everywhere: what was theirs cannot be read, what was decided still verifies."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.watching import Done, watch_of
from plimsoll.adapters.postgres.erasing import Erased
from plimsoll.domain.access import Role
from plimsoll.domain.errors import NotFound
from plimsoll.domain.outreach.episode import Trigger, TriggerSource
from plimsoll.domain.outreach.profile import ProfileChange
from plimsoll.domain.values import RiskLevel
from plimsoll.domain.watching.events import Category
from tests.builders import a_sound_application
from tests.house import House
from tests.reaching import somebody
from tests.watched import an_event, an_ordinary_life

TODAY = datetime(2026, 6, 30, 23, tzinfo=UTC)
CUSTOMER, CANARY = "LENDERS-OWN-4711", "Canary Kanarienvogel"


async def a_watched_applicant(house: House, customer: str = CUSTOMER) -> str:
    """Somebody who applied, is watched, can be reached, and is helped; the application."""
    application = await house.accept(a_sound_application(applicant={"id": customer, "name": CANARY}))
    change = ProfileChange.model_validate(somebody(name=CANARY) | {"reason": "as told", "evidence": "form 12"})
    by = await house.somebody(Role.COLLECTOR)
    await house.ports.outreach.profiles.change(customer, change, by=by, request="req_test", now=TODAY)
    returned = an_event("2026-06-29", 80, Category.TELECOM, failed=True, customer=customer)
    await house.ports.watch.log.accept([*an_ordinary_life(customer=customer), returned], now=TODAY)
    await read_all(house)
    return application


async def read_all(house: House) -> None:
    watch = watch_of(house.ports)
    while await watch.take_events(TODAY) != Done():
        pass


async def erase(house: House, name: str = CUSTOMER) -> Erased:
    by = await house.somebody(Role.COMPLIANCE)
    return await house.ports.erasing.erase(name, by=by, reason="asked to be", request="req_test", now=TODAY)


async def everything_kept(house: House) -> dict[str, list[dict[str, Any]]]:
    tables = await house.rows(
        "select table_name from information_schema.tables "
        "where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'alembic_version'"
    )
    return {row["table_name"]: await house.rows(f"select * from {row['table_name']}") for row in tables}


async def test_nothing_of_an_erased_person_is_left_to_be_read_and_the_ledger_is_whole(house: House) -> None:
    application = await a_watched_applicant(house)
    events = len(await house.rows("select 1 from transaction"))
    about = await house.ports.erasing.about(application)
    assert (about["transactions"], about["interventions"], about["addresses"]) == (events, 1, 4)
    erased = await erase(house)
    assert (erased.transactions, erased.withdrawn, len(erased.ended)) == (events, (application,), 1)
    kept = await everything_kept(house)
    for table in ("customer", "customer_state", "customer_risk", "customer_risk_change", "transaction",
                  "transaction_key", "contact_profile", "contact_address", "contact_consent"):  # fmt: skip
        assert kept[table] == [], table
    for word in (CUSTOMER, CANARY, "form 12", "returned"):
        assert not [table for table, rows in kept.items() if word in repr(rows)], word
    with pytest.raises(NotFound, match="erased"):
        await house.ports.casework.load(application)
    await house.must_verify()


async def test_what_was_under_way_ends_and_is_told(house: House) -> None:
    application = await a_watched_applicant(house)
    (episode,) = (await erase(house)).ended
    row = await house.row("select state, ending, closed_at, ended_at from intervention")
    assert (row["state"], row["ending"], row["closed_at"], row["ended_at"]) == ("ended", "erased", TODAY, TODAY)
    told = await house.rows("select kind, application_id from outbox where lane = 'engine' order by id")
    assert {("withdrawn", application), ("told", episode)} <= {(row["kind"], row["application_id"]) for row in told}
    entries = await house.rows("select kind from ledger_entry order by id desc limit 1")
    assert entries[0]["kind"] == "person.erased"


async def test_the_same_again_changes_nothing_and_takes_what_came_since(house: House) -> None:
    await a_watched_applicant(house)
    first = await erase(house)
    again = await erase(house, first.person)
    assert (again.before, again.erased_at, again.transactions, again.ended) == (True, TODAY, 0, ())
    assert len(await house.rows("select 1 from ledger_entry where kind = 'person.erased'")) == 1
    await house.must_verify()


async def test_others_keep_what_is_theirs(house: House) -> None:
    await a_watched_applicant(house)
    await a_watched_applicant(house, "SOMEBODY-ELSE")
    before = {table: len(rows) for table, rows in (await everything_kept(house)).items()}
    await erase(house)
    after = {table: len(rows) for table, rows in (await everything_kept(house)).items()}
    for table in ("transaction", "customer_state", "customer_risk", "contact_address", "contact_consent"):
        assert after[table] * 2 == before[table] > 0, table
    assert (await house.ports.erasing.about("SOMEBODY-ELSE"))["erased_at"] is None


async def test_who_comes_back_is_somebody_new(house: House) -> None:
    await a_watched_applicant(house)
    person = (await erase(house)).person
    await house.ports.watch.log.accept([an_event("2026-06-30", 9, customer=CUSTOMER)], now=TODAY)
    await read_all(house)
    (row,) = await house.rows("select person_id from customer")
    assert row["person_id"] != person
    assert (await house.ports.erasing.find(CUSTOMER))["id"] == row["person_id"]


async def test_a_trigger_that_comes_too_late_is_refused_by_name(house: House) -> None:
    await a_watched_applicant(house)
    person = (await erase(house)).person
    now = TODAY + timedelta(hours=1)
    late = Trigger(person=person, product="early-warning", level=RiskLevel.HIGH, probability=None, at=now,
                   source=TriggerSource.SWEEP)  # fmt: skip
    async with house.ports.database.transaction() as connection:
        came = await house.ports.outreach.interventions.trigger(connection, late, now)
    assert came.refused_by == "person_erased"


@pytest.mark.parametrize("name", ["per_nobody", "app_none", "NOT-OURS"])
async def test_nobody_is_said_in_a_sentence(house: House, name: str) -> None:
    with pytest.raises(NotFound, match="give `per_…`"):
        await erase(house, name)

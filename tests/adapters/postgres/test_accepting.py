"""Accepted once, answered the same ever after (F14), withdrawn at most once."""

import asyncio

import pytest

from plimsoll.domain.access import Role
from plimsoll.domain.errors import ApplicationClosed, InvalidRequest, KeyReused, NotFound
from plimsoll.domain.values import Status
from tests.builders import a_sound_application, raw
from tests.house import House

AT_ONCE = 50


async def test_fifty_at_once_under_one_key_make_one_application_and_get_one_answer(house: House):
    body, channel = raw(a_sound_application()), await house.somebody(Role.CHANNEL)
    intake = house.intake()
    answers = await asyncio.gather(
        *(intake.submit(body, key="k", actor=channel, request=f"req_{n}") for n in range(AT_ONCE))
    )
    assert len({answer.application for answer in answers}) == 1
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * (AT_ONCE - 1)
    assert (await counts(house)) == {"application": 1, "person": 1, "idempotency": 1, "ledger_entry": 1, "outbox": 1}


async def test_an_acceptance_is_one_transaction_of_five_rows(house: House):
    application = await house.accept(a_sound_application())
    assert await house.status(application) is Status.RECEIVED
    assert await counts(house) == {"application": 1, "person": 1, "idempotency": 1, "ledger_entry": 1, "outbox": 1}
    await house.must_verify()


async def test_the_same_key_with_another_body_is_refused_and_nothing_is_kept_of_it(house: House):
    await house.accept(a_sound_application(), key="k")
    with pytest.raises(KeyReused):
        await house.accept(a_sound_application(), key="k")
    assert (await counts(house))["application"] == 1


async def test_the_order_of_the_fields_makes_no_other_body(house: House):
    body = a_sound_application()
    first = await house.accept(body, key="k")
    assert await house.accept(dict(reversed(body.items())), key="k") == first


async def test_a_key_belongs_to_who_sent_it(house: House):
    mine = await house.accept(a_sound_application(), key="k", actor=await house.staff(Role.CHANNEL))
    assert await house.accept(a_sound_application(), key="k", actor=await house.staff(Role.CHANNEL)) != mine


async def test_the_same_application_under_another_key_is_taken_and_flagged(house: House):
    body = a_sound_application()
    first = await house.accept(body, key="one")
    second = await house.accept(body, key="two")
    assert second != first
    assert (await house.case(first))["flags"] == []
    assert (await house.case(second))["flags"] == ["probable_duplicate"]


async def test_one_person_applying_twenty_times_at_once_is_one_person(house: House):
    body, channel = a_sound_application(), await house.somebody(Role.CHANNEL)
    await asyncio.gather(*(house.accept({**body, "amount": f"{900 + n}.00"}, actor=channel) for n in range(20)))
    assert (await counts(house))["person"] == 1


async def test_what_is_stored_of_a_person_is_sealed(house: House):
    body = a_sound_application(applicant={"name": "Canary Kanarienvogel"})
    application = await house.accept(body)
    stored = await house.row("select * from application where id = %(id)s", id=application)
    assert not any("Canary" in repr(value) for value in stored.values())
    assert (await house.case(application))["body"]["applicant"]["name"] == "Canary Kanarienvogel"


async def test_a_value_postgres_cannot_hold_is_the_callers_mistake(house: House):
    """A NUL reaches a query by way of a path or a filter; it must not read as a defect of ours."""
    with pytest.raises(InvalidRequest):
        await house.ports.reading.case("app_\x00")


# Erased -----------------------------------------------------------------------------------------


async def test_who_was_erased_and_applies_again_is_a_new_person_with_a_key_of_their_own(house: House):
    body = a_sound_application()
    before = await house.accept(body)
    await erase_the_person_of(house, before)
    again = await house.accept({**body, "external_id": "again"})
    old, new = await person_of(house, before), await person_of(house, again)
    assert old["id"] != new["id"]
    assert (old["wrapped_key"], old["erased_at"] is not None) == (None, True)
    assert (await house.ports.casework.load(again)).subject.reference == body["applicant"]["id"]
    with pytest.raises(NotFound, match="erased"):
        await house.ports.casework.load(before)
    assert await house.accept({**body, "external_id": "third"})
    assert (await persons(house)) == 2
    await house.must_verify()


async def test_an_erased_person_who_applies_many_times_at_once_becomes_one_new_person(house: House):
    body = a_sound_application()
    await erase_the_person_of(house, await house.accept(body))
    applications = await asyncio.gather(
        *(house.accept({**body, "external_id": f"again-{number}"}) for number in range(10))
    )
    assert len(set(applications)) == 10
    assert await persons(house) == 2


async def erase_the_person_of(house: House, application: str) -> None:
    """By another process, so that this one still remembers the key."""
    await house.ports.database.run(
        "update person set wrapped_key = null, erased_at = now() "
        "where id = (select person_id from application where id = %(id)s)",
        {"id": application},
    )


async def person_of(house: House, application: str) -> dict:
    return await house.row(
        "select p.* from person p join application a on a.person_id = p.id where a.id = %(id)s", id=application
    )


async def persons(house: House) -> int:
    return (await house.row("select count(*) as n from person"))["n"]


# Withdrawing --------------------------------------------------------------------------------------


async def test_ten_withdrawals_at_once_are_one(house: House):
    application = await house.accept(a_sound_application())
    await asyncio.gather(*(house.withdraw(application) for _ in range(10)))
    assert await house.status(application) is Status.WITHDRAWN
    signals = await house.rows("select kind from outbox where kind = 'withdrawn'")
    entries = await house.rows("select kind from ledger_entry where kind = 'application.withdrawn'")
    assert (len(signals), len(entries)) == (1, 1)


async def test_a_decided_application_cannot_be_withdrawn(house: House):
    application = await house.accept(a_sound_application())
    await house.ports.database.run(
        "update application set status = 'decided', closed_at = now() where id = %(id)s", {"id": application}
    )
    with pytest.raises(ApplicationClosed, match="decided already"):
        await house.withdraw(application)


async def test_a_channel_withdraws_its_own_applications_only(house: House):
    application = await house.accept(a_sound_application(), actor=await house.staff(Role.CHANNEL))
    with pytest.raises(NotFound):
        await house.withdraw(application, own_only=True, actor=await house.staff(Role.CHANNEL))
    assert await house.status(application) is Status.RECEIVED


async def test_an_unknown_application_cannot_be_withdrawn(house: House):
    with pytest.raises(NotFound):
        await house.withdraw("app_unknown")


async def counts(house: House) -> dict[str, int]:
    tables = ("application", "person", "idempotency", "outbox")
    found = {table: (await house.row(f"select count(*) as n from {table}"))["n"] for table in tables}
    entries = await house.row("select count(*) as n from ledger_entry where application_id is not null")
    return found | {"ledger_entry": entries["n"]}

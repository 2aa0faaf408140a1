"""What an API process asks Postgres each second before it takes more in."""

from tests.builders import a_sound_application
from tests.house import House


async def test_what_is_accepted_waits_until_it_is_decided(house: House):
    first, _ = [await house.accept(a_sound_application()) for _ in range(2)]
    assert (await house.ports.reading.workload())["undecided"] == 2
    await house.withdraw(first)
    assert (await house.ports.reading.workload())["undecided"] == 1


async def test_a_case_with_a_person_or_parked_on_a_source_is_no_work_ahead(house: House):
    for status in ("review", "waiting"):
        await house.ports.database.run(
            "update application set status = %(status)s where id = %(id)s",
            {"id": await house.accept(a_sound_application()), "status": status},
        )
    assert (await house.ports.reading.workload())["undecided"] == 0


async def test_an_old_case_waits_while_its_start_is_owed_and_is_stuck_afterwards(house: House):
    application = await house.accept(a_sound_application())
    await house.ports.database.run(
        "update application set accepted_at = now() - interval '1 day' where id = %(id)s", {"id": application}
    )
    assert (await house.ports.reading.workload())["undecided"] == 1
    await house.ports.database.run("delete from outbox where application_id = %(id)s", {"id": application})
    assert (await house.ports.reading.workload())["undecided"] == 0


async def test_every_proposal_counts_as_a_case_weighed(house: House):
    before = (await house.ports.reading.workload())["weighed"]
    for number in range(3):
        application = await house.accept(a_sound_application())
        await house.ports.database.run(
            "insert into proposal (application_id, round, outcome, needs_a_person, body_sealed, body_digest, "
            "proposed_at) values (%(id)s, 1, 'approve', false, '', '', now())",
            {"id": application},
        )
        assert (await house.ports.reading.workload())["weighed"] == before + number + 1

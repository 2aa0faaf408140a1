"""What is owed to the engine is kept until it is delivered, and claimed by one at a time."""

import asyncio
from datetime import timedelta

from tests.builders import a_sound_application
from tests.house import House

NO_TIME = timedelta(0)


async def test_dispatchers_at_once_claim_different_rows(house: House):
    made = {await house.accept(a_sound_application()) for _ in range(12)}
    claims = await asyncio.gather(*(house.ports.outbox.claim(4) for _ in range(5)))
    claimed = [task.application for tasks in claims for task in tasks]
    assert sorted(claimed) == sorted(made)


async def test_a_claim_that_is_not_confirmed_comes_back(house: House):
    await house.accept(a_sound_application())
    (task,) = await house.ports.outbox.claim(4)
    assert await house.ports.outbox.claim(4) == []
    await house.ports.database.run("update outbox set not_before = now()")  # the lease ran out
    (again,) = await house.ports.outbox.claim(4)
    assert (again.id, again.attempts) == (task.id, 2)


async def test_what_failed_is_due_again_later(house: House):
    await house.accept(a_sound_application())
    (task,) = await house.ports.outbox.claim(4)
    await house.ports.outbox.failed(task.id, "engine_unavailable", again_in=-1)
    assert len(await house.ports.outbox.claim(4)) == 1
    row = await house.row("select last_error from outbox")
    assert row["last_error"] == "engine_unavailable"


async def test_what_waits_longest_goes_first_however_often_it_was_tried_in_vain(house: House):
    made = [await house.accept(a_sound_application()) for _ in range(3)]
    (first,) = await house.ports.outbox.claim(1)
    await house.ports.outbox.failed(first.id, "engine_unavailable", again_in=0)
    assert [task.application for task in await house.ports.outbox.claim(2)] == made[:2]


async def test_what_was_delivered_is_gone(house: House):
    await house.accept(a_sound_application())
    (task,) = await house.ports.outbox.claim(4)
    assert await house.ports.outbox.backlog() == 1
    await house.ports.outbox.delivered(task.id)
    assert await house.ports.outbox.backlog() == 0


async def test_a_task_carries_what_is_needed_to_deliver_it(house: House):
    application = await house.accept(a_sound_application(priority="urgent"))
    (task,) = await house.ports.outbox.claim(1)
    assert (task.kind, task.application, task.round, task.product) == ("start", application, 1, "consumer-credit")
    assert task.priority == "urgent"


async def test_an_open_case_is_one_whose_start_was_delivered_and_that_has_not_ended(house: House):
    waiting = await house.accept(a_sound_application())
    started, ended = await house.accept(a_sound_application()), await house.accept(a_sound_application())
    await house.ports.database.run("delete from outbox where application_id <> %(id)s", {"id": waiting})
    await house.withdraw(ended)
    assert [task.application for task in await house.ports.outbox.open_cases(NO_TIME)] == [started]
    assert await house.ports.outbox.open_cases(timedelta(minutes=1)) == []


async def test_a_fresh_run_id_is_counted_up(house: House):
    application = await house.accept(a_sound_application())
    assert await house.ports.outbox.start_under_new_id(application) == 1
    assert await house.ports.outbox.start_under_new_id(application) == 2


async def test_whether_a_case_has_ended_is_postgres_word(house: House):
    application = await house.accept(a_sound_application())
    assert not await house.ports.outbox.has_ended(application)
    await house.withdraw(application)
    assert await house.ports.outbox.has_ended(application)

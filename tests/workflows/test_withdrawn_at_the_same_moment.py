"""A withdrawal and a step's result reach a run in one workflow task: what Postgres says is what it ends with.

Nobody works on the run while both arrive, so the next task holds both, in either order.
"""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.messages import Ending
from plimsoll.domain.access import Role
from plimsoll.domain.errors import PlimsollError
from plimsoll.domain.underwriting.evidence import EvidenceState
from plimsoll.domain.underwriting.product import Lane
from plimsoll.domain.underwriting.review import Answer
from plimsoll.domain.values import Outcome, Status
from tests.applicants import SOURCES
from tests.builders import a_referred_application, a_sound_application
from tests.house import House, a_house, until
from tests.stack_fixtures import LocalPostgres, LocalTemporal
from workflows import names


@pytest.fixture(scope="module")
async def idle_house(
    migrated: LocalPostgres, local_temporal: LocalTemporal, running_sandbox, models: Path, tmp_path_factory
) -> AsyncIterator[House]:
    """Everything but workers: a test says who works when."""
    made = migrated.create_database(template="migrated")
    temporal = LocalTemporal(local_temporal.address, f"test-{uuid.uuid4().hex[:8]}")
    home = tmp_path_factory.mktemp("house")
    async with a_house(home, made, sandbox=running_sandbox, temporal=temporal, models=models) as house:
        yield house
    migrated.drop_database(made.name)


async def pending(house: House, application: str) -> int:
    return len((await house.run_of(application).describe()).raw_description.pending_activities)


async def ended(house: House, application: str) -> Ending:
    async with house.at_work(queues=[names.DECISIONS], dispatcher=False):
        return await house.run_of(application).result()


async def withdraw_and_signal(house: House, application: str) -> None:
    await house.withdraw(application)
    await house.run_of(application).signal("withdrawn")


@pytest.mark.parametrize("first", ["withdrawn", "answered"])
async def test_withdrawn_as_the_last_source_answers_the_run_ends_withdrawn(idle_house: House, first: str):
    house = idle_house
    application = await house.accept(a_sound_application(), lane=Lane.STEPWISE)
    async with house.at_work(queues=[names.DECISIONS], dispatcher=False):
        await house.start(application)
        await until(lambda: asks_all(house, application), what="the run to ask its sources")

    if first == "withdrawn":
        await withdraw_and_signal(house, application)
    async with house.at_work(queues=[names.EVIDENCE], dispatcher=False):
        await until(lambda: asks_nobody(house, application), what="the sources to answer")
    if first == "answered":
        await withdraw_and_signal(house, application)
        evidence = (await house.ports.casework.load(application)).evidence
        assert {record.state for record in evidence} == {EvidenceState.ANSWERED}

    assert await ended(house, application) == Ending(application=application, outcome=None, closed=True)
    assert await house.status(application) is Status.WITHDRAWN
    assert await house.decisions(application) == []


@pytest.mark.parametrize("first", ["withdrawn", "answered"])
async def test_withdrawn_as_a_reviewer_answers_the_run_ends_with_what_postgres_took(idle_house: House, first: str):
    house = idle_house
    application = await house.accept(a_referred_application(), lane=Lane.STEPWISE)
    async with house.at_work(dispatcher=False):
        await house.start(application)
        await house.until_status(application, Status.REVIEW)

    if first == "withdrawn":
        await withdraw_and_signal(house, application)
    try:
        await approve(house, application)
    except PlimsollError:
        assert first == "withdrawn"
    await house.run_of(application).signal("reviewed")
    if first == "answered":
        await withdraw_and_signal(house, application)  # an answer is no decision yet: the applicant is not too late

    assert await ended(house, application) == Ending(application=application, outcome=None, closed=True)
    assert await house.status(application) is Status.WITHDRAWN
    assert await house.decisions(application) == []


async def test_a_signal_that_no_withdrawal_stands_behind_comes_too_late_for_a_decision(idle_house: House):
    """Nobody withdrew in Postgres: whatever the run was told, the decision stands."""
    house = idle_house
    application = await house.accept(a_sound_application(), lane=Lane.STEPWISE)
    async with house.at_work(dispatcher=False):
        await house.start(application)
        await house.until_closed(application)
        assert (await house.run_of(application).result()).outcome is Outcome.APPROVE
    with pytest.raises(PlimsollError, match="decided already"):
        await house.withdraw(application)
    assert len(await house.decisions(application)) == 1


async def asks_all(house: House, application: str) -> bool:
    return await pending(house, application) == len(SOURCES)


async def asks_nobody(house: House, application: str) -> bool:
    return await pending(house, application) == 0


async def approve(house: House, application: str) -> None:
    task = await house.task_of(application)
    terms = house.ports.products.get("consumer-credit").review
    said = Answer(version=task["version"], outcome=Outcome.APPROVE, reason="evidence_checked")
    await house.ports.reviews.decide(task["id"], said, await house.staff(Role.REVIEWER), terms, "req_review")

"""Episodes begin with the task that comes back with their start: never more of them at once than the worker takes."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio.service import RPCError, RPCStatusCode

from plimsoll.domain.outreach.strategy import By
from plimsoll.ports import OpenRun
from starter.engine.beginnings import AT_ONCE, Beginnings
from starter.engine.hosting import build_worker
from starter.engine.runs import BUILDS, OF_BUILDS, ensure_run
from starter.loops.dispatcher import Dispatcher
from tests.databases import Databases
from tests.episodes import a_desk, a_step, a_table, approved_templates
from tests.house import House, a_house, until
from tests.stack_fixtures import LocalTemporal
from workflows import names
from workflows.patience import WORKFLOW_TASK_PATIENCE


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Here:
    """What the client answers when the first task came back with the start."""

    def __init__(self, here: bool = True) -> None:
        setattr(self, "__temporal_eagerly_started", here)


def begun(beginnings: Beginnings, *runs: str, here: bool = True) -> None:
    for run in runs:
        with beginnings.begins(run) as beginning:
            beginning.started(Here(here))  # type: ignore[arg-type]


async def test_what_begins_here_takes_a_place_until_its_first_step_is_over():
    beginnings = Beginnings()
    begun(beginnings, "a", "b", "c")
    assert await beginnings.room() == AT_ONCE - 3
    beginnings.over("b")
    assert await beginnings.room() == AT_ONCE - 2


async def test_what_another_worker_begins_takes_none():
    beginnings = Beginnings()
    begun(beginnings, "a", here=False)
    assert await beginnings.room() == AT_ONCE


async def test_a_start_that_fails_takes_none():
    beginnings = Beginnings()
    with pytest.raises(ConnectionError), beginnings.begins("a"):
        raise ConnectionError
    assert await beginnings.room() == AT_ONCE


async def test_where_there_is_no_room_the_next_wait_for_a_few_places():
    beginnings = Beginnings(Clock())
    everyone = [str(number) for number in range(AT_ONCE)]
    begun(beginnings, *everyone)
    waiting = asyncio.create_task(beginnings.room())
    beginnings.over(everyone.pop())
    await asyncio.sleep(0)
    assert not waiting.done()
    for _ in range(3):
        beginnings.over(everyone.pop())
    assert await waiting == 4


async def test_one_that_is_never_heard_of_again_does_not_count_for_ever():
    clock = Clock()
    beginnings = Beginnings(clock)
    begun(beginnings, "a")
    clock.now = WORKFLOW_TASK_PATIENCE.total_seconds() + 1
    assert await beginnings.room() == AT_ONCE


@pytest.fixture
async def idle_house(
    databases: Databases, local_temporal: LocalTemporal, running_sandbox, tmp_path: Path
) -> AsyncIterator[House]:
    """Everything but workers and dispatchers."""
    temporal = LocalTemporal(local_temporal.address, f"test-{uuid.uuid4().hex[:8]}")
    with databases.lent() as lent:
        async with a_house(tmp_path, lent, sandbox=running_sandbox, temporal=temporal) as house:
            yield house


async def test_the_first_tasks_of_episodes_come_back_with_their_starts(idle_house: House):
    house, beginnings = idle_house, Beginnings()
    assert house.client is not None

    async def all_are_over() -> bool:
        return await beginnings.room() == AT_ONCE

    await approved_templates(house)
    desk = a_desk(house, a_table(a_step(By.EMAIL)))
    came = [await desk.triggered((await desk.customer()).person) for _ in range(5)]
    dispatcher = Dispatcher(house.ports.outbox, house.client, "outreach", beginnings)
    async with build_worker(house.client, house.ports, names.OUTREACH, beginnings):
        while await dispatcher.deliver_some():
            pass
        await until(all_are_over)
    for opened in came:
        assert opened.intervention is not None
        handle = house.client.get_workflow_handle(names.intervention_id(opened.intervention))
        history = await handle.fetch_history()
        assert history.events[0].workflow_execution_started_event_attributes.eager_execution_accepted
        # What the server would have written itself is what was said with the start: it added nothing.
        listed = (await handle.describe()).typed_search_attributes
        assert listed.get(OF_BUILDS) == BUILDS.get(OF_BUILDS)


class AServerOfTomorrow:
    """It lets nobody say a run's builds."""

    def __init__(self) -> None:
        self.started: list[str] = []

    async def start_workflow(self, *given: object, id: str, search_attributes: object, **more: object) -> None:
        if search_attributes is not None:
            raise RPCError("BuildIds attribute can't be set", RPCStatusCode.INVALID_ARGUMENT, b"")
        self.started.append(id)


async def test_a_server_that_lets_nobody_say_a_runs_builds_starts_it_all_the_same():
    server = AServerOfTomorrow()
    await ensure_run(server, OpenRun(kind="intervention", id="int_1", product="consumer-credit"))  # type: ignore[arg-type]
    assert server.started == ["intervene/int_1"]

"""What a process hosts, and what hosting it costs."""

import pytest
import temporalio.worker._worker as sdk

from starter.engine import hosting
from starter.engine.client import connect
from tests.house import House
from workflows import names


async def test_building_a_worker_never_stops_to_hash_every_module(running_house: House, monkeypatch):
    """The SDK's default build id costs three seconds of a blocked event loop."""
    monkeypatch.setattr(sdk, "load_default_build_id", lambda **given: pytest.fail("asked for a default build id"))
    client = await connect(running_house.settings)
    worker = hosting.build_worker(client, running_house.ports, names.DECISIONS)
    assert worker.task_queue == names.DECISIONS


@pytest.mark.parametrize(
    ("queue", "hosted"),
    [("decisions", True), ("evidence", True), ("batch", True), ("outreach", True), ("other", False)],
)
async def test_a_queue_without_work_is_not_polled(running_house: House, queue: str, hosted: bool):
    assert hosting.hosts_anything(queue, running_house.ports) is hosted

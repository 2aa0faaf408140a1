"""Retrainings over HTTP: asked for by whoever may train, one at a time, and shown with all that was tried."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest

from plimsoll.domain.access import Role
from plimsoll.domain.models.retraining import Cause
from plimsoll.domain.models.retraining_run import CameOf, Candidate, HeldOutRows, LabelsKnown, RetrainingState, TriedOut
from plimsoll.domain.models.training_run import Trigger
from tests.house import House, a_house, bearer, problem_of, the_api
from tests.retrainings import SINCE, a_comparison
from tests.stack_fixtures import Database

NEW = {"product": "consumer-credit", "reason": "it is autumn"}


@dataclass
class Desk:
    client: httpx.AsyncClient
    house: House
    keys: dict[Role, str]

    async def ask(self, role: Role = Role.MODEL_OWNER, **changes) -> httpx.Response:
        return await self.client.post("/v1/retrainings", json=NEW | changes, headers=bearer(self.keys[role]))

    async def get(self, path: str = "", role: Role = Role.ANALYST) -> dict:
        return (await self.client.get(f"/v1/retrainings{path}", headers=bearer(self.keys[role]))).json()


@pytest.fixture
async def desk(database: Database, tmp_path) -> AsyncIterator[Desk]:
    async with a_house(tmp_path, database) as house, the_api(house.settings) as client:
        keys = {role: await house.key_for(role) for role in (Role.MODEL_OWNER, Role.ANALYST, Role.CHANNEL)}
        yield Desk(client, house, keys)
        await house.must_verify()


async def test_it_is_accepted_while_temporal_is_away_and_one_at_a_time(desk: Desk):
    accepted = await desk.ask()
    assert accepted.status_code == 202, accepted.text
    body = accepted.json()
    assert (body["state"], body["trigger"], body["asked"]) == ("running", "person", "it is autumn")
    assert accepted.headers["location"] == f"/v1/retrainings/{body['id']}"
    again = await desk.ask()
    assert (again.status_code, problem_of(again)["code"]) == (409, "retraining_under_way")


async def test_who_may_only_read_models_may_not_retrain_them(desk: Desk):
    refused = await desk.ask(Role.ANALYST)
    assert refused.status_code == 403
    assert "models:train" in problem_of(refused)["detail"]


async def test_a_product_that_is_not_there_is_named(desk: Desk):
    refused = await desk.ask(product="no-such-product")
    assert refused.status_code == 404


async def test_it_shows_why_on_what_and_with_which_checks(desk: Desk):
    run = (await desk.ask()).json()["id"]
    now, store = datetime.now(UTC), desk.house.ports.retrainings
    tried = TriedOut(candidate=Candidate.RECALIBRATED, comparison=a_comparison(better=False))
    cause = Cause(trigger=Trigger.PERSON, sentence="it is autumn")
    labels = LabelsKnown(known=1_000, held_out=HeldOutRows(since=SINCE, rows=900, bads=90))
    await store.note(run, now, causes=[cause], labels=labels, tried=[tried])
    await store.end(run, CameOf(state=RetrainingState.REJECTED, why="It is not better."), now)
    await store.note(run, now, labels=LabelsKnown(known=5), tried=[])
    shown = await desk.get(f"/{run}")
    assert (shown["state"], shown["why"], shown["labels_known"]) == ("rejected", "It is not better.", 1_000)
    assert shown["held_out"] == {"since": str(SINCE), "rows": 900, "bads": 90}
    assert [check["met"] for check in shown["tried"][0]["checks"]] == [False]
    listed = await desk.get("?state=rejected")
    assert [each["id"] for each in listed["data"]] == [run]
    assert (await desk.get("?state=running"))["data"] == []

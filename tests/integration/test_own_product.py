"""From a lender's own file to a decision and a review: a product that did not exist when the house was opened."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from plimsoll.adapters.models.training import train
from plimsoll.domain.access import SYSTEM, Role
from plimsoll.wiring.labelled import labelled_examples
from starter.models.own_data import Order, new_product, sample_rows
from tests.applicants import FIRST_OF_JUNE, NOON, QUICK
from tests.house import House, a_house, apply, bearer, the_api
from tests.lenders_files import BAD, a_lenders_file
from tests.stack_fixtures import Database, LocalTemporal

CREATED = "2026-06-01T00:00:00Z"


@pytest.fixture
async def house(database: Database, local_temporal: LocalTemporal, tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path / "home", database, temporal=local_temporal) as opened, opened.at_work():
        yield opened


async def a_product_of_their_own(house: House, folder: Path) -> None:
    """Made and trained while the house is open; its model decides."""
    file = a_lenders_file(folder, 600)
    order = Order(name="kredit", file=file, target=f"Status={BAD}", cost_of_bad=3, refer_share=0.3)
    await asyncio.to_thread(new_product, order, house.settings, lambda text, done, of: None)
    product = house.ports.products.get("kredit")
    examples = labelled_examples(house.settings, product, FIRST_OF_JUNE)
    manifest = await asyncio.to_thread(train, product, examples, house.settings.models, created_at=CREATED, plan=QUICK)
    trained = house.ports.shelf.read(manifest.name, manifest.version)
    await house.ports.registry.adopt(trained, by=SYSTEM, request="req_test", now=NOON, reason="for the test")


async def test_a_file_becomes_a_product_that_decides_and_refers(house: House, tmp_path: Path):
    await a_product_of_their_own(house, tmp_path)
    channel, reviewer = await house.key_for(Role.CHANNEL), await house.key_for(Role.SENIOR_REVIEWER)
    async with the_api(house.settings) as api:
        shown = (await api.get("/v1/products/kredit", headers=bearer(channel))).json()
        assert shown["example"]["product"] == "kredit"
        answers = []
        for body in sample_rows("kredit", 30, 0, house.settings):
            answers.append((await apply(api, channel, body, prefer="wait=20")).json())
        outcomes = {answer["outcome"] or answer["status"] for answer in answers}
        assert {"approve", "decline", "review"} <= outcomes
        declined = next(answer for answer in answers if answer["outcome"] == "decline")
        assert declined["reasons"][0]["text"]
        assert declined["model"]["name"] == "kredit"

        referred = next(answer for answer in answers if answer["status"] == "review")
        task = referred["review"]["id"]
        claimed = (await api.post(f"/v1/reviews/{task}/claim", headers=bearer(reviewer))).json()
        verdict = {
            "outcome": "approve",
            "reason": "evidence_checked",
            "note": "known customer",
            "version": claimed["version"],
        }
        decided = await api.post(f"/v1/reviews/{task}/decision", headers=bearer(reviewer), json=verdict)
        assert decided.status_code == 200, decided.text
        await house.until_closed(referred["application_id"])
        final = (await api.get(f"/v1/applications/{referred['application_id']}", headers=bearer(channel))).json()
        assert final["outcome"] == "approve"


async def test_a_value_the_file_never_had_is_refused_by_name(house: House, tmp_path: Path):
    await a_product_of_their_own(house, tmp_path)
    channel = await house.key_for(Role.CHANNEL)
    body = next(iter(sample_rows("kredit", 1, 0, house.settings)))
    body["financial"]["zweck"] = "Yacht"
    async with the_api(house.settings) as api:
        refused = await apply(api, channel, body)
    assert refused.status_code == 422
    assert [field["field"] for field in refused.json()["fields"]] == ["financial.zweck"]

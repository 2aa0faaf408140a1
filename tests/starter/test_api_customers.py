"""Customers over HTTP: listed by risk, shown by either id, judged on demand."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from activities.watching import Done, watch_of
from plimsoll.domain.access import Role
from plimsoll.domain.watching.events import Category
from tests.house import problem_of
from tests.starter.conftest import Door
from tests.watched import an_event, an_ordinary_life

TODAY = datetime(2026, 6, 30, 23, tzinfo=UTC)


async def watched(door: Door, *, returned: int = 0) -> str:
    """A generated customer whose events were read, and the lender's own id of them."""
    customer = f"GEN-{uuid.uuid4().hex[:8]}"
    events = an_ordinary_life(months=6, customer=customer)
    events += [an_event("2026-06-29", 50, Category.TELECOM, failed=True, customer=customer) for _ in range(returned)]
    named = [event.model_copy(update={"transaction_id": f"{customer}-{n}"}) for n, event in enumerate(events)]
    await door.house.ports.watch.log.accept(named, now=TODAY)
    watch = watch_of(door.house.ports)
    while await watch.take_events(TODAY) != Done():
        pass
    return customer


async def shown(door: Door, customer: str) -> dict[str, Any]:
    answer = await door.get(f"/v1/customers/{customer}", Role.ANALYST)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_customer_is_shown_by_the_lenders_id_and_by_ours(door: Door) -> None:
    customer = await watched(door, returned=1)
    found = await shown(door, customer)
    assert found["reference"] == customer
    assert await shown(door, found["id"]) == found
    assert found["risk"]["level"] == "medium"
    assert found["risk"]["probability"] is None, "no model has anything to read here"
    assert [change["level"] for change in found["history"]] == ["medium"]


async def test_the_own_rhythm_is_drawn(door: Door) -> None:
    portrait = (await shown(door, await watched(door)))["portrait"]
    salary = next(rhythm for rhythm in portrait["rhythms"] if rhythm["name"] == "salary")
    assert (salary["cycle"], salary["usual_amount"], salary["expected"]) == ("every month", 3000, "2026-07-27")
    assert len(salary["seen"]) == 6
    assert portrait["weeks"][-1]["monday"] == "2026-06-22"
    said = {signal["name"]: signal["says"] for signal in portrait["signals"]}
    assert said["salary_days_late"] == "Salary is 0 days later than usual"


async def test_the_list_begins_with_the_highest_risk_and_goes_on_after_a_customer(door: Door) -> None:
    for returned in (0, 1, 3):
        await watched(door, returned=returned)
    first = (await door.get("/v1/customers?limit=1", Role.ANALYST)).json()
    assert first["has_more"]
    seen, after = [first["data"][0]], first["data"][0]["id"]
    while after:
        page = (await door.get(f"/v1/customers?limit=2&after={after}", Role.ANALYST)).json()
        seen += page["data"]
        after = page["data"][-1]["id"] if page["has_more"] else None
    order = ["critical", "high", "medium", "low"]
    assert [row["level"] for row in seen] == sorted((row["level"] for row in seen), key=order.index)
    assert len({row["id"] for row in seen}) == len(seen) >= 3
    high = (await door.get("/v1/customers?level=high", Role.ANALYST)).json()["data"]
    assert {row["level"] for row in high} == {"high"}


async def test_who_is_silent_is_named_so_and_keeps_the_last_judgement(door: Door) -> None:
    customer = await watched(door, returned=1)
    before = await shown(door, customer)
    assert not before["silent"]
    moved = "update stream_clock set watermark = watermark {} interval '63 days'"
    await door.house.ports.database.run(moved.format("+"))
    answer = await door.post(f"/v1/customers/{customer}/score", Role.ANALYST, None)
    assert answer.json()["silent"]
    assert answer.json()["risk"] == before["risk"]
    listed = (await door.get("/v1/customers?limit=100", Role.ANALYST)).json()["data"]
    assert [row["silent"] for row in listed if row["id"] == before["id"]] == [True]
    await door.house.ports.database.run(moved.format("-"))


async def test_one_is_judged_on_demand_and_hands_nothing_over(door: Door) -> None:
    customer = await watched(door, returned=1)
    before = (await shown(door, customer))["risk"]["judged_at"]
    answer = await door.post(f"/v1/customers/{customer}/score", Role.ANALYST, None)
    assert answer.status_code == 200, answer.text
    assert answer.json()["risk"]["judged_at"] > before


async def test_the_stream_says_how_far_it_is_read(door: Door) -> None:
    await watched(door)
    found = (await door.get("/v1/customers/stream", Role.ANALYST)).json()
    assert found["behind"] == 0
    assert found["events"] == found["read_up_to"] == found["newest"]
    assert set(found["levels"]) == {"critical", "high", "medium", "low"}
    assert [clock["product"] for clock in found["clocks"]] == [None], "no product was said of anybody"


@pytest.mark.parametrize("customer", ["per_nobody", "NOBODY-OF-OURS"])
async def test_nobody_is_not_found_in_a_sentence(door: Door, customer: str) -> None:
    answer = await door.get(f"/v1/customers/{customer}", Role.ANALYST)
    assert answer.status_code == 404
    assert "per_" in problem_of(answer)["detail"]


async def test_a_channel_sees_no_customer(door: Door) -> None:
    assert (await door.get("/v1/customers", Role.CHANNEL)).status_code == 403


async def test_nobody_can_apply_for_a_product_that_watches(door: Door) -> None:
    body = (await door.get("/v1/products/early-warning", Role.ANALYST)).json()["example"]
    answer = await door.apply(body | {"external_id": uuid.uuid4().hex})
    assert answer.status_code == 422
    assert "watches customers" in answer.text

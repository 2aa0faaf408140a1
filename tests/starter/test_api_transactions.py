"""Transactions and repayments through the door: what is new, what was here, and each bad line named."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from plimsoll.domain.access import Role
from tests.customers_events import a_line
from tests.house import House, bearer, problem_of, the_api


@pytest.fixture
async def api(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with the_api(house.settings.model_copy(update={"hot_worker": False})) as client:
        yield client


@pytest.fixture
async def channel(house: House) -> dict[str, str]:
    return bearer(await house.key_for(Role.CHANNEL))


def lines(*bodies: Any) -> bytes:
    return b"\n".join(body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies)


async def test_lines_go_in_once(api, channel):
    body = lines(*(a_line() for _ in range(3)))
    first, again = [await api.post("/v1/transactions", content=body, headers=channel) for _ in range(2)]
    assert first.json() == {"new": 3, "repeated": 0, "rejected": 0, "problems": []}
    assert again.json() == {"new": 0, "repeated": 3, "rejected": 0, "problems": []}


async def test_bad_lines_are_named_and_the_rest_goes_in(api, channel, house: House):
    good = a_line()
    twice = json.dumps(a_line()).replace('"amount":', '"amount": "1.00", "amount":').encode()
    body = lines(
        good, {**a_line(), "amount": "-1"}, b"{not json", {**a_line(), "currency": "XYZ"},
        {**a_line(), "occurred_at": "2999-01-01T00:00:00Z"}, twice, b'{"amount": NaN}', b"[1]", a_line(),
        {**a_line(), "mood": "good"}, b'{"transaction_id": "\\ud800"}', b'{"customer": "a\\u0000b"}', b"\xff\xfe",
    )  # fmt: skip
    answer = (await api.post("/v1/transactions", content=body, headers=channel)).json()
    assert (answer["new"], answer["rejected"]) == (2, 11)
    assert [problem["line"] for problem in answer["problems"]] == [2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13]
    said = {problem["line"]: problem["problem"] for problem in answer["problems"]}
    assert '`amount` is "-1"' in said[2]
    assert "not JSON" in said[3]
    assert "ISO 4217" in said[4]
    assert "still to come" in said[5]
    assert "is there twice" in said[6]
    assert "NaN is not a number" in said[7]
    assert "an event is an object" in said[8]
    assert "is no field of an event" in said[10]
    assert "not valid UTF-8" in said[13]
    rows = (await api.get("/v1/transactions/rejected", headers=channel)).json()["data"]
    assert {row["line"]: row["problem"] for row in rows} == said
    again = (await api.post("/v1/transactions", content=body, headers=channel)).json()
    assert (again["new"], again["repeated"], again["rejected"]) == (0, 2, 11)
    assert len((await api.get("/v1/transactions/rejected", headers=channel)).json()["data"]) == 11


async def test_one_bad_line_alone_is_422(api, channel):
    answer = await api.post("/v1/transactions", content=lines(a_line(amount="-1")), headers=channel)
    assert answer.status_code == 422
    assert "never negative" in problem_of(answer)["detail"]


async def test_numbers_keep_the_digits_they_were_written_with(api, channel, house: House):
    body = json.dumps(a_line()).replace('"12.30"', "0.30").encode()
    assert (await api.post("/v1/transactions", content=body, headers=channel)).json()["new"] == 1
    assert (await house.row("select amount::text from transaction"))["amount"] == "0.3000"


async def test_repayments_need_no_kind_and_take_no_purchases(api, channel, house: House):
    body = lines(a_line(category=None, direction=None), a_line(kind="transaction"))
    answer = (await api.post("/v1/repayments", content=body, headers=channel)).json()
    assert (answer["new"], answer["rejected"]) == (1, 1)
    assert (await house.row("select kind, category from transaction_in_words"))["kind"] == "repayment"


async def test_ten_thousand_lines_are_taken_and_one_more_is_not(api, channel):
    body = lines(*(a_line(customer=f"c-{number % 50}") for number in range(10_000)))
    assert (await api.post("/v1/transactions", content=body, headers=channel)).json()["new"] == 10_000
    more = await api.post("/v1/transactions", content=body + b"\n" + lines(a_line()), headers=channel)
    assert (more.status_code, problem_of(more)["code"]) == (413, "too_large")


async def test_an_empty_body_and_one_of_nine_mebibytes_are_refused(api, channel):
    assert (await api.post("/v1/transactions", content=b"\n \n", headers=channel)).status_code == 400
    assert (await api.post("/v1/transactions", content=b" " * (9 << 20), headers=channel)).status_code == 413


async def test_who_may_not_send_is_refused_and_who_reads_customers_may_see_what_was(api, house: House):
    reader = bearer(await house.key_for(Role.ANALYST))
    assert (await api.post("/v1/transactions", content=lines(a_line()), headers=reader)).status_code == 403
    assert (await api.get("/v1/transactions/rejected", headers=reader)).status_code == 200


async def test_what_was_rejected_comes_in_pages(api, channel):
    body = lines(*(a_line(amount=f"-{number}") for number in range(1, 6)))
    await api.post("/v1/transactions", content=body, headers=channel)
    first = (await api.get("/v1/transactions/rejected", headers=channel, params={"limit": 3})).json()
    rest = await api.get(
        "/v1/transactions/rejected", headers=channel, params={"limit": 3, "after": first["data"][-1]["id"]}
    )
    assert (len(first["data"]), first["has_more"], len(rest.json()["data"]), rest.json()["has_more"]) == (
        3,
        True,
        2,
        False,
    )

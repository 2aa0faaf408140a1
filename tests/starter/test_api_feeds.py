"""A provider's notice that there is something new: believed when it is signed, and only that it is so."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.feeds.signing import Signer
from tests.starter.conftest import Door
from workflows import names

SECRET = "between them and us"
NOTICE = json.dumps({"entity": "event", "event": "transaction.created"}).encode()


@pytest.fixture
async def feeds(door: Door) -> AsyncIterator[Door]:
    """Two accounts at RazorpayX, one at a Plaid that does not answer."""
    place = door.house.settings.secrets / "feeds.json"
    said = {"razorpayx": {"url": "http://127.0.0.1:9", "key_id": "k", "key_secret": "s", "webhook_secret": SECRET,
                          "accounts": {"account-1": "c-17", "account-2": "c-18"}},
            "plaid": {"url": "http://127.0.0.1:9", "client_id": "c", "secret": "s",
                      "accounts": {"token-1": "c-19"}}}  # fmt: skip
    place.write_text(json.dumps(said))
    yield door
    place.unlink()


async def told(
    door: Door, provider: str, body: bytes = NOTICE, secret: str = SECRET, headers: dict[str, str] | None = None
) -> httpx.Response:
    signed = {"x-razorpay-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
    sent = signed if headers is None else headers
    return await door.client.post(f"/v1/feeds/{provider}/webhook", content=body, headers=sent)


async def test_a_signed_notice_has_every_account_of_its_provider_read_now(feeds: Door) -> None:
    answer = await told(feeds, "razorpayx")
    assert (answer.status_code, answer.json()) == (202, {"syncing": 2})
    assert feeds.house.client is not None
    for feed in feeds.house.ports.watch.feeds.names_of("razorpayx"):
        schedule = feeds.house.client.get_schedule_handle(names.sync_schedule_id(feed))
        assert (await schedule.describe()).info.num_actions >= 1


@pytest.mark.parametrize(
    "headers", [{"x-razorpay-signature": ""}, {"x-razorpay-signature": "0" * 64}, {"x-other": "none"}]
)
async def test_a_notice_that_is_not_signed_as_it_must_be_is_not_heard(feeds: Door, headers: dict[str, str]) -> None:
    assert (await told(feeds, "razorpayx", headers=headers)).status_code == 401


async def test_a_signature_is_of_this_notice_and_by_this_secret(feeds: Door) -> None:
    fits = hmac.new(SECRET.encode(), NOTICE, hashlib.sha256).hexdigest()
    assert (await told(feeds, "razorpayx", b"{}", headers={"x-razorpay-signature": fits})).status_code == 401
    assert (await told(feeds, "razorpayx", secret="somebody else's")).status_code == 401


async def test_a_notice_of_plaids_waits_for_its_key_and_another_header_is_no_signature(feeds: Door) -> None:
    token = Signer().token(NOTICE, int(time.time()))
    assert (await told(feeds, "plaid", headers={"plaid-verification": token})).status_code == 503
    assert (await told(feeds, "plaid", headers={"x-razorpay-signature": token})).status_code == 401


async def test_of_a_provider_that_is_not_read_here_nothing_is_heard(feeds: Door) -> None:
    assert (await told(feeds, "somebody")).status_code == 404

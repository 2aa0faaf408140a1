"""Episodes where workers and API are processes to be killed: one e-mail each, at any hour, by the sandbox."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx

from plimsoll.adapters.messages.webhook import signature
from plimsoll.domain.access import Role
from plimsoll.domain.outreach.episode import Trigger, TriggerSource
from plimsoll.domain.outreach.profile import Profile, ProfileChange
from plimsoll.domain.values import RiskLevel
from tests.contact_rules import WATCH
from tests.house import House, until
from tests.reaching import approve_templates, somebody

QUEUES = "decisions,outreach"
STRATEGY = """
version = "test"
salt = "plimsoll-test"
hold_out = 0.0
{rest}
[[strategies]]
id = "mail"
says = "An e-mail."
share = 1.0
[strategies.ladders]
low = []
[[strategies.ladders.medium]]
{step}
[[strategies.ladders.high]]
{step}
[[strategies.ladders.critical]]
{step}
"""
STEP = 'by = "email"\ntemplate = "email-help-offer"\npriority = 2\nwait_hours = 72\n'


async def reach_everybody(house: House) -> None:
    """At any time, by e-mail; the sandbox carries it."""
    own = house.settings.home_dir / "watch"
    own.mkdir(parents=True, exist_ok=True)
    rules = (WATCH / "contact_rules.toml").read_text()
    begin, end = rules.index("[[hours]]"), rules.index("# Saying no")
    (own / "contact_rules.toml").write_text("hours = []\ncaps = []\n" + rules[:begin] + rules[end:])
    shipped = (WATCH / "strategy.toml").read_text()
    rest = shipped[shipped.index("rest_days") : shipped.index("[[strategies]]")]
    (own / "strategy.toml").write_text(STRATEGY.format(rest=rest, step=STEP))
    await approve_templates(house)


async def a_customer(house: House) -> Profile:
    change = ProfileChange.model_validate({"reason": "for a test"} | somebody())
    by = await house.somebody(Role.COLLECTOR)
    return await house.ports.outreach.profiles.change(
        uuid.uuid4().hex, change, by=by, request="req_test", now=datetime.now(UTC)
    )


async def an_episode(house: House, person: Profile) -> str:
    trigger = Trigger(
        person=person.person,
        product="consumer-credit",
        level=RiskLevel.HIGH,
        at=datetime.now(UTC),
        source=TriggerSource.LIVE,
    )
    async with house.ports.database.transaction() as connection:
        came = await house.ports.outreach.interventions.trigger(connection, trigger, datetime.now(UTC))
    assert came.intervention, came
    return came.intervention


async def contact_of(house: House, intervention: str) -> dict[str, Any] | None:
    rows = await house.rows("select * from contact where intervention_id = %(id)s", id=intervention)
    assert len(rows) <= 1
    return rows[0] if rows else None


def fresh_messages(house: House, contact: str) -> int:
    assert house.sandbox is not None
    return sum(entry["served"] == "fresh" for entry in house.sandbox.requests("email", key=contact))


async def until_sent(house: House, intervention: str) -> None:
    async def sent() -> bool:
        contact = await contact_of(house, intervention)
        return contact is not None and contact["state"] in ("sent", "delivered")

    await until(sent, 120, f"{intervention} to reach its customer")


async def called_back(house: House, url: str, body: bytes) -> httpx.Response:
    secret = (house.settings.secrets / "gateway_callbacks").read_text().strip()
    headers = {"gateway-signature": signature(secret, body, int(time.time()))}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return await client.post(f"{url}/v1/callbacks/sandbox-sms", content=body, headers=headers)

"""A house that reaches people: customers with profiles, approved templates, gateways of the test's own."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from activities.messages import ContactRef, SendStep
from activities.outreach import Outreach
from plimsoll.adapters.postgres.outreach.contacts import ContactBook
from plimsoll.adapters.postgres.outreach.hearing import Hearing
from plimsoll.adapters.postgres.outreach.profiles import Profiles
from plimsoll.domain.access import Role
from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.profile import Profile, ProfileChange
from tests.contact_rules import NEW_YORK, NOON
from tests.fake_gateways import FakeEpisodes, FakeGateway
from tests.house import House

TEMPLATES = {Channel.SMS: "sms-reminder", Channel.EMAIL: "email-reminder", Channel.PUSH: "push-reminder"}


@dataclass
class Reaching:
    house: House
    gateways: dict[Channel, FakeGateway]
    episodes: FakeEpisodes = field(default_factory=FakeEpisodes)

    def __post_init__(self) -> None:
        ports = self.house.ports
        given: tuple[Any, ...] = (ports.database, ports.vault, ports.outreach.contact_rules, self.episodes)
        self.book = ContactBook(*given, self.name_of)
        self.hearing = Hearing(*given, self.name_of)
        self.profiles = Profiles(*given)
        self.outreach = Outreach(self.book, self.gateways)

    def name_of(self, channel: Channel) -> str | None:
        return self.gateways[channel].name if channel in self.gateways else None

    @property
    def sms(self) -> FakeGateway:
        return self.gateways[Channel.SMS]

    async def customer(self, **changed: Any) -> Profile:
        """Somebody in New York who agreed to everything."""
        return await self.change(uuid.uuid4().hex, **somebody(**changed))

    async def change(self, customer: str, **changed: Any) -> Profile:
        change = ProfileChange.model_validate({"reason": "as told by the customer"} | changed)
        by = await self.house.somebody(Role.COLLECTOR)
        return await self.profiles.change(customer, change, by=by, request="req_test", now=NOON)

    async def row(self, contact: str) -> dict[str, Any]:
        return await self.house.row("select * from contact where id = %(id)s", id=contact)


def somebody(**changed: Any) -> dict[str, Any]:
    number = f"+1212555{uuid.uuid4().int % 10000:04}"
    return {
        "name": "Ada",
        "zone": NEW_YORK,
        "region": "us",
        "addresses": {"sms": number, "voice": number, "email": f"ada-{uuid.uuid4().hex[:6]}@example.org", "push": "u1"},
        "consent": dict.fromkeys(Channel, True),
    } | changed


def a_step(profile: Profile, now: datetime = NOON, channel: Channel = Channel.SMS, **changed: Any) -> SendStep:
    given = {
        "intervention": f"int_{profile.person[4:]}",
        "person": profile.person,
        "step": 0,
        "channel": channel,
        "template": TEMPLATES.get(channel, "call-offer-help"),
        "now": now,
    }
    return SendStep.model_validate(given | changed)


def a_ref(contact: str | None, now: datetime = NOON) -> ContactRef:
    assert contact is not None
    return ContactRef(contact=contact, now=now)


async def approve_templates(house: House) -> None:
    """Every shipped text, proposed by one person and approved by another."""
    proposer, approver = await house.somebody(Role.COLLECTOR), await house.somebody(Role.COMPLIANCE)
    templates = house.ports.outreach.templates
    for name in house.ports.outreach.drafts.names():
        draft = house.ports.outreach.drafts.get(name)
        told: Mapping[str, Any] = {"reason": "first texts", "request": "req_test", "now": NOON}
        await templates.propose(draft, by=proposer, **told)
        await templates.approve(draft.name, draft.version, draft.digest, by=approver, **told)


async def reaching(house: House, **gateway: Any) -> Reaching:
    await approve_templates(house)
    return Reaching(house, {channel: FakeGateway(channel, **gateway) for channel in Channel})

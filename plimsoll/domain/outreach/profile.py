"""How one person may be reached, as staff see and change it: addresses masked, consent, flags, wishes."""

import re
from datetime import datetime

from pydantic import Field, field_validator

from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.governor import Ruling
from plimsoll.domain.outreach.rules import Flag, must_be_a_zone
from plimsoll.domain.values import Value

NUMBER = re.compile(r"\+[1-9]\d{6,14}")
REGION = re.compile(r"[a-z]{2}(-[a-z0-9]{1,6})?")
MAIL = re.compile(r"[^@\s,;:<>\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class ProfileChange(Value):
    """What of a profile changes; what is not named stays. An address of null is forgotten, and so is a wish."""

    addresses: dict[Channel, str | None] = Field(
        default_factory=dict, description="sms, voice: +15551234567 · email: ada@example.org · push: the app's user id"
    )
    name: str | None = Field(default=None, min_length=1, max_length=80, description="{name} in messages")
    language: str | None = Field(default=None, pattern=r"^[a-z]{2}$")
    zone: str | None = Field(default=None, description="Europe/Berlin; tightest hours while unknown")
    region: str | None = Field(default=None, description="de, us, us-fl")
    consent: dict[Channel, bool] = Field(default_factory=dict, description="what the person said: yes or no")
    preferred: Channel | None = None
    flags: tuple[Flag, ...] | None = Field(default=None, description="all that hold from now on")
    add_flags: tuple[Flag, ...] = ()
    remove_flags: tuple[Flag, ...] = ()
    evidence: str = Field(default="", max_length=200, description="form, recording or letter the consent rests on")
    reason: str = Field(min_length=3, max_length=500)

    @field_validator("addresses")
    @classmethod
    def readable(cls, addresses: dict[Channel, str | None]) -> dict[Channel, str | None]:
        return {channel: as_address(channel, text) if text else None for channel, text in addresses.items()}

    @field_validator("zone")
    @classmethod
    def known(cls, zone: str | None) -> str | None:
        return must_be_a_zone(zone) if zone else None

    @field_validator("region")
    @classmethod
    def a_region(cls, region: str | None) -> str | None:
        if region is not None and not REGION.fullmatch(region):
            raise ValueError(f"{region!r} is no region: write a country or state, like de, us or us-fl")
        return region

    @property
    def names(self) -> list[str]:
        """Which fields it speaks of; for the record, which holds no values."""
        return sorted(self.model_fields_set - {"reason", "evidence"})


def as_address(channel: Channel, text: str) -> str:
    """In one form, so that the same address is the same everywhere. Raises ValueError."""
    text = text.strip()
    if channel in (Channel.SMS, Channel.VOICE):
        bare = re.sub(r"[\s()./-]", "", text)
        if not NUMBER.fullmatch(bare):
            raise ValueError(f"{channel}: not a number; write it with its country, like +15551234567")
        return bare
    if channel is Channel.EMAIL:
        if not MAIL.fullmatch(text):
            raise ValueError("email: not an address; write it like ada@example.org")
        local, _, host = text.rpartition("@")
        return f"{local}@{host.lower()}"
    if not re.fullmatch(r"[\w.:@+-]{1,200}", text):
        raise ValueError("push: letters, digits and . : @ + - only")
    return text


def masked(channel: Channel, address: str) -> str:
    """Enough to recognise one's own, too little to use."""
    if channel is Channel.EMAIL:
        local, _, host = address.rpartition("@")
        return f"{local[:1]}…@{host[:1]}….{host.rpartition('.')[2]}"
    return f"{address[:3]}…{address[-2:]}"


class ConsentSaid(Value):
    granted: bool
    source: str
    evidence: str
    said_at: datetime


class ContactLine(Value):
    """One contact in a list."""

    id: str
    intervention: str | None
    channel: Channel
    template: str
    state: str
    rule: str | None
    sending_at: datetime | None
    permitted_at: datetime
    talked: bool


class Profile(Value):
    """`permitted_now` is the governor's word on each channel at the moment of asking; it binds nobody."""

    person: str
    known: bool  # somebody wrote a profile
    addresses: dict[Channel, str]  # masked
    name: str | None
    language: str | None
    zone: str | None
    region: str | None
    preferred: Channel | None
    flags: tuple[Flag, ...]
    consent: dict[Channel, ConsentSaid]
    permitted_now: dict[Channel, Ruling]
    used: dict[str, str]  # cap → "2 of 7"
    contacts: tuple[ContactLine, ...]
    version: int
    changed_at: datetime | None

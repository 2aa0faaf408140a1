"""The rules of contact as data: hours by region, caps, consent, flags, the words of a "no"."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.values import Value

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERYWHERE = "*"
A_DAY = 24 * 60


class Flag(StrEnum):
    """What is known of a person that changes who may speak to them."""

    BEREAVED = "bereaved"
    VULNERABLE = "vulnerable"
    DISPUTED = "disputed"
    LAWYER = "lawyer"  # speaks for them: nobody else is spoken to
    BANKRUPT = "bankrupt"
    COMPLAINT = "complaint"


class Consent(StrEnum):
    REQUIRED = "required"  # only who said yes
    UNLESS_WITHDRAWN = "unless_withdrawn"  # everybody who did not say no


class Counts(StrEnum):
    ATTEMPTS = "attempts"
    TALKS = "talks"  # calls in which somebody was spoken to


class Span(Value):
    """Minutes of a day, the last one outside."""

    opens: int = Field(ge=0, lt=A_DAY)
    closes: int = Field(gt=0, le=A_DAY)

    @model_validator(mode="after")
    def opens_before_it_closes(self) -> "Span":
        if self.opens >= self.closes:
            raise ValueError("hours must open before they close, on the same day")
        return self


class Hours(Value):
    """When one law lets these channels be used, by weekday. A day that is not named is closed."""

    name: str
    regions: tuple[str, ...]
    channels: tuple[Channel, ...]
    days: dict[str, str] = Field(description='`mon-fri = "08:00-21:00"`')
    spans: tuple[tuple[Span, ...], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def read_days(cls, given: Any) -> Any:
        if isinstance(given, dict) and "days" in given and "spans" not in given:
            return given | {"spans": _spans(given["days"])}
        return given


class Cap(Value):
    """At most so many in any stretch of this length, over all products and these channels together."""

    name: str
    channels: tuple[Channel, ...]
    at_most: int = Field(ge=1)
    within: timedelta = Field(gt=timedelta())
    counts: Counts = Counts.ATTEMPTS
    regions: tuple[str, ...] = (EVERYWHERE,)


class Region(Value):
    """A part of the world with laws of its own; `us-fl` lies in `us`. A person there is in one of its zones."""

    name: str
    zones: tuple[str, ...] = Field(min_length=1)

    @field_validator("zones")
    @classmethod
    def known(cls, zones: tuple[str, ...]) -> tuple[str, ...]:
        for zone in zones:
            must_be_a_zone(zone)
        return zones


class OptOut(Value):
    """How people say no, and what it ends."""

    scope: Literal["channel", "all"]
    words: tuple[str, ...]  # a reply, or its first sentence, that says only this
    beginnings: tuple[str, ...]
    phrases: tuple[str, ...]  # anywhere in it
    help_words: tuple[str, ...] = ()
    fine_words: tuple[str, ...] = ()  # all is well, or paid
    confirmation: str | None = None  # a template, sent once and at once
    confirm_within: timedelta = Field(default=timedelta(minutes=5), le=timedelta(minutes=5))
    lines: dict[str, dict[Channel, str]]  # by language: what {opt_out} says in a message


class Words(Value):
    """What one language needs beside its templates."""

    nameless: str  # {name} of whom we have none
    threats: tuple[str, ...] = ()  # barred from messages before default


class ContactRules(Value):
    version: str
    lender: str
    phone: str
    languages: tuple[str, ...] = Field(min_length=1)  # every template speaks all of them; the first when nobody said
    sms_at_most: int = Field(gt=0)  # characters
    consent: dict[Channel, Consent]
    calls_by_a_person: Consent
    preferred_binds: tuple[Channel, ...] = ()
    flags: dict[Flag, tuple[Channel, ...]]  # channels that are closed to such a person
    regions: tuple[Region, ...] = Field(min_length=1)
    areas: dict[str, str] = Field(default_factory=dict)  # beginning of a number → region
    hours: tuple[Hours, ...]
    caps: tuple[Cap, ...]
    opt_out: OptOut
    words: dict[str, Words]

    @model_validator(mode="after")
    def whole(self) -> "ContactRules":
        names = {region.name for region in self.regions} | {EVERYWHERE}
        named = [*self.areas.values(), *(name for law in self.hours for name in law.regions)]
        unknown = {*named, *(name for cap in self.caps for name in cap.regions)} - names
        if unknown:
            raise ValueError(f"unknown region {', '.join(sorted(unknown))}: name it under [[regions]]")
        for what, missing in (
            ("consent", set(Channel) - set(self.consent)),
            ("flags", set(Flag) - set(self.flags)),
            ("opt_out.lines", set(self.languages) - set(self.opt_out.lines)),
            ("words", set(self.languages) - set(self.words)),
        ):
            if missing:
                raise ValueError(f"[{what}] says nothing about {', '.join(sorted(missing))}")
        return self

    def region(self, name: str | None) -> Region | None:
        return next((region for region in self.regions if region.name == name), None)

    def area_of(self, number: str) -> str | None:
        """The region a number's beginning points to; the longest beginning knows best."""
        digits = "+" + re.sub(r"\D", "", number)
        known = [beginning for beginning in self.areas if digits.startswith(beginning)]
        return self.areas[max(known, key=len)] if known else None

    def lines_of(self, language: str) -> dict[Channel, str]:
        return self.opt_out.lines.get(language, self.opt_out.lines[self.languages[0]])


def applies(regions: tuple[str, ...], to: str) -> bool:
    """Whether a rule for these regions holds in this one, or in what it lies in."""
    return any(name in (EVERYWHERE, to) or to.startswith(f"{name}-") for name in regions)


def must_be_a_zone(name: str) -> str:
    """Raises ValueError for what is no IANA time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone: write it like Europe/Berlin") from None
    return name


def _spans(days: Any) -> tuple[tuple[Span, ...], ...]:
    """`{"mon-fri": "08:00-12:00, 13:00-21:00"}` → seven tuples of spans."""
    week: list[tuple[Span, ...]] = [()] * 7
    if not isinstance(days, dict):
        raise ValueError('days are written like mon-fri = "08:00-21:00"')
    for names, spans in days.items():
        for day in _days(names):
            if week[day]:
                raise ValueError(f"{DAYS[day]} is named twice")
            week[day] = tuple(_span(part) for part in str(spans).split(","))
    return tuple(week)


def _days(names: str) -> range:
    first, _, last = names.partition("-")
    try:
        begin, end = DAYS.index(first), DAYS.index(last or first)
    except ValueError:
        raise ValueError(f"{names!r} names no days: write mon-fri, or sat") from None
    return range(begin, end + 1)


def _span(text: str) -> Span:
    found = re.fullmatch(r"\s*(\d\d):(\d\d)-(\d\d):(\d\d)\s*", text)
    if not found or int(found[2]) > 59 or int(found[4]) > 59:
        raise ValueError(f"{text.strip()!r} are no hours: write 08:00-21:00")
    begin_hour, begin_minute, end_hour, end_minute = (int(part) for part in found.groups())
    return Span(opens=begin_hour * 60 + begin_minute, closes=end_hour * 60 + end_minute)

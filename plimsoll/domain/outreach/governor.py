"""The contact governor: may this person be reached on this channel, now?

One per person, over all products and channels. It is asked inside the transaction that acts on
its word, so nothing can come between. It answers with a named rule and, where time or another
channel helps, with those.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import Field

from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.rules import EVERYWHERE, Cap, Consent, ContactRules, Counts, Flag, applies
from plimsoll.domain.outreach.zones import Whereabouts, hours_for, known_regions, possible_regions
from plimsoll.domain.values import Value

ERASED = "person_erased"
FLAGGED = "flag_"  # and which
OPTED_OUT = "opted_out"
NO_CONSENT = "no_consent"
NO_ADDRESS = "no_address"
PREFERS = "prefers_another_channel"
QUIET = "quiet_hours"
NEVER_DAY = "never_within_hours"  # the zones this person may be in share no allowed hour
NO_GATEWAY = "no_gateway"
NO_TEMPLATE = "template_not_approved"
TOO_LATE = "too_late"  # of a confirmation
NOT_WANTED = "not_wanted"  # the episode went on without this step
UNKNOWN_REGION = "region_unknown."  # before a rule that holds only because theirs may be any region

FOR_A_PERSON = (NEVER_DAY, NO_GATEWAY, NO_TEMPLATE)


class Reachable(Value):
    """A person as the governor sees them; no name, no address."""

    where: Whereabouts = Whereabouts()
    addresses: tuple[Channel, ...] = ()
    consents: dict[Channel, bool] = Field(
        default_factory=dict
    )  # what they said last; nothing when they never spoke of it
    preferred: Channel | None = None
    flags: tuple[Flag, ...] = ()
    erased: bool = False


class Past(Value):
    """A contact that may have reached the person."""

    channel: Channel
    at: datetime
    talked: bool = False


class Ruling(Value):
    """Permitted when no rule is named. Refused: at another time, on another channel, or neither."""

    rule: str | None = None
    again_at: datetime | None = None
    instead: Channel | None = None

    @property
    def permitted(self) -> bool:
        return self.rule is None

    @property
    def escalates(self) -> bool:
        return self.rule is not None and escalates(self.rule)


PERMITTED = Ruling()


def escalates(rule: str) -> bool:
    """Whether this rule hands the person to a person, rather than to the next step."""
    return rule.startswith(FLAGGED) or rule in FOR_A_PERSON


def decide(
    channel: Channel,
    person: Reachable,
    past: Sequence[Past],
    rules: ContactRules,
    now: datetime,
    by_a_person: bool = False,
) -> Ruling:
    """What bars it for good comes first, then what only asks for another time."""
    barred = bars(channel, person, rules, by_a_person)
    if barred:
        return Ruling(rule=barred)
    if preferred := _preferred_instead(channel, person, rules, by_a_person):
        return Ruling(rule=PREFERS, instead=preferred)
    return _in_time(channel, person, past, rules, now)


def bars(channel: Channel, person: Reachable, rules: ContactRules, by_a_person: bool = False) -> str | None:
    """The rule that closes this channel to this person whatever the hour."""
    if person.erased:
        return ERASED
    for flag in person.flags:
        if channel in rules.flags[flag]:
            return f"{FLAGGED}{flag}"
    if person.consents.get(channel) is False:
        return OPTED_OUT
    needed = rules.calls_by_a_person if by_a_person else rules.consent[channel]
    if needed is Consent.REQUIRED and not person.consents.get(channel):
        return NO_CONSENT
    if channel not in person.addresses:
        return NO_ADDRESS
    return None


def _preferred_instead(channel: Channel, person: Reachable, rules: ContactRules, by_a_person: bool) -> Channel | None:
    """The channel this person asked for, when it is open and this one is among those the wish binds."""
    wished = person.preferred
    if wished is None or wished is channel or by_a_person or channel not in rules.preferred_binds:
        return None
    return None if bars(wished, person, rules) else wished


def _in_time(channel: Channel, person: Reachable, past: Sequence[Past], rules: ContactRules, now: datetime) -> Ruling:
    hours = hours_for(person.where, channel, rules)
    used_up = [(cap, free_at) for cap, free_at in caps_used_up(channel, person, past, rules) if free_at > now]
    if not used_up and hours.open_at(now):
        return PERMITTED
    earliest = max([now, *(free_at for _, free_at in used_up)])
    again_at = hours.next_open(earliest)
    if again_at is None:
        return Ruling(rule=NEVER_DAY)
    return Ruling(rule=_named(used_up[0][0] if used_up else None, person, rules), again_at=again_at)


def _named(cap: Cap | None, person: Reachable, rules: ContactRules) -> str:
    """The cap's name, or that of the hours; and that it is only assumed to be theirs, where it is."""
    anyway = cap is not None and EVERYWHERE in cap.regions
    assumed = not anyway and not known_regions(person.where, rules)
    return f"{UNKNOWN_REGION if assumed else ''}{cap.name if cap else QUIET}"


def in_words(rule: str) -> str:
    """A rule as staff read it."""
    bare = rule.removeprefix(UNKNOWN_REGION)
    said = bare.replace("_", " ")
    return said if bare == rule else f"region unknown, so the tightest rule holds: {said}"


def caps_used_up(
    channel: Channel, person: Reachable, past: Sequence[Past], rules: ContactRules
) -> Iterator[tuple[Cap, datetime]]:
    """Each cap that was ever full, and the moment from which it has room (again)."""
    for cap in caps_on(channel, person, rules):
        counted = sorted((contact.at for contact in past if counts(cap, contact)), reverse=True)
        if len(counted) >= cap.at_most:
            yield cap, counted[cap.at_most - 1] + cap.within


def caps_on(channel: Channel, person: Reachable, rules: ContactRules) -> Iterator[Cap]:
    regions = possible_regions(person.where, rules)
    for cap in rules.caps:
        if channel in cap.channels and any(applies(cap.regions, name) for name in regions):
            yield cap


def counts(cap: Cap, contact: Past) -> bool:
    """A moment yet to come counts as well: clocks that were set back make no room."""
    return contact.channel in cap.channels and (cap.counts is Counts.ATTEMPTS or contact.talked)

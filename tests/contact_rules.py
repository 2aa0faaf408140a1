"""The shipped rules of contact, and people to hold them against."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plimsoll.adapters.watch_files.contact_rules import contact_rules
from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.governor import Reachable
from plimsoll.domain.outreach.rules import ContactRules
from plimsoll.domain.outreach.zones import Whereabouts
from plimsoll.settings import ROOT

WATCH = ROOT / "watch"
NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


def the_rules(**changed: Any) -> ContactRules:
    rules = contact_rules(Path(WATCH))()
    return ContactRules.model_validate(rules.model_dump() | changed) if changed else rules


def somebody(
    zone: str | None = NEW_YORK, region: str | None = "us", areas: tuple[str, ...] = (), **known: Any
) -> Reachable:
    """Reachable on every channel, agreed to all of it, lives in New York."""
    return Reachable(
        **{
            "where": Whereabouts(zone=zone, region=region, areas=areas),
            "addresses": tuple(Channel),
            "consents": dict.fromkeys(Channel, True),
        }
        | known
    )


def at(text: str) -> datetime:
    """A moment, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOON = at("2026-11-20 17:00")  # in New York, a Friday

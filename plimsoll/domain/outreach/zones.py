"""Where a person may be, and when it is day there.

Who is known to live in a zone is judged by that zone's wall clock. Of anybody else we know a
region, the area of a number, or nothing: then it must be day in every zone they may be in
(12 CFR 1006.6(b)(1) has us assume what we know; the tightest overlap is right whatever is true).
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.rules import ContactRules, Hours, Span, applies
from plimsoll.domain.values import Value

FURTHEST = 15  # days looked ahead; hours repeat after seven


class Whereabouts(Value):
    """All we know of where a person is."""

    zone: str | None = None  # said by the person or the lender
    region: str | None = None
    areas: tuple[str, ...] = ()  # regions that their numbers point to


def possible_regions(where: Whereabouts, rules: ContactRules) -> tuple[str, ...]:
    """The regions whose laws may hold for this person; all there are when nothing is known."""
    return known_regions(where, rules) or tuple(region.name for region in rules.regions)


def known_regions(where: Whereabouts, rules: ContactRules) -> tuple[str, ...]:
    """By their profile or their numbers; none when the rules know no region of theirs."""
    known = [name for name in (where.region, *where.areas) if rules.region(name)]
    return tuple(dict.fromkeys(str(name) for name in known))


def possible_zones(where: Whereabouts, rules: ContactRules) -> tuple[str, ...]:
    if where.zone:
        return (where.zone,)
    regions = (rules.region(name) for name in possible_regions(where, rules))
    return tuple(dict.fromkeys(zone for region in regions if region for zone in region.zones))


class OpenHours(Value):
    """The hours that hold for one person and channel: all laws that may apply, in all zones they may be in."""

    laws: tuple[Hours, ...]
    zones: tuple[str, ...]

    def open_at(self, moment: datetime) -> bool:
        return all(self._open_in(zone, moment) for zone in self.zones)

    def next_open(self, earliest: datetime) -> datetime | None:
        """The first moment from `earliest` on at which it is open everywhere; None when there is none."""
        if self.open_at(earliest):
            return earliest
        openings = sorted({moment for moment in self._openings(earliest) if moment > earliest})
        return next((moment for moment in openings if self.open_at(moment)), None)

    def _open_in(self, zone: str, moment: datetime) -> bool:
        local = moment.astimezone(_zone(zone))
        minute = local.hour * 60 + local.minute
        return all(any(span.opens <= minute < span.closes for span in law.spans[local.weekday()]) for law in self.laws)

    def _openings(self, earliest: datetime) -> Iterator[datetime]:
        """Every moment at which some law begins to allow it in some zone.

        An hour that the clocks repeat opens twice; one that they skip opens where the clocks go on. Both readings
        of the wall clock are offered, and `open_at` has the last word.
        """
        for zone in self.zones:
            today = earliest.astimezone(_zone(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
            for ahead in range(-1, FURTHEST):
                day = today + timedelta(days=ahead)
                for span in self._spans_of(day.weekday()):
                    begins = day.replace(hour=span.opens // 60, minute=span.opens % 60)
                    yield from (begins.replace(fold=fold).astimezone(UTC) for fold in (0, 1))

    def _spans_of(self, weekday: int) -> Iterator[Span]:
        for law in self.laws:
            yield from law.spans[weekday]


def hours_for(where: Whereabouts, channel: Channel, rules: ContactRules) -> OpenHours:
    regions = possible_regions(where, rules)
    return OpenHours(laws=laws_in(regions, channel, rules), zones=possible_zones(where, rules))


def laws_in(regions: Sequence[str], channel: Channel, rules: ContactRules) -> tuple[Hours, ...]:
    return tuple(
        law for law in rules.hours if channel in law.channels and any(applies(law.regions, name) for name in regions)
    )


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)

"""A span of time as people write it: `30d`, `12h`, `90m`, `1d 12h`."""

import re
from datetime import timedelta

from plimsoll.domain.errors import InvalidRequest

PART = re.compile(r"(\d{1,6})\s*([wdhms])")
UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def duration_from(text: str) -> timedelta:
    """Raises InvalidRequest."""
    said = text.strip().lower()
    if not said or PART.sub("", said).strip():
        raise InvalidRequest(f"{text!r} is no span of time: write 30d, 12h, 90m or 1d 12h.")
    return sum((timedelta(**{UNITS[unit]: int(count)}) for count, unit in PART.findall(said)), timedelta())


def months_in_words(months: float) -> str:
    """`9.3 months`; from two years on `67 years`."""
    return f"{months:.1f} months" if months < 24 else f"{months / 12:,.0f} years"

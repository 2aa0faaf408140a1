"""What one endpoint of a source is: a path, and a pure function from a person to an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sandbox.person import Person

Asked = dict[str, Any]


class NotUnderstood(Exception):
    """The request lacks something; the message says what."""


class NotHere(Exception):
    """The source has nothing under that name: 404."""


class Keys(Enum):
    """What a source makes of an Idempotency-Key."""

    REQUIRED = "required"
    HONOURED = "honoured"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Endpoint:
    """`answer` gets the person, what was asked, and the time of the answer; it touches nothing."""

    source: str
    path: str
    answer: Callable[[Person, Asked, str], Asked]
    reference_in: Callable[[Asked], str]
    keys: Keys


def text(asked: Asked, name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not value:
        raise NotUnderstood(f"`{name}` is missing or not text")
    return value


def reference_in(asked: Asked) -> str:
    return text(asked, "reference")


def subject_of(person: Person, asked: Asked) -> dict[str, str]:
    """Who the answer is about: from our own records for real people, as asked for made-up ones."""
    born = asked.get("date_of_birth")
    if person.is_real or not isinstance(born, str):
        born = person.date_of_birth.isoformat()
    return {"reference": person.reference, "date_of_birth": born}

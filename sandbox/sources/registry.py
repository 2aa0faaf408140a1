"""The public registers: identity, sanctions lists, insolvencies, deaths."""

from uuid import uuid4

from sandbox.person import Person
from sandbox.sources.endpoint import Asked, Endpoint, Keys, reference_in, subject_of


def search(person: Person, asked: Asked, now: str) -> Asked:
    return {
        "search_id": f"sea_{uuid4().hex}",
        "subject": subject_of(person, asked),
        "as_of": now,
        "identity_confirmed": person.identity_confirmed,
        "sanctions_hit": person.sanctions_hit,
        "insolvent": person.insolvent,
        "deceased": person.deceased,
    }


ENDPOINTS = (Endpoint("registry", "/registry/searches", search, reference_in, Keys.HONOURED),)

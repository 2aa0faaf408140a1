"""The telephone company: how punctually bills are paid. Keeps no keys: each call is a new inquiry."""

from sandbox.person import Person
from sandbox.sources.endpoint import Asked, Endpoint, Keys, NotHere, reference_in, subject_of


def profile(person: Person, asked: Asked, now: str) -> Asked:
    if person.telephone is None:
        raise NotHere("not a customer of ours")
    return {
        "subject": subject_of(person, asked),
        "as_of": now,
        "on_time_rate": person.telephone.on_time_rate,
        "tenure_months": person.telephone.tenure_months,
    }


ENDPOINTS = (Endpoint("telecom", "/telecom/profiles", profile, reference_in, Keys.IGNORED),)

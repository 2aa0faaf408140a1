"""Builders for cases and people: valid unless told otherwise, the irrelevant hidden.

Facts, scores and models are in `applicants.py`; here is what intake, stores and runs are given.
"""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

from activities.messages import CaseRef, Pull, SourcePlan, Step
from plimsoll.domain.access import Actor, Role
from plimsoll.domain.underwriting.product import Lane
from sandbox.generated import generate
from sandbox.person import Person
from tests.applicants import a_body, the_product

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
_numbers = count(1)


def an_actor(*roles: Role, name: str | None = None) -> Actor:
    """Somebody with these roles, known to no database."""
    name = name or f"{'+'.join(roles) or 'nobody'} {next(_numbers)}"
    return Actor(id=f"act_{uuid.uuid4().hex}", name=name, roles=roles, credential="key_test")


@cache
def _sound_people() -> Iterator[Person]:
    return (person for person in map(generate, (f"SOUND-{n}" for n in count(1))) if _is_sound(person))


def _is_sound(person: Person) -> bool:
    """All of them alike to the model, so that what holds for one holds for each."""
    return (
        person.checking_state == "over_200"
        and person.savings_band == "over_1000"
        and person.repayment_history == "all_here_repaid"
        and person.other_plans == "none"
        and (person.score or 0) >= 650
    )


def a_sound_application(**changes: Any) -> dict[str, Any]:
    """Of somebody nobody else in this run has: approved by the model unless something is in the way."""
    person = next(_sound_people())
    return an_application_of(
        {"reference": person.reference, "name": person.name, "date_of_birth": person.date_of_birth.isoformat()},
        **{"amount": "1800.00", "term_months": 12} | changes,
    )


def an_application_of(person: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """As this inhabitant of the sandbox would write it."""
    applicant = {"id": person["reference"], "name": person["name"], "date_of_birth": person["date_of_birth"]}
    applicant |= changes.pop("applicant", {})
    return a_body(external_id=f"TEST-{next(_numbers)}", applicant=applicant, **changes)


def a_minors_application(**changes: Any) -> dict[str, Any]:
    """Declined by rule before anything is asked."""
    return a_sound_application(applicant={"date_of_birth": "2015-01-01"}, **changes)


def a_referred_application(**changes: Any) -> dict[str, Any]:
    """Money for a business belongs to another product: a person looks at it."""
    return a_sound_application(**{"purpose": "business"} | changes)


def a_big_referred_application(**changes: Any) -> dict[str, Any]:
    """Above the limit from which a yes needs two people."""
    return a_referred_application(**{"amount": "12000.00", "term_months": 24} | changes)


def raw(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def a_step(application: str, now: datetime = NOW, lane: Lane = Lane.STEPWISE) -> Step:
    return Step(case=a_case_ref(application), now=now, lane=lane)


def a_case_ref(application: str) -> CaseRef:
    return CaseRef(application=application, round=1, product=the_product().id, lane=Lane.EXPRESS)


def a_pull(application: str, source: str, now: datetime = NOW) -> Pull:
    plan = SourcePlan(name=source, timeout=1.5, deadline=now + timedelta(days=2))
    return Pull(case=a_case_ref(application), now=now, source=plan, lane=Lane.STEPWISE)

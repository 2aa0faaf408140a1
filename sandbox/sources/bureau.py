"""The credit bureau: repayment history by reference. Keeps its reports by key, and can be asked for them."""

from uuid import uuid4

from sandbox.person import Person
from sandbox.sources.endpoint import Asked, Endpoint, Keys, reference_in, subject_of

REPORTS = "/bureau/reports"


def report(person: Person, asked: Asked, now: str) -> Asked:
    report: Asked = {
        "report_id": f"rep_{uuid4().hex}",
        "subject": subject_of(person, asked),
        "as_of": now,
        "fraud_alert": person.fraud_alert,
    }
    if not person.has_bureau_file:
        return report | {"no_file": True}
    report |= {
        "repayment_history": person.repayment_history,
        "other_plans": person.other_plans,
        "credits_here": person.credits_here,
    }
    # The real set has no bureau score; inventing one would put a made-up number into a real outcome.
    if person.score is not None:
        report["score"] = person.score
    return report


ENDPOINTS = (Endpoint("bureau", REPORTS, report, reference_in, Keys.REQUIRED),)

"""Cases to look at, as `GET /v1/applications/{id}/trace` shows them."""

from typing import Any

from tests.ui.fake_session import at
from ui.backend import Json

_count = 0


def a_case(**changes: Any) -> Json:
    """A referred case, as `GET /v1/applications/{id}/trace` shows it."""
    global _count
    _count += 1
    number = f"{_count:026d}"
    case = {
        "id": f"app_{number}",
        "application_id": f"app_{number}",
        "external_id": f"SGC-{_count:04d}",
        "product": "consumer-credit",
        "jurisdiction": "DE",
        "type": "credit",
        "amount": "4800.00",
        "currency": "DEM",
        "term_months": 24,
        "priority": "normal",
        "round": 1,
        "status": "review",
        "waiting_on": None,
        "outcome": None,
        "outcome_source": None,
        "score": 963,
        "probability_of_default": 0.0369,
        "reasons": [
            {"code": "checking_account", "text": "State of your checking account: overdrawn", "rank": 1,
             "source": "score"},
            {"code": "term_long", "text": "The term asked for is long: 24 months", "rank": 2, "source": "score"},
        ],
        "rule_hits": [
            {"id": "D-CLOSE", "name": "Too close to the cut", "effect": "refer", "reason": "close_call",
             "values_read": {"score.near_cut": 0.31}},
        ],
        "terms": None,
        "policy": None,
        "override": None,
        "missing_sources": [],
        "timings": {"accepted_at": at(hours=2), "decided_at": None, "steps": []},
        "declared": {
            "amount": "4800.00",
            "currency": "DEM",
            "term_months": 24,
            "purpose": "car_used",
            "party_role": "alone",
            "applicant.id": "SGC-0001",
            "applicant.employment_status": "employed",
            "applicant.tenure_band": "1_to_4_years",
            "financial.monthly_income": "1400.00",
            "financial.housing": "rent",
        },
        "evidence": [_evidence("bank", checking_state="overdrawn", savings_band="under_100"),
                     _evidence("bureau", repayment_history="repaid_duly_so_far", other_plans="none", no_file=False),
                     _evidence("registry", identity_confirmed=True, sanctions_hit=False)],
        "score_details": {
            "model": {"name": "consumer-credit", "version": "1", "role": "champion"},
            "probability_of_default": 0.0369,
            "interval": [0.024, 0.061],
            "near_cut": 0.31,
            "novelty": 0.2,
            "missing": [],
            "features": {"checking_state": "overdrawn", "term_months": 24, "savings_band": "under_100",
                         "repayment_history": "repaid_duly_so_far", "purpose": "car_used", "amount": 4800.0},
            "contributions": {"checking_state": 0.62, "term_months": 0.21, "savings_band": 0.18,
                              "repayment_history": -0.12, "purpose": -0.33, "amount": 0.04},
        },
        "proposal": {"policy": {"id": "consumer-credit", "version": "1"}},
        "why_a_person": ["Too close to the cut"],
        "documents": [],
        "notes": [],
        "review": a_review(f"rev_{number}"),
        "steps": [{"step": "score", "source": None, "lane": "express", "started_at": at(hours=2), "duration_ms": 12.5,
                   "result": "ok", "error": None}],
        "ledger": [{"entry": 1, "seq": 1, "kind": "application.received", "actor": "act_channel", "reason": "submitted",
                    "at": at(hours=2)},
                   {"entry": 2, "seq": 2, "kind": "review.opened", "actor": "act_system", "reason": "referred",
                    "at": at(hours=1.99), "why": ["Too close to the cut"]}],
    }  # fmt: skip
    return case | changes


def a_review(task: str, **changes: Any) -> Json:
    review = {
        "id": task,
        "queue": "credit",
        "state": "open",
        "version": 1,
        "why": ["Too close to the cut"],
        "opened_at": at(hours=2),
        "due_at": at(hours=-2),
        "deadline": at(days=-14),
        "escalated_at": None,
        "for_seniors": False,
        "lease_until": None,
        "four_eyes": False,
        "answered_at": None,
        "claimed_by": None,
        "verdicts": [],
    }
    return review | changes


def a_waiting_case(source: str = "bureau", **changes: Any) -> Json:
    waiting = {"what": [source], "why": {source: "timeout"}, "since": at(minutes=12), "until": at(days=-2)}
    return a_case(status="waiting", waiting_on=waiting, review=None, why_a_person=[], **changes)


def a_decided_case(outcome: str = "approve", source: str = "model", **changes: Any) -> Json:
    return a_case(status="decided", outcome=outcome, outcome_source=source, review=None, why_a_person=[], **changes)


def _evidence(source: str, **summary: Any) -> Json:
    return {
        "id": f"evi_{source}",
        "source": source,
        "purpose": "credit_application",
        "state": "answered",
        "attempts": 1,
        "sent_at": at(hours=2),
        "answered_at": at(hours=2),
        "as_of": at(hours=2),
        "waiting_since": None,
        "deadline": at(days=-2),
        "last_error": None,
        "summary": summary,
    }

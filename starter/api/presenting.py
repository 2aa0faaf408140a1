"""Rows as the objects of the API: the decision object, review tasks, traces.

What the law protects stays out: a reviewer sees what may be weighed, not who it is.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from plimsoll.domain.models.scoring import Reason
from plimsoll.domain.underwriting.case import waiting_on
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.underwriting.reasons import sentence
from plimsoll.domain.values import Status

Json = dict[str, Any]

# Of the frame; a product adds its own in product.toml. A language tells where somebody comes from.
PROTECTED = {"applicant.name", "applicant.date_of_birth", "applicant.language"}


def decision_object(row: Json, product: Product | None, steps: list[Json] | None = None) -> Json:
    """The decision object of interfaces.md; fields that do not apply yet are null or empty."""
    decision, score = row["decision"] or {}, row["score"] or {}
    verdict = decision.get("verdict") or {}
    answer = decision.get("answer")
    return {
        "id": row["id"],
        "application_id": row["id"],
        "decision_id": row["decision_id"],
        "external_id": row["external_id"],
        "product": row["product"],
        "product_version": row["product_version"],
        "jurisdiction": row["jurisdiction"],
        "type": row["line"],
        "amount": money(row["amount"]),
        "currency": row["currency"],
        "term_months": row["term_months"],
        "priority": row["priority"],
        "round": row["round"],
        "status": row["status"],
        "status_reason": row["closed_reason"],
        "waiting_on": None if Status(row["status"]).closed else waiting_on(row["evidence"]),
        "outcome": row["outcome"],
        "outcome_source": row["outcome_source"],
        "adverse_action": row["adverse_action"],
        "score": score_points(score),
        "sample_probability": score.get("sample_probability"),
        "probability_of_default": score.get("probability_of_default"),
        "expected_loss": verdict.get("expected_loss"),
        "uncertainty": uncertainty(score),
        "reasons": verdict.get("reasons", []),
        "rule_hits": verdict.get("hits", []),
        "grade": verdict.get("grade"),
        "terms": verdict.get("terms"),
        "counter_offers_tried": verdict.get("counter_offers_tried", []),
        "policy": verdict.get("policy"),
        "model": score.get("model"),
        "review": review_summary(row["review"]),
        "documents": documents(row["documents"], product),
        "override": override(row["decided_by_name"], answer["reason"], product) if answer else None,
        "notices": [],
        "parties": [],
        "flags": sorted({*row["flags"], *verdict.get("flags", []), *score.get("flags", [])}),
        "missing_sources": sorted(
            found["source"] for found in row["evidence"] if found["state"] in ("given_up", "unknown", "mismatch")
        ),
        "shariah": None,
        "timings": timings(row, steps),
        "links": {
            "self": f"/v1/applications/{row['id']}",
            "trace": f"/v1/applications/{row['id']}/trace",
            "workflow": f"/v1/applications/{row['id']}/workflow",
            "review": f"/v1/reviews/{row['review']['id']}" if row["review"] else None,
        },
    }


def case_object(row: Json, product: Product | None, steps: list[Json]) -> Json:
    """The decision object with what a reviewer weighs: declared facts, evidence, score and proposal in full."""
    proposal = row["proposal"] or {}
    return decision_object(row, product, steps) | {
        "declared": declared(row["body"], product),
        "evidence": row["evidence"],
        "score_details": row["score"],
        "proposal": proposal,
        "reasons": (row["decision"] or {}).get("verdict", {}).get("reasons") or proposal.get("reasons", []),
        "rule_hits": (row["decision"] or {}).get("verdict", {}).get("hits") or proposal.get("hits", []),
        "why_a_person": proposal.get("why_a_person", []),
        "notes": row["notes"],
        "steps": steps,
        "plain": plain(row, product),
    }


def plain(row: Json, product: Product | None) -> Json | None:
    """The reasons in the applicant's own language, for what they are to read; None when they named none."""
    language = ((row["body"] or {}).get("applicant") or {}).get("language")
    if language is None:
        return None
    given = (row["decision"] or {}).get("verdict", {}).get("reasons") or (row["proposal"] or {}).get("reasons", [])
    said = [Reason.model_validate(reason) for reason in given]
    return {
        "language": language,
        "reasons": [sentence(product, reason, language) if product else reason.text for reason in said],
    }


def declared(body: Json | None, product: Product | None) -> Json:
    """What the applicant declared, flat by dotted path, without what is protected or identifies."""
    hidden = PROTECTED | set(product.protected if product else ())
    return {path: value for path, value in _flat(body or {}) if path not in hidden and not path.startswith("consents")}


def _flat(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for name, inner in value.items() for pair in _flat(inner, f"{path}.{name}" if path else name)]
    return [(path, value)]


def score_points(score: Json) -> int | None:
    """The score people quote: 0 to 1000, higher is safer, from the portfolio's probability of default."""
    return None if not score else round(1000 * (1 - score["probability_of_default"]))


def uncertainty(score: Json) -> Json | None:
    if not score:
        return None
    return {"interval": score["interval"], "near_cut": score["near_cut"], "novelty": score["novelty"]}


def review_summary(review: Json | None) -> Json | None:
    return {name: value for name, value in review.items() if name != "answered_by"} if review else None


def override(by: str, reason: str, product: Product | None) -> Json:
    """Whose word it was, with the reason they chose as they read it."""
    return {"by": by, "reason": reason, "text": product.review.sentence(reason) if product else None}


def in_their_words(said: list[Json], product: Product | None) -> list[Json]:
    """Verdicts, and the record's entries of them, each with the sentence that was chosen beside its code."""
    listed = product.review.reasons if product else {}
    return [each | {"reason_text": listed[each["reason"]]} if each["reason"] in listed else each for each in said]


def documents(asked: list[Json], product: Product | None) -> list[Json]:
    """What the applicant was asked for, by the product's name for it, until when, and what came."""
    names = product.review.documents if product else {}
    return [row | {"name": names.get(row["code"], row["code"].replace("_", " "))} for row in asked]


def timings(row: Json, steps: list[Json] | None) -> Json:
    decided: datetime | None = row["decided_at"]
    return {
        "accepted_at": row["accepted_at"],
        "completed_at": row["closed_at"],
        "decided_at": decided,
        "processing_ms": _processing_ms(row, steps or []) if decided else None,
        "steps": [
            {"step": s["step"], "source": s["source"], "lane": s["lane"], "ms": s["duration_ms"], "result": s["result"]}
            for s in steps or []
        ],
    }


def _processing_ms(row: Json, steps: list[Json]) -> float | None:
    """From acceptance to the end of the step that recorded it. `decided_at` is the run's clock, not a stopwatch."""
    ends = [s["started_at"] + timedelta(milliseconds=s["duration_ms"]) for s in steps if s["step"] == "record"]
    return round((max(ends) - row["accepted_at"]).total_seconds() * 1000, 1) if ends else None


def money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def list_item(row: Json) -> Json:
    return row | {"amount": money(row["amount"])}


def page(rows: list[Json], limit: int, key: str = "id") -> Json:
    """One page of a list asked for with `limit + 1` rows: `after` continues it."""
    more = len(rows) > limit
    shown = rows[:limit]
    return {"data": shown, "has_more": more, "after": shown[-1][key] if more and shown else None}

"""Which rows state something, and how an entry of the ledger pins each of them down.

An entry carries two digests of the row it stands for: `body`, of what was sealed with the
person's key, and `row`, of that and the columns everyone can read. So neither half of a row
can be altered alone, and after an erasure both still verify. A row that holds nothing personal
has no sealed half, and its entry carries `row` alone.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from plimsoll.domain.ledger import digest

BETWEEN = "\x1f"
NOTHING = "-"


@dataclass(frozen=True)
class Statement:
    """One kind of row: the entries that stand for it, and the columns they vouch for."""

    kinds: tuple[str, ...]
    columns: tuple[str, ...]
    sealed: str | None = "body_sealed"
    sealed_digest: str = "body_digest"
    application: str = "t.application_id"

    def row_digest(self, sealed_digest: bytes | None, values: dict[str, Any]) -> str:
        """What the entry's `row` says; `values` holds the columns by name."""
        texts = [sealed_digest.hex()] if sealed_digest is not None else []
        texts += [_as_text(values[column]) for column in self.columns]
        return digest(BETWEEN.join(texts).encode()).hex()

    def row_digest_in_sql(self) -> str:
        parts = [f"encode(t.{self.sealed_digest}, 'hex')"] if self.sealed else []
        parts += [f"coalesce(t.{column}::text, '{NOTHING}')" for column in self.columns]
        return f"encode(sha256(convert_to(concat_ws(chr(31), {', '.join(parts)}), 'UTF8')), 'hex')"

    def stands_in_sql(self) -> str:
        """Whether row `t` is one that must have an entry."""
        return f"t.{self.sealed} is not null" if self.sealed else "true"

    def tampered_in_sql(self) -> str:
        """Whether the sealed half of row `t` no longer hashes to its digest."""
        return f"sha256(t.{self.sealed}) <> t.{self.sealed_digest}" if self.sealed else "false"

    def matched_in_sql(self) -> str:
        """Whether entry `e` speaks of row `t` at all, even if a readable column was altered since."""
        if self.sealed is None:
            return f"convert_from(e.body, 'UTF8')::jsonb ->> 'row' = {self.row_digest_in_sql()}"
        return f"convert_from(e.body, 'UTF8')::jsonb ->> 'body' = encode(t.{self.sealed_digest}, 'hex')"


STATEMENTS = {
    "application": Statement(
        kinds=("application.received",),
        columns=(
            "person_id", "external_id", "product", "product_version", "product_digest", "line", "jurisdiction",
            "amount", "currency", "term_months", "priority", "accepted_by",
        ),
        application="t.id",
    ),
    "evidence_request": Statement(
        kinds=("evidence.answered",),
        columns=("id", "source", "purpose"),
        sealed="answer_sealed",
        sealed_digest="answer_digest",
    ),
    "score": Statement(
        kinds=("application.scored",),
        columns=("model", "model_version", "model_digest", "arm", "sample_probability", "probability_of_default"),
    ),
    "decision": Statement(
        kinds=("decision.made",),
        columns=(
            "id", "outcome", "outcome_source", "adverse_action", "sample_probability", "probability_of_default",
            "policy_version", "policy_digest", "decided_by",
        ),
    ),
    "case_note": Statement(kinds=("case.noted",), columns=("actor_id",)),
    "document_request": Statement(
        kinds=("document.received",), columns=("id", "code"), sealed="paper_sealed", sealed_digest="paper_digest"
    ),
    "review_verdict": Statement(
        kinds=("review.answered", "review.first_answer"),
        columns=("task_id", "position", "actor_id", "outcome", "reason"),
        application="(select r.application_id from review_task r where r.id = t.task_id)",
    ),
    "outcome": Statement(
        kinds=("outcome.reported", "outcome.corrected"),
        columns=("application_id", "mark", "bad", "observed_on", "known_on", "amount", "source", "recorded_by"),
        sealed=None,
    ),
    "collector_answer": Statement(
        kinds=("collector_task.answered",),
        columns=("task_id", "actor_id", "answer"),
        application="(select c.intervention_id from collector_task c where c.id = t.task_id)",
    ),
    "intervention_outcome": Statement(
        kinds=("intervention.measured",),
        columns=("intervention_id", "day", "missed", "months_late", "paid", "opted_out", "complained"),
        sealed=None,
        application="t.intervention_id",
    ),
}  # fmt: skip


def _as_text(value: Any) -> str:
    """As Postgres writes it; a float in the fewest digits that read back the same, as both do."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, Decimal):
        return str(value.quantize(Decimal("0.01")))
    return str(value)

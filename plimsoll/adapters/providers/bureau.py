"""The credit bureau: repayment history, plans elsewhere, fraud alerts."""

from typing import Any, Literal

from pydantic import model_validator

from plimsoll.adapters.providers.answers import (
    Statement,
    as_answer,
    question_about,
    read_statement,
    speaks_of_absence,
)
from plimsoll.adapters.providers.http import Reply, SourceClient
from plimsoll.domain.underwriting.evidence import Answer, Inquiry, Recovery

RepaymentHistory = Literal[
    "delayed_before",
    "critical_elsewhere",
    "no_credits_or_all_repaid",
    "repaid_duly_so_far",
    "all_here_repaid",
]


class BureauReport(Statement):
    report_id: str
    no_file: bool = False
    repayment_history: RepaymentHistory | None = None
    other_plans: Literal["bank", "stores", "none"] | None = None
    fraud_alert: Literal["initial", "extended", "active_duty"] | None
    score: int | None = None

    @model_validator(mode="after")
    def a_file_says_how_credit_was_repaid(self) -> "BureauReport":
        if not self.no_file and (self.repayment_history is None or self.other_plans is None):
            raise ValueError("a file without a repayment history")
        return self

    def summary(self) -> dict[str, Any]:
        """A thin file is an answer: what the bureau does not know is left out."""
        known = {
            "repayment_history": self.repayment_history,
            "other_plans": self.other_plans,
            "bureau_score": self.score,
        }
        return {
            "no_file": self.no_file,
            "fraud_alert": self.fraud_alert or "none",
            **{name: value for name, value in known.items() if value is not None},
        }


class Bureau:
    """Keeps its reports under our key, so it can be asked what became of a call."""

    name = "bureau"
    recovery = Recovery.QUERYABLE

    def __init__(self, base_url: str, client: SourceClient) -> None:
        self._reports = f"{base_url.rstrip('/')}/bureau/reports"
        self._client = client

    async def pull(self, inquiry: Inquiry) -> Answer:
        reply = await self._client.post(self.name, self._reports, question_about(inquiry), inquiry.key)
        return self._read(inquiry, reply)

    async def recall(self, inquiry: Inquiry) -> Answer | None:
        reply = await self._client.get(self.name, self._reports, {"key": inquiry.key})
        return None if speaks_of_absence(reply, "unknown_key") else self._read(inquiry, reply)

    def _read(self, inquiry: Inquiry, reply: Reply) -> Answer:
        report = read_statement(BureauReport, inquiry, reply)
        return as_answer(inquiry, reply, report, report.summary())

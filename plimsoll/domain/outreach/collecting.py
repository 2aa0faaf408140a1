"""What a collector may report of a call, and when it can be taken."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from pydantic import AwareDatetime, Field

from plimsoll.domain.errors import FieldsInvalid
from plimsoll.domain.outreach.governor import in_words
from plimsoll.domain.outreach.moves import Answer, Commitment
from plimsoll.domain.outreach.strategy import StrategyTable, Tool
from plimsoll.domain.values import Value

NOBODY_SPOKE = (Answer.NO_ANSWER, Answer.WRONG_NUMBER)


class Report(Value):
    """What came of a call. `version` is the task's, as the collector saw it."""

    version: int = Field(ge=1)
    answer: Answer
    amount: Decimal | None = Field(default=None, gt=0, max_digits=14, decimal_places=2)
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    due_on: date | None = Field(default=None, description="of a promise, or the last day of a tool")
    tool: Tool | None = None
    payments: int = Field(default=1, ge=1, le=60)
    call_back_at: AwareDatetime | None = None
    note: str = Field(default="", max_length=4000, description="sealed with the customer's key")

    def commitment(self) -> Commitment | None:
        if self.answer not in (Answer.PROMISE, Answer.TOOL) or self.due_on is None:
            return None
        return Commitment(
            tool=self.tool, amount=self.amount, currency=self.currency, due_on=self.due_on, payments=self.payments
        )


def check_report(report: Report, table: StrategyTable, now: datetime, last_agreed: date | None) -> None:
    """Raises FieldsInvalid with each field that cannot be. `last_agreed`: when this tool was agreed the last time."""
    today = now.astimezone(UTC).date()
    problems = _of_the_answer(report, table, now, today) + _of_the_tool(report, table, today, last_agreed)
    if problems:
        fields = [{"field": field, "problem": problem} for field, problem in problems]
        raise FieldsInvalid("This answer cannot be taken: see `fields`.", fields=fields)


def _of_the_answer(report: Report, table: StrategyTable, now: datetime, today: date) -> list[tuple[str, str]]:
    problems = []
    if report.answer is Answer.PROMISE:
        latest = today + timedelta(days=table.longest_promise_days)
        if report.amount is None:
            problems.append(("amount", "a promise to pay names its amount"))
        if report.due_on is None or not today <= report.due_on <= latest:
            problems.append(("due_on", f"a promise to pay names its day, {today} to {latest}"))
    elif report.answer is not Answer.TOOL and (report.amount or report.due_on or report.tool):
        problems.append(("answer", f"{report.answer} agrees on nothing: leave amount, due_on and tool out"))
    if report.answer is Answer.CALL_BACK and (
        report.call_back_at is None or not now < report.call_back_at <= now + timedelta(days=14)
    ):
        problems.append(("call_back_at", "a call back names its moment, within 14 days"))
    if report.answer is Answer.PROMISE and report.tool is not None:
        problems.append(("tool", "a promise to pay is no tool: answer `tool`"))
    return problems


def _of_the_tool(report: Report, table: StrategyTable, today: date, last_agreed: date | None) -> list[tuple[str, str]]:
    if report.answer is not Answer.TOOL:
        return []
    terms = table.terms_of(report.tool) if report.tool else None
    if terms is None:
        offered = ", ".join(each.tool for each in table.tools)
        return [("tool", f"choose {offered}")]
    problems = []
    latest = today + timedelta(days=terms.at_most_days)
    if report.due_on is None or not today <= report.due_on <= latest:
        problems.append(("due_on", f"{terms.tool} ends by {latest} at the latest"))
    if report.payments > terms.at_most_payments:
        problems.append(("payments", f"{terms.tool} has at most {terms.at_most_payments}"))
    if terms.tool is Tool.PAYMENT_PLAN and report.amount is None:
        problems.append(("amount", "a plan names what is paid in all"))
    if last_agreed is not None and today < last_agreed + timedelta(days=terms.once_in_days):
        again = last_agreed + timedelta(days=terms.once_in_days)
        problems.append(("tool", f"was agreed on {last_agreed}; possible again from {again}"))
    return problems


def can_be_called(again_at: datetime | None, rule: str) -> str:
    """Why a task cannot be taken now, in a sentence."""
    when = f" until {again_at.astimezone(UTC):%d %b %H:%M} UTC" if again_at else ""
    return f"This customer may not be called{when}: {in_words(rule)}."

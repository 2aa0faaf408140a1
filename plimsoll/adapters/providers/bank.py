"""Open banking: the state of the checking account and the band of the savings, from balances.

The bands are those the model was trained on, in the currency of its data. Balances in another
currency are not converted: they are an answer we cannot use.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from plimsoll.adapters.providers.answers import Payload, Statement, as_answer, read_statement
from plimsoll.adapters.providers.http import SourceClient
from plimsoll.domain.errors import OutcomeUnknown
from plimsoll.domain.underwriting.evidence import Answer, Inquiry, Recovery

HIGH_CHECKING_BALANCE = Decimal(200)
SAVINGS_BANDS = (
    (Decimal(1000), "over_1000"),
    (Decimal(500), "500_to_1000"),
    (Decimal(100), "100_to_500"),
)
DAYS_OF_A_YEAR = 365


class Balances(Payload):
    current: Decimal
    iso_currency_code: Literal["DEM"]


class Account(Payload):
    type: str
    subtype: str
    balances: Balances
    salary_account_since: date | None = None


class BankStatement(Statement):
    accounts: list[Account]

    def summary(self) -> dict[str, Any]:
        return {
            "checking_state": checking_state(self._accounts("checking"), self.as_of.date()),
            "savings_band": savings_band(self._accounts("savings")),
        }

    def _accounts(self, subtype: str) -> list[Account]:
        return [account for account in self.accounts if account.subtype == subtype]


class Bank:
    """Answers the same key with the same answer, so a call in doubt is simply made again."""

    name = "bank"
    recovery = Recovery.IDEMPOTENT

    def __init__(
        self, base_url: str, client: SourceClient, access_token_of: Callable[[Inquiry], str] | None = None
    ) -> None:
        self._balances = f"{base_url.rstrip('/')}/bank/accounts/balance/get"
        self._client = client
        self._access_token_of = access_token_of or sandbox_access_token

    async def pull(self, inquiry: Inquiry) -> Answer:
        question = {
            "access_token": self._access_token_of(inquiry),
            "user": {"date_of_birth": inquiry.subject.date_of_birth.isoformat()},
        }
        reply = await self._client.post(self.name, self._balances, question, inquiry.key)
        statement = read_statement(BankStatement, inquiry, reply)
        return as_answer(inquiry, reply, statement, statement.summary())

    async def recall(self, inquiry: Inquiry) -> Answer | None:
        raise OutcomeUnknown("the bank cannot be asked what became of a call", source=self.name)


def sandbox_access_token(inquiry: Inquiry) -> str:
    """The sandbox opens any account under this token; a real bank's comes from the consent."""
    return f"access-sandbox-{inquiry.subject.reference}"


def checking_state(accounts: list[Account], today: date) -> str:
    """No account is a fact about the applicant, not a missing answer."""
    if not accounts:
        return "none"
    balance = total(accounts)
    if balance >= HIGH_CHECKING_BALANCE or any(pays_in_salary(account, today) for account in accounts):
        return "over_200"
    return "overdrawn" if balance < 0 else "under_200"


def pays_in_salary(account: Account, today: date) -> bool:
    """For at least a year: the code table counts that like a balance of 200 or more."""
    since = account.salary_account_since
    return since is not None and (today - since).days >= DAYS_OF_A_YEAR


def savings_band(accounts: list[Account]) -> str:
    if not accounts:
        return "unknown_or_none"
    balance = total(accounts)
    return next((band for floor, band in SAVINGS_BANDS if balance >= floor), "under_100")


def total(accounts: list[Account]) -> Decimal:
    return sum((account.balances.current for account in accounts), Decimal(0))

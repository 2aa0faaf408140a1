"""The accounts behind the feeds: made-up movements that a seed repeats, and more when somebody asks for them."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

BETWEEN = timedelta(hours=5)
KINDS = (
    ("salary", -190_000, "INCOME", "INCOME_WAGES", "Employer"),
    ("rent", 75_000, "RENT_AND_UTILITIES", "RENT_AND_UTILITIES_RENT", "Landlord"),
    ("power", 6_400, "RENT_AND_UTILITIES", "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY", "City Power"),
    ("food", 3_150, "FOOD_AND_DRINK", "FOOD_AND_DRINK_GROCERIES", "Market"),
    ("loan", 22_000, "LOAN_PAYMENTS", "LOAN_PAYMENTS_PERSONAL_LOAN_PAYMENT", "Lender"),
    ("fee", 900, "BANK_FEES", "BANK_FEES_INSUFFICIENT_FUNDS", None),
)


@dataclass(frozen=True)
class Movement:
    """Amounts in hundredths; as Plaid has it, what leaves the account is positive."""

    number: int
    at: datetime
    cents: int
    primary: str
    detailed: str
    merchant: str | None
    balance: int


@dataclass
class Account:
    name: str
    movements: list[Movement] = field(default_factory=list)

    def add(self, count: int, between: timedelta = timedelta()) -> None:
        """The last of them now."""
        now = datetime.now(UTC)
        draw = random.Random(f"{self.name}/{len(self.movements)}")
        for left in reversed(range(count)):
            number = len(self.movements) + 1
            _, cents, primary, detailed, merchant = draw.choice(KINDS)
            cents += draw.randrange(-abs(cents) // 20, abs(cents) // 20 + 1)
            balance = (self.movements[-1].balance if self.movements else 250_000) - cents
            self.movements.append(Movement(number, now - left * between, cents, primary, detailed, merchant, balance))


class Accounts:
    """Each with sixty movements when it is first spoken of."""

    def __init__(self) -> None:
        self._known: dict[str, Account] = {}

    def of(self, name: str) -> Account:
        if name not in self._known:
            self._known[name] = Account(name)
            self._known[name].add(60, BETWEEN)
        return self._known[name]

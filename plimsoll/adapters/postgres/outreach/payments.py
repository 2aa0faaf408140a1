"""What a customer paid, owes and missed, as the stream of events tells it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from plimsoll.adapters.postgres.outreach.record import Connection
from plimsoll.domain.values import Value
from plimsoll.domain.watching.events import Category, Direction, Kind

LOOKS_BACK = timedelta(days=70)  # a bill older than that is no longer what is due

MONEY = """
select coalesce(sum(amount) filter (where pays and occurred_at >= %(since)s), 0) as paid,
       count(*) filter (where pays and occurred_at >= %(since)s) as payments,
       (array_agg(owed order by occurred_at desc, seq desc) filter (where owed is not null))[1] as due,
       max(months_late) filter (where kind = %(status)s and occurred_at >= %(since)s) as months_late,
       coalesce(sum(owed) filter (where fell_due >= %(since)s and fell_due < %(until)s), 0) as fell_due,
       count(*) filter (where occurred_at >= %(since)s) as events
from (
    select seq, occurred_at, amount, kind, months_late,
           not failed and (kind = %(repayment)s or (kind = %(transaction)s and direction = %(debit)s
                           and category in (%(loan)s, %(card)s))) as pays,
           case kind when %(payment_due)s then amount when %(statement)s then coalesce(minimum_due, bill) end as owed,
           coalesce(due_on::timestamptz, occurred_at) as fell_due
    from transaction
    where person_id = %(person)s and occurred_at >= %(back)s and occurred_at < %(until)s
) said
"""
CODES = {
    "status": Kind.STATUS.code,
    "repayment": Kind.REPAYMENT.code,
    "transaction": Kind.TRANSACTION.code,
    "payment_due": Kind.PAYMENT_DUE.code,
    "statement": Kind.STATEMENT.code,
    "debit": Direction.DEBIT.code,
    "loan": Category.LOAN_PAYMENT.code,
    "card": Category.CARD_PAYMENT.code,
}


class Money(Value):
    paid: Decimal
    payments: int
    due: Decimal | None  # the newest bill
    fell_due: Decimal  # within the span
    months_late: int | None
    events: int

    def is_paid(self, share: Decimal) -> bool:
        """What is due, or anything when nobody said what is due."""
        if self.due is None or self.due <= 0:
            return self.payments > 0
        return self.paid >= share * self.due

    def missed(self) -> bool | None:
        """None: nothing is known of this customer since then."""
        if self.months_late is not None:
            return self.months_late >= 1
        if self.fell_due > 0:
            return self.paid < self.fell_due
        return None


async def money_of(connection: Connection, person: str, since: datetime, until: datetime) -> Money:
    """Days, not hours, are compared: many lenders tell the day alone."""
    begins = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    given: dict[str, Any] = {"person": person, "since": begins, "back": begins - LOOKS_BACK, "until": until}
    row = await (await connection.execute(MONEY, given | CODES)).fetchone()
    assert row is not None
    return Money(**row)

"""What happens on customers' accounts

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KINDS = ("transaction", "statement", "status", "payment_due", "repayment", "account_opened")
PRECISIONS = ("instant", "day", "month")
DIRECTIONS = ("debit", "credit")
CATEGORIES = (
    "salary", "benefits", "rent", "utilities", "telecom", "insurance", "groceries", "cash", "transfer", "savings",
    "lending_app", "loan_payment", "card_payment", "fee", "penalty_interest", "gambling", "health", "union",
    "religion", "other",
)  # fmt: skip
CHANNELS = (
    "card", "transfer", "direct_debit", "standing_order", "cash", "atm", "cheque", "wallet", "online", "branch",
    "other",
)  # fmt: skip

# Attached, so that making a month locks neither readers nor writers out; one at a time, and twice is once.
MAKE_MONTH = """
create function make_transaction_month(month date) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    first date := date_trunc('month', month);
    name text := 'transaction_' || to_char(first, 'YYYY_MM');
begin
    perform pg_advisory_xact_lock(7275);
    if to_regclass(name) is null then
        execute format('create table %I (like transaction including defaults including constraints)', name);
        execute format('create index on %I (seq)', name);
        execute format('create index on %I (person_id)', name);
        execute format(
            'alter table transaction attach partition %I for values from (%L) to (%L)',
            name, first::timestamp at time zone 'UTC', (first + interval '1 month')::timestamp at time zone 'UTC'
        );
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "customer",
        sa.Column("person_id", sa.Text, sa.ForeignKey("person.id"), primary_key=True),
        sa.Column("reference_sealed", sa.LargeBinary, nullable=False),
        sa.Column("product", sa.Text),
        sa.Column("region", sa.Text),
        sa.Column("zone", sa.Text),
        sa.Column("opened_on", sa.Date),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
    )
    op.execute("create sequence transaction_seq as bigint")
    op.execute(
        """
        create table transaction (
            seq bigint not null default nextval('transaction_seq'),
            key uuid not null,
            person_id text collate "C" not null,
            account bigint not null,
            merchant bigint not null,
            occurred_at timestamptz not null,
            known_at timestamptz not null,
            amount numeric(15, 4) not null,
            balance_after numeric(15, 4),
            bill numeric(15, 4),
            minimum_due numeric(15, 4),
            credit_limit numeric(15, 4),
            net_new_charges numeric(15, 4),
            due_on date,
            period date,
            kind smallint not null,
            date_precision smallint not null,
            direction smallint not null,
            category smallint not null,
            channel smallint not null,
            months_late smallint,
            failed boolean not null,
            currency text,
            accepted_at timestamptz not null default now()
        ) partition by range (occurred_at)
        """
    )
    op.execute("create index transaction_in_order on transaction (seq)")
    op.execute("create index transaction_by_person on transaction (person_id)")
    op.execute(MAKE_MONTH)
    op.execute("create table transaction_key (key uuid primary key)")
    op.execute(_in_words())
    op.create_table(
        "rejected_line",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("feed", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("actor_id", sa.Text, sa.ForeignKey("actor.id"), nullable=False),
        sa.Column("request_id", sa.Text),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("digest", name="rejected_line_once"),
    )
    op.create_index("rejected_line_by_time", "rejected_line", ["at"])
    op.create_table(
        "transaction_load",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in COUNTS),
        sa.Column("actor_id", sa.Text, sa.ForeignKey("actor.id"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("digest", "way", name="transaction_load_once"),
    )


COUNTS = ("lines", "new", "repeated", "rejected")


def _in_words() -> str:
    """Codes in the words they stand for, for people and for tools that read SQL."""

    def spelled(column: str, words: tuple[str, ...]) -> str:
        return f"(array[{', '.join(repr(word) for word in words)}])[nullif({column}, 0)] as {column}"

    return f"""
        create view transaction_in_words as
        select seq, person_id, account, merchant, {spelled("kind", KINDS)}, occurred_at, known_at,
            {spelled("date_precision", PRECISIONS)}, amount, currency, {spelled("direction", DIRECTIONS)},
            {spelled("category", CATEGORIES)}, {spelled("channel", CHANNELS)}, failed, balance_after, bill,
            minimum_due, credit_limit, net_new_charges, due_on, to_char(period, 'YYYY-MM') as period, months_late,
            accepted_at
        from transaction
        """

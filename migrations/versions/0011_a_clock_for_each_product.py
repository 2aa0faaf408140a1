"""A clock for each product

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

# Where the one clock of before stood for the customers of each product.
SET = """
update stream_clock k set watermark = least(newest.at, now())
from (select clock, max(newest_at) as at from customer_state group by clock) newest where newest.clock = k.id
"""


def upgrade() -> None:
    op.create_table(
        "stream_clock",
        sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True),
        sa.Column("product", sa.Text(), nullable=False, unique=True),
        sa.Column("watermark", sa.DateTime(timezone=True)),
    )
    op.execute("insert into stream_clock (id, product) overriding system value values (0, '')")
    op.execute(
        "insert into stream_clock (product) select distinct product from customer where product <> '' order by 1"
    )
    clock = sa.Column("clock", sa.Integer(), sa.ForeignKey("stream_clock.id"), nullable=False, server_default="0")
    op.add_column("customer_state", clock)
    op.execute(
        """
        update customer_state s set clock = k.id from customer c join stream_clock k on k.product = c.product
        where c.person_id = s.person_id
        """
    )
    op.execute(SET)
    op.drop_index("customer_state_due", "customer_state")
    op.create_index(
        "customer_state_due", "customer_state", ["clock", "due_on"], postgresql_where=sa.text("due_on is not null")
    )

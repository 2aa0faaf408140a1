"""Between which moments nothing was told of a product's customers

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("stream_clock", sa.Column("still_from", sa.DateTime(timezone=True)))
    op.add_column("stream_clock", sa.Column("still_until", sa.DateTime(timezone=True)))

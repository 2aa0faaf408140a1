"""How many people were erased is counted with every block of events

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_index("person_erased", "person", ["erased_at"], postgresql_where=sa.text("erased_at is not null"))

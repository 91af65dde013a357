"""Fills tell what the user traded by hand in a position that is also ours."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whatever is there already was ours."""
    op.add_column(
        "fills", sa.Column("external", sa.Boolean(), nullable=False, server_default=sa.false())
    )

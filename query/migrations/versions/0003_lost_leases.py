"""Leases of a question that ran out."""

from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('question', sa.Column('lost', sa.SmallInteger(), server_default='0', nullable=False))


def downgrade() -> None:
    op.drop_column('question', 'lost')

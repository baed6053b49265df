"""Codes sent to a number within a day, so that a number's budget survives Redis."""

from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('code_sent',
        sa.Column('message', sa.BINARY(length=16), nullable=False),
        sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
        sa.Column('sent_at', sa.BigInteger(), nullable=False),
        sa.Column('identified', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('message', name=op.f('pk_code_sent'))
    )
    op.create_index('ix_code_sent_number', 'code_sent', ['phone_index', 'sent_at'], unique=False)
    op.create_index('ix_code_sent_sent', 'code_sent', ['sent_at'], unique=False)


def downgrade() -> None:
    op.drop_table('code_sent')

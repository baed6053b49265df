"""Receipts stand at their part, one id of a gateway may name several parts, and long texts are joined."""

from alembic import op
import sqlalchemy as sa

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table('unmatched')
    op.drop_table('part')
    op.create_table('part',
        sa.Column('link', sa.String(length=32), nullable=False),
        sa.Column('provider_id', sa.String(length=32), nullable=False),
        sa.Column('message', sa.BINARY(length=16), nullable=False),
        sa.Column('sending', sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column('number', sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column('phone_index', sa.BINARY(length=32), nullable=True),
        sa.Column('statuses', sa.SmallInteger(), nullable=True),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('link', 'provider_id', 'message', 'sending', 'number', name=op.f('pk_part'))
    )
    op.create_index('ix_part_message', 'part', ['message'], unique=False)
    op.create_index('ix_part_at', 'part', ['at'], unique=False)
    op.create_table('unmatched',
        sa.Column('link', sa.String(length=32), nullable=False),
        sa.Column('reference', sa.String(length=64), nullable=False),
        sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
        sa.Column('extension', sa.String(length=21), nullable=False),
        sa.Column('submitted_at', sa.BigInteger(), nullable=False),
        sa.Column('status', sa.SmallInteger(), nullable=True),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('link', 'reference', 'phone_index', name=op.f('pk_unmatched'))
    )
    op.create_index('ix_unmatched_phone', 'unmatched', ['phone_index'], unique=False)
    op.create_index('ix_unmatched_at', 'unmatched', ['at'], unique=False)
    op.create_index('ix_receipt_received_at', 'receipt', ['received_at'], unique=False)
    op.create_table('inbound_segment',
        sa.Column('link', sa.String(length=32), nullable=False),
        sa.Column('name', sa.BINARY(length=32), nullable=False),
        sa.Column('number', sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column('sealed', sa.VARBINARY(length=1031), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('link', 'name', 'number', name=op.f('pk_inbound_segment'))
    )
    op.create_index('ix_inbound_segment_at', 'inbound_segment', ['at'], unique=False)


def downgrade() -> None:
    op.drop_table('inbound_segment')
    op.drop_index('ix_receipt_received_at', table_name='receipt')
    op.drop_table('unmatched')
    op.drop_table('part')
    op.create_table('part',
        sa.Column('link', sa.String(length=32), nullable=False),
        sa.Column('provider_id', sa.String(length=32), nullable=False),
        sa.Column('message', sa.BINARY(length=16), nullable=False),
        sa.Column('sending', sa.SmallInteger(), nullable=False),
        sa.Column('number', sa.SmallInteger(), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('link', 'provider_id', name=op.f('pk_part'))
    )
    op.create_index('ix_part_message', 'part', ['message'], unique=False)
    op.create_index('ix_part_at', 'part', ['at'], unique=False)
    op.create_table('unmatched',
        sa.Column('link', sa.String(length=32), nullable=False),
        sa.Column('reference', sa.String(length=64), nullable=False),
        sa.Column('extension', sa.String(length=21), nullable=False),
        sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
        sa.Column('submitted_at', sa.BigInteger(), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('link', 'reference', name=op.f('pk_unmatched'))
    )
    op.create_index('ix_unmatched_at', 'unmatched', ['at'], unique=False)

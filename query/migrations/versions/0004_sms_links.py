"""Parts by the gateways' own names, unmatched receipts, inbound texts, opt-outs, the sending process and links' health."""

from alembic import op
import sqlalchemy as sa

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
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
    op.create_table('inbound',
    sa.Column('link', sa.String(length=32), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
    sa.Column('wish', sa.SmallInteger(), nullable=False),
    sa.Column('answered', sa.Boolean(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('link', 'name', name=op.f('pk_inbound'))
    )
    op.create_index('ix_inbound_phone', 'inbound', ['phone_index', 'at'], unique=False)
    op.create_index('ix_inbound_at', 'inbound', ['at'], unique=False)
    op.create_table('opt_out',
    sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
    sa.Column('masked', sa.VARBINARY(length=42), nullable=False),
    sa.Column('link', sa.String(length=32), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('phone_index', name=op.f('pk_opt_out'))
    )
    op.create_table('leader',
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('holder', sa.BINARY(length=16), nullable=False),
    sa.Column('process', sa.String(length=96), nullable=False),
    sa.Column('until', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('role', name=op.f('pk_leader'))
    )
    op.create_table('link_health',
    sa.Column('link', sa.String(length=32), nullable=False),
    sa.Column('status', sa.String(length=32), nullable=False),
    sa.Column('rate', sa.Integer(), nullable=False),
    sa.Column('process', sa.String(length=96), nullable=False),
    sa.Column('seen_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('link', name=op.f('pk_link_health'))
    )


def downgrade() -> None:
    for name in ('link_health', 'leader', 'opt_out', 'inbound', 'unmatched', 'part'):
        op.drop_table(name)

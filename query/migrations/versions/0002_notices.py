"""Notices of acceptance."""

from alembic import op
import sqlalchemy as sa

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('notice',
    sa.Column('reference', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('entrance', sa.String(length=32), nullable=False),
    sa.Column('person', sa.BINARY(length=32), nullable=False),
    sa.Column('openid', sa.VARBINARY(length=159), nullable=True),
    sa.Column('state', sa.SmallInteger(), nullable=False),
    sa.Column('report', sa.String(length=32), nullable=True),
    sa.Column('word', sa.String(length=32), nullable=True),
    sa.Column('owed_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('reference', name=op.f('pk_notice'))
    )
    op.create_index('ix_notice_kept', 'notice', ['owed_at'], unique=False)
    op.create_index('ix_notice_owed', 'notice', ['state', 'owed_at'], unique=False)
    op.create_index('ix_notice_person', 'notice', ['person'], unique=False)


def downgrade() -> None:
    op.drop_table('notice')

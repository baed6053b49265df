"""Content keys, and the revocation of data keys."""

from alembic import op
import sqlalchemy as sa

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('content_key',
        sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('algorithm', sa.String(length=8), nullable=False),
        sa.Column('wrapped', sa.VARBINARY(length=63), nullable=False),
        sa.Column('made_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_content_key'))
    )
    op.add_column('data_key', sa.Column('revoked_at', sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column('data_key', 'revoked_at')
    op.drop_table('content_key')

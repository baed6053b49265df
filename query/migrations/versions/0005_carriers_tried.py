"""Room for every carrier that an inquiry is passed on to: some forty, with the virtual operators."""

from alembic import op
import sqlalchemy as sa

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SQLite has no lengths to change.
    if op.get_bind().dialect.name != 'sqlite':
        op.alter_column('inquiry', 'carriers_tried', type_=sa.String(4000), existing_nullable=False)


def downgrade() -> None:
    if op.get_bind().dialect.name != 'sqlite':
        op.alter_column('inquiry', 'carriers_tried', type_=sa.String(255), existing_nullable=False)

"""Objections and watches, their requests, and the number that only the citizen's session opens."""

from alembic import op
import sqlalchemy as sa

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('inquiry', sa.Column('contact', sa.VARBINARY(length=42), nullable=True))
    op.create_table('objection',
        sa.Column('id', sa.BINARY(length=16), nullable=False),
        sa.Column('reference', sa.BigInteger(), nullable=False),
        sa.Column('wish', sa.SmallInteger(), nullable=False),
        sa.Column('kind', sa.SmallInteger(), nullable=True),
        sa.Column('entrance', sa.String(length=32), nullable=False),
        sa.Column('state', sa.SmallInteger(), nullable=False),
        sa.Column('outcome', sa.SmallInteger(), nullable=True),
        sa.Column('round', sa.SmallInteger(), nullable=False),
        sa.Column('look', sa.SmallInteger(), nullable=False),
        sa.Column('look_at', sa.BigInteger(), nullable=True),
        sa.Column('open_index', sa.BINARY(length=32), nullable=True),
        sa.Column('phone_index', sa.BINARY(length=32), nullable=True),
        sa.Column('phone', sa.VARBINARY(length=42), nullable=True),
        sa.Column('masked', sa.VARBINARY(length=42), nullable=True),
        sa.Column('identity', sa.VARBINARY(length=95), nullable=True),
        sa.Column('since', sa.String(length=7), nullable=True),
        sa.Column('held', sa.VARBINARY(length=38), nullable=True),
        sa.Column('applications', sa.String(length=1000), nullable=False),
        sa.Column('owner', sa.BINARY(length=32), nullable=True),
        sa.Column('submission', sa.BINARY(length=32), nullable=True),
        sa.Column('fingerprint', sa.BINARY(length=32), nullable=True),
        sa.Column('consent_version', sa.String(length=32), nullable=False),
        sa.Column('accepted_at', sa.BigInteger(), nullable=False),
        sa.Column('due_at', sa.BigInteger(), nullable=False),
        sa.Column('settled_at', sa.BigInteger(), nullable=True),
        sa.Column('closed_at', sa.BigInteger(), nullable=True),
        sa.Column('message', sa.BINARY(length=16), nullable=True),
        sa.Column('label', sa.String(length=1), nullable=False),
        sa.Column('answer', sa.SmallInteger(), nullable=True),
        sa.Column('news', sa.SmallInteger(), nullable=False),
        sa.Column('not_before', sa.BigInteger(), nullable=True),
        sa.Column('erase_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_objection')),
        sa.UniqueConstraint('open_index', name=op.f('uq_objection_open_index')),
        sa.UniqueConstraint('reference', name=op.f('uq_objection_reference')),
        sa.UniqueConstraint('submission', name=op.f('uq_objection_submission'))
    )
    op.create_index('ix_objection_erase', 'objection', ['erase_at'], unique=False)
    op.create_index('ix_objection_look', 'objection', ['look'], unique=False)
    op.create_index('ix_objection_look_at', 'objection', ['look_at'], unique=False)
    op.create_index('ix_objection_message', 'objection', ['message'], unique=False)
    op.create_index('ix_objection_phone', 'objection', ['phone_index'], unique=False)
    op.create_index('ix_objection_standing', 'objection', ['state', 'due_at'], unique=False)
    op.create_table('objection_ending',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('partner', sa.String(length=32), nullable=False),
        sa.Column('application', sa.String(length=32), nullable=False),
        sa.Column('wish', sa.SmallInteger(), nullable=False),
        sa.Column('ending', sa.String(length=16), nullable=False),
        sa.Column('days', sa.Integer(), nullable=False),
        sa.Column('settled_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_objection_ending'))
    )
    op.create_index('ix_objection_ending_settled', 'objection_ending', ['settled_at'], unique=False)
    op.create_table('objection_quota',
        sa.Column('holder', sa.BINARY(length=32), nullable=False),
        sa.Column('year', sa.SmallInteger(), nullable=False),
        sa.Column('used', sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint('holder', name=op.f('pk_objection_quota'))
    )
    op.create_index('ix_objection_quota_year', 'objection_quota', ['year'], unique=False)
    op.create_table('request',
        sa.Column('id', sa.BINARY(length=16), nullable=False),
        sa.Column('owner', sa.BINARY(length=16), nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('partner', sa.String(length=32), nullable=False),
        sa.Column('application', sa.String(length=32), nullable=False),
        sa.Column('round', sa.SmallInteger(), nullable=False),
        sa.Column('state', sa.SmallInteger(), nullable=False),
        sa.Column('due_at', sa.BigInteger(), nullable=False),
        sa.Column('tries', sa.SmallInteger(), nullable=False),
        sa.Column('failed', sa.SmallInteger(), nullable=False),
        sa.Column('finding', sa.VARBINARY(length=95), nullable=True),
        sa.Column('made_at', sa.BigInteger(), nullable=False),
        sa.Column('done_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_request'))
    )
    op.create_index('ix_request_due', 'request', ['partner', 'state', 'due_at'], unique=False)
    op.create_index('ix_request_owner', 'request', ['owner'], unique=False)
    op.create_table('watch',
        sa.Column('id', sa.BINARY(length=16), nullable=False),
        sa.Column('state', sa.SmallInteger(), nullable=False),
        sa.Column('phone_index', sa.BINARY(length=32), nullable=True),
        sa.Column('live_index', sa.BINARY(length=32), nullable=True),
        sa.Column('phone', sa.VARBINARY(length=42), nullable=True),
        sa.Column('owner', sa.BINARY(length=32), nullable=True),
        sa.Column('since', sa.String(length=7), nullable=False),
        sa.Column('started_at', sa.BigInteger(), nullable=False),
        sa.Column('until_at', sa.BigInteger(), nullable=False),
        sa.Column('reminded', sa.SmallInteger(), nullable=False),
        sa.Column('holder_at', sa.BigInteger(), nullable=False),
        sa.Column('look', sa.SmallInteger(), nullable=False),
        sa.Column('alerted', sa.String(length=1000), nullable=False),
        sa.Column('alerted_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_watch')),
        sa.UniqueConstraint('live_index', name=op.f('uq_watch_live_index'))
    )
    op.create_index('ix_watch_holder', 'watch', ['state', 'holder_at'], unique=False)
    op.create_index('ix_watch_look', 'watch', ['look'], unique=False)
    op.create_index('ix_watch_owner', 'watch', ['owner'], unique=False)
    op.create_index('ix_watch_phone', 'watch', ['phone_index'], unique=False)
    op.create_index('ix_watch_until', 'watch', ['state', 'until_at'], unique=False)
    op.create_table('watch_count',
        sa.Column('watch', sa.BINARY(length=16), nullable=False),
        sa.Column('partner', sa.String(length=32), nullable=False),
        sa.Column('seen', sa.VARBINARY(length=1031), nullable=True),
        sa.Column('due_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('watch', 'partner', name=op.f('pk_watch_count'))
    )
    op.create_index('ix_watch_count_due', 'watch_count', ['partner', 'due_at'], unique=False)
    op.create_table('watch_event',
        sa.Column('partner', sa.String(length=32), nullable=False),
        sa.Column('event', sa.BINARY(length=16), nullable=False),
        sa.Column('watch', sa.BINARY(length=16), nullable=False),
        sa.Column('news', sa.VARBINARY(length=95), nullable=True),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('partner', 'event', name=op.f('pk_watch_event'))
    )
    op.create_index('ix_watch_event_at', 'watch_event', ['at'], unique=False)
    op.create_index('ix_watch_event_partner', 'watch_event', ['partner', 'at'], unique=False)
    op.create_index('ix_watch_event_watch', 'watch_event', ['watch'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_watch_event_watch', table_name='watch_event')
    op.drop_index('ix_watch_event_partner', table_name='watch_event')
    op.drop_index('ix_watch_event_at', table_name='watch_event')
    op.drop_table('watch_event')
    op.drop_index('ix_watch_count_due', table_name='watch_count')
    op.drop_table('watch_count')
    op.drop_index('ix_watch_until', table_name='watch')
    op.drop_index('ix_watch_phone', table_name='watch')
    op.drop_index('ix_watch_owner', table_name='watch')
    op.drop_index('ix_watch_look', table_name='watch')
    op.drop_index('ix_watch_holder', table_name='watch')
    op.drop_table('watch')
    op.drop_index('ix_request_owner', table_name='request')
    op.drop_index('ix_request_due', table_name='request')
    op.drop_table('request')
    op.drop_index('ix_objection_quota_year', table_name='objection_quota')
    op.drop_table('objection_quota')
    op.drop_index('ix_objection_ending_settled', table_name='objection_ending')
    op.drop_table('objection_ending')
    op.drop_index('ix_objection_standing', table_name='objection')
    op.drop_index('ix_objection_phone', table_name='objection')
    op.drop_index('ix_objection_message', table_name='objection')
    op.drop_index('ix_objection_look_at', table_name='objection')
    op.drop_index('ix_objection_look', table_name='objection')
    op.drop_index('ix_objection_erase', table_name='objection')
    op.drop_table('objection')
    op.drop_column('inquiry', 'contact')

"""All tables."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('attempt',
        sa.Column('message', sa.BINARY(length=16), nullable=False),
        sa.Column('number', sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column('sending', sa.SmallInteger(), nullable=False),
        sa.Column('link', sa.String(length=32), nullable=False),
        sa.Column('parts', sa.SmallInteger(), nullable=False),
        sa.Column('started_at', sa.BigInteger(), nullable=False),
        sa.Column('ended_at', sa.BigInteger(), nullable=True),
        sa.Column('result', sa.SmallInteger(), nullable=True),
        sa.Column('code', sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint('message', 'number', name=op.f('pk_attempt'))
    )
    op.create_table('audit',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.Column('actor', sa.String(length=96), nullable=False),
        sa.Column('action', sa.String(length=64), nullable=False),
        sa.Column('subject', sa.String(length=128), nullable=False),
        sa.Column('detail', sa.String(length=500), nullable=False),
        sa.Column('mac', sa.BINARY(length=32), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_audit'))
    )
    op.create_table('audit_head',
        sa.Column('id', sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column('last', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('chain', sa.BINARY(length=32), nullable=False),
        sa.Column('mac', sa.BINARY(length=32), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_head'))
    )
    op.create_table('catalogue_version',
        sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('document', sa.Text().with_variant(mysql.MEDIUMTEXT(), 'mariadb').with_variant(mysql.MEDIUMTEXT(), 'mysql'), nullable=False),
        sa.Column('mac', sa.BINARY(length=32), nullable=False),
        sa.Column('note', sa.String(length=200), nullable=False),
        sa.Column('actor', sa.String(length=96), nullable=False),
        sa.Column('applied_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_catalogue_version'))
    )
    op.create_table('code_sent',
        sa.Column('message', sa.BINARY(length=16), nullable=False),
        sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
        sa.Column('sent_at', sa.BigInteger(), nullable=False),
        sa.Column('identified', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('message', name=op.f('pk_code_sent'))
    )
    op.create_index('ix_code_sent_number', 'code_sent', ['phone_index', 'sent_at'], unique=False)
    op.create_index('ix_code_sent_sent', 'code_sent', ['sent_at'], unique=False)
    op.create_table('content_key',
        sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('algorithm', sa.String(length=8), nullable=False),
        sa.Column('wrapped', sa.VARBINARY(length=63), nullable=False),
        sa.Column('made_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_content_key'))
    )
    op.create_table('data_key',
        sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('algorithm', sa.String(length=8), nullable=False),
        sa.Column('wrapped', sa.VARBINARY(length=63), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('retired_at', sa.BigInteger(), nullable=True),
        sa.Column('revoked_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_data_key'))
    )
    op.create_table('help_block',
        sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('phone_index', name=op.f('pk_help_block'))
    )
    op.create_table('help_offer',
        sa.Column('id', sa.BINARY(length=16), nullable=False),
        sa.Column('reference', sa.BigInteger(), nullable=False),
        sa.Column('state', sa.SmallInteger(), nullable=False),
        sa.Column('sent', sa.Boolean(), nullable=False),
        sa.Column('helper', sa.VARBINARY(length=42), nullable=True),
        sa.Column('phone_index', sa.BINARY(length=32), nullable=True),
        sa.Column('holder', sa.BINARY(length=32), nullable=False),
        sa.Column('pair', sa.BINARY(length=32), nullable=False),
        sa.Column('slot', sa.BINARY(length=32), nullable=True),
        sa.Column('submission', sa.BINARY(length=32), nullable=False),
        sa.Column('made_at', sa.BigInteger(), nullable=False),
        sa.Column('ends_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_help_offer')),
        sa.UniqueConstraint('reference', name=op.f('uq_help_offer_reference')),
        sa.UniqueConstraint('slot', name=op.f('uq_help_offer_slot')),
        sa.UniqueConstraint('submission', name=op.f('uq_help_offer_submission'))
    )
    op.create_index('ix_help_offer_ends', 'help_offer', ['state', 'ends_at'], unique=False)
    op.create_index('ix_help_offer_holder', 'help_offer', ['holder', 'made_at'], unique=False)
    op.create_index('ix_help_offer_phone', 'help_offer', ['phone_index'], unique=False)
    op.create_table('inbound',
        sa.Column('link', sa.String(length=32), nullable=False),
        sa.Column('name', sa.String(length=64), nullable=False),
        sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
        sa.Column('intent', sa.SmallInteger(), nullable=False),
        sa.Column('answered', sa.Boolean(), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('link', 'name', name=op.f('pk_inbound'))
    )
    op.create_index('ix_inbound_at', 'inbound', ['at'], unique=False)
    op.create_index('ix_inbound_phone', 'inbound', ['phone_index', 'at'], unique=False)
    op.create_table('inbound_segment',
        sa.Column('link', sa.String(length=32), nullable=False),
        sa.Column('name', sa.BINARY(length=32), nullable=False),
        sa.Column('number', sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column('sealed', sa.VARBINARY(length=1031), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('link', 'name', 'number', name=op.f('pk_inbound_segment'))
    )
    op.create_index('ix_inbound_segment_at', 'inbound_segment', ['at'], unique=False)
    op.create_table('inquiry',
        sa.Column('id', sa.BINARY(length=16), nullable=False),
        sa.Column('reference', sa.BigInteger(), nullable=False),
        sa.Column('service', sa.String(length=32), nullable=False),
        sa.Column('entrance', sa.String(length=32), nullable=False),
        sa.Column('state', sa.SmallInteger(), nullable=False),
        sa.Column('outcome', sa.SmallInteger(), nullable=True),
        sa.Column('waiting_for', sa.String(length=32), nullable=True),
        sa.Column('carriers_tried', sa.String(length=4000), nullable=False),
        sa.Column('wave', sa.BigInteger(), nullable=True),
        sa.Column('phone_index', sa.BINARY(length=32), nullable=True),
        sa.Column('phone', sa.VARBINARY(length=42), nullable=True),
        sa.Column('masked', sa.VARBINARY(length=42), nullable=True),
        sa.Column('contact', sa.VARBINARY(length=42), nullable=True),
        sa.Column('identity', sa.VARBINARY(length=543), nullable=True),
        sa.Column('owner', sa.BINARY(length=32), nullable=True),
        sa.Column('submission', sa.BINARY(length=32), nullable=True),
        sa.Column('fingerprint', sa.BINARY(length=32), nullable=True),
        sa.Column('audience', sa.String(length=32), nullable=True),
        sa.Column('consent_version', sa.String(length=16), nullable=False),
        sa.Column('accepted_at', sa.BigInteger(), nullable=False),
        sa.Column('asked_at', sa.BigInteger(), nullable=True),
        sa.Column('decided_at', sa.BigInteger(), nullable=True),
        sa.Column('closed_at', sa.BigInteger(), nullable=True),
        sa.Column('erase_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_inquiry')),
        sa.UniqueConstraint('reference', name=op.f('uq_inquiry_reference')),
        sa.UniqueConstraint('submission', name=op.f('uq_inquiry_submission'))
    )
    op.create_index('ix_inquiry_erase', 'inquiry', ['erase_at'], unique=False)
    op.create_index('ix_inquiry_standing', 'inquiry', ['state', 'accepted_at'], unique=False)
    op.create_index('ix_inquiry_waiting', 'inquiry', ['waiting_for', 'service', 'id'], unique=False)
    op.create_table('last_inquiry',
        sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
        sa.Column('service', sa.String(length=32), nullable=False),
        sa.Column('accepted_at', sa.BigInteger(), nullable=False),
        sa.Column('inquiry', sa.BINARY(length=16), nullable=False),
        sa.PrimaryKeyConstraint('phone_index', 'service', name=op.f('pk_last_inquiry'))
    )
    op.create_index('ix_last_inquiry_accepted', 'last_inquiry', ['accepted_at'], unique=False)
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
    op.create_table('message',
        sa.Column('id', sa.BINARY(length=16), nullable=False),
        sa.Column('lane', sa.SmallInteger(), nullable=False),
        sa.Column('state', sa.SmallInteger(), nullable=False),
        sa.Column('due_at', sa.BigInteger(), nullable=False),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('unknown_at', sa.BigInteger(), nullable=True),
        sa.Column('attempts', sa.SmallInteger(), nullable=False),
        sa.Column('sending', sa.SmallInteger(), nullable=False),
        sa.Column('resendable', sa.Boolean(), nullable=False),
        sa.Column('link', sa.String(length=32), nullable=True),
        sa.Column('fingerprint', sa.BINARY(length=32), nullable=False),
        sa.Column('sealed', sa.VARBINARY(length=4031), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_message'))
    )
    op.create_index('ix_message_due', 'message', ['state', 'lane', 'due_at'], unique=False)
    op.create_table('next_day_notice',
        sa.Column('inquiry', sa.BINARY(length=16), nullable=False),
        sa.Column('service', sa.String(length=32), nullable=False),
        sa.Column('phone', sa.VARBINARY(length=42), nullable=False),
        sa.Column('due_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('inquiry', name=op.f('pk_next_day_notice'))
    )
    op.create_index('ix_next_day_notice_due', 'next_day_notice', ['due_at'], unique=False)
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
    op.create_table('opt_out',
        sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
        sa.Column('masked', sa.VARBINARY(length=42), nullable=False),
        sa.Column('link', sa.String(length=32), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('phone_index', name=op.f('pk_opt_out'))
    )
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
    op.create_index('ix_part_at', 'part', ['at'], unique=False)
    op.create_index('ix_part_message', 'part', ['message'], unique=False)
    op.create_table('process',
        sa.Column('id', sa.BINARY(length=16), nullable=False),
        sa.Column('role', sa.String(length=16), nullable=False),
        sa.Column('host', sa.String(length=64), nullable=False),
        sa.Column('pid', sa.Integer(), nullable=False),
        sa.Column('release', sa.String(length=32), nullable=False),
        sa.Column('public_url', sa.String(length=255), nullable=False),
        sa.Column('started_at', sa.BigInteger(), nullable=False),
        sa.Column('seen_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_process'))
    )
    op.create_table('question',
        sa.Column('wave', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('partner', sa.String(length=32), nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('service', sa.String(length=32), nullable=False),
        sa.Column('state', sa.SmallInteger(), nullable=False),
        sa.Column('due_at', sa.BigInteger(), nullable=False),
        sa.Column('lease_until', sa.BigInteger(), nullable=False),
        sa.Column('tries', sa.SmallInteger(), nullable=False),
        sa.Column('failed', sa.SmallInteger(), nullable=False),
        sa.Column('lost', sa.SmallInteger(), server_default='0', nullable=False),
        sa.Column('n', sa.Integer(), nullable=False),
        sa.Column('answers', sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), 'mariadb').with_variant(mysql.MEDIUMBLOB(), 'mysql'), nullable=True),
        sa.PrimaryKeyConstraint('wave', 'partner', 'kind', name=op.f('pk_question'))
    )
    op.create_index('ix_question_due', 'question', ['partner', 'state', 'due_at'], unique=False)
    op.create_table('receipt',
        sa.Column('link', sa.String(length=32), nullable=False),
        sa.Column('reference', sa.String(length=64), nullable=False),
        sa.Column('part', sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column('code', sa.String(length=16), nullable=False),
        sa.Column('done_at', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('status', sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column('received_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('link', 'reference', 'part', 'code', 'done_at', 'status', name=op.f('pk_receipt'))
    )
    op.create_index('ix_receipt_received_at', 'receipt', ['received_at'], unique=False)
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
    op.create_table('secret',
        sa.Column('name', sa.String(length=96), nullable=False),
        sa.Column('sealed', sa.BLOB(), nullable=False),
        sa.Column('set_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_secret'))
    )
    op.create_table('session_end',
        sa.Column('name', sa.String(length=48), nullable=False),
        sa.Column('value', sa.BigInteger(), nullable=False),
        sa.Column('until_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_session_end'))
    )
    op.create_index('ix_session_end_until', 'session_end', ['until_at'], unique=False)
    op.create_table('text_conversation',
        sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
        sa.Column('echo', sa.BINARY(length=32), nullable=True),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('phone_index', name=op.f('pk_text_conversation'))
    )
    op.create_index('ix_text_conversation_expires', 'text_conversation', ['expires_at'], unique=False)
    op.create_table('unmatched',
        sa.Column('link', sa.String(length=32), nullable=False),
        sa.Column('reference', sa.String(length=64), nullable=False),
        sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
        sa.Column('status', sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column('extension', sa.String(length=21), nullable=False),
        sa.Column('submitted_at', sa.BigInteger(), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('link', 'reference', 'phone_index', 'status', name=op.f('pk_unmatched'))
    )
    op.create_index('ix_unmatched_at', 'unmatched', ['at'], unique=False)
    op.create_index('ix_unmatched_phone', 'unmatched', ['phone_index'], unique=False)
    op.create_table('verification_code',
        sa.Column('phone_index', sa.BINARY(length=32), nullable=False),
        sa.Column('service', sa.String(length=32), nullable=False),
        sa.Column('owner', sa.BINARY(length=32), nullable=False),
        sa.Column('mac', sa.BINARY(length=32), nullable=False),
        sa.Column('tries', sa.SmallInteger(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.Column('used_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('phone_index', 'service', 'owner', name=op.f('pk_verification_code'))
    )
    op.create_index('ix_verification_code_expires', 'verification_code', ['expires_at'], unique=False)
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
    op.create_table('wave',
        sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('service', sa.String(length=32), nullable=False),
        sa.Column('stage', sa.SmallInteger(), nullable=False),
        sa.Column('open', sa.SmallInteger(), nullable=False),
        sa.Column('look', sa.SmallInteger(), nullable=False),
        sa.Column('carrier', sa.String(length=32), nullable=True),
        sa.Column('n', sa.Integer(), nullable=False),
        sa.Column('members', sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), 'mariadb').with_variant(mysql.MEDIUMBLOB(), 'mysql'), nullable=False),
        sa.Column('phones', sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), 'mariadb').with_variant(mysql.MEDIUMBLOB(), 'mysql'), nullable=True),
        sa.Column('identities', sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), 'mariadb').with_variant(mysql.MEDIUMBLOB(), 'mysql'), nullable=True),
        sa.Column('made_at', sa.BigInteger(), nullable=False),
        sa.Column('decide_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_wave'))
    )
    op.create_index('ix_wave_decide', 'wave', ['stage', 'decide_at'], unique=False)
    op.create_index('ix_wave_look', 'wave', ['look'], unique=False)

"""Connect Alembic to the database: by the connection it is given, or, on the command line, by the settings."""

import os

from alembic import context
from sqlalchemy import Connection

import query.resumable_ddl  # noqa: F401 - replaces operations of Alembic
from config.audit import audit
from config.catalogue.store import catalogue_version
from config.crypto.key_ring import data_key
from config.crypto.secrets import secret
from config.db.engine import make_engine, metadata
from config.processes.heartbeats import process
from config.settings import load_settings
from query.helps.models import help_offer
from query.models import inquiry
from query.objections.models import objection
from query.requests.models import request
from query.texts.models import conversation
from query.watches.models import watch
from sms_port.models import message

TABLES = (
    process,
    audit,
    catalogue_version,
    data_key,
    secret,
    inquiry,
    objection,
    request,
    conversation,
    help_offer,
    watch,
    message,
)
"""One table of each file that defines some: importing it puts all of the file's tables on `metadata`."""


def migrate(connection: Connection) -> None:
    """Run the migrations in the transaction of `connection`."""
    report = context.config.attributes.get("on_version_apply")
    context.configure(connection=connection, target_metadata=metadata, on_version_apply=report)
    with context.begin_transaction():
        context.run_migrations()


handed: Connection | None = context.config.attributes.get("connection")
if handed is not None:
    migrate(handed)
else:
    with make_engine(load_settings(os.environ).database_url).begin() as opened:
        migrate(opened)

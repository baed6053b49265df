"""The table of requests. Only the rooms of query know it."""

from sqlalchemy import Column, Index, SmallInteger, String, Table

from config.db.engine import metadata
from config.db.types import Id16, Ms, Sealed

request = Table(
    "request",
    metadata,
    # The opaque id that the partner sees; sent again, it is the same request.
    Column("id", Id16, primary_key=True),
    # The objection's or the watch's id.
    Column("owner", Id16, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("partner", String(32), nullable=False),
    # Empty for what carriers are asked.
    Column("application", String(32), nullable=False),
    # 0, and 1 after a reopening.
    Column("round", SmallInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    # When it may be sent (again). While it is being sent, the end of the lease.
    Column("due_at", Ms, nullable=False),
    # Numbers the calls; and the calls in a row that brought nothing, which set the wait until the next.
    Column("tries", SmallInteger, nullable=False),
    Column("failed", SmallInteger, nullable=False),
    # JSON [state, reason], or [verdict, month]; NULL until it is final, and again once it has been told.
    Column("finding", Sealed(64)),
    Column("made_at", Ms, nullable=False),
    Column("done_at", Ms),
    Index("ix_request_due", "partner", "state", "due_at"),
    Index("ix_request_owner", "owner"),
)

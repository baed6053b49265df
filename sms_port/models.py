"""The port's own tables: messages, the attempts to send them, and the network's receipts.

A message is found by `due`: (state, lane, due_at). What `due_at` means depends on the state: when
it may be sent (DUE), when its lease ends (SENDING), when the gateway is asked next (UNKNOWN).
"""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import Boolean, Column, Index, Integer, SmallInteger, String, Table

from config.db.engine import metadata
from config.db.types import Id16, Mac32, Ms, Sealed


class Lane(IntEnum):
    """Codes have a lane of their own, so that a backlog of replies never delays them."""

    CODE = 0
    REPLY = 1

    @property
    def bell(self) -> str:
        """Name by which the bell wakes the gateway's lane."""
        return self.name.lower()


class State(IntEnum):
    """State of a message. The order matters: from ACCEPTED on the text is erased."""

    DUE = 0
    SENDING = 1
    UNKNOWN = 2
    ACCEPTED = 3
    DELIVERED = 4
    UNDELIVERED = 5
    FAILED = 6
    EXPIRED = 7
    UNKNOWN_FINAL = 8
    MIXED = 9


class AttemptResult(IntEnum):
    """Result of an attempt; NULL while it is under way, and for ever if its process was killed."""

    ACCEPTED = 1
    REJECTED = 2
    NOT_SENT = 3
    UNKNOWN = 4


class Intent(IntEnum):
    """Intent of a citizen who writes to the port number."""

    OPT_OUT = 1
    OPT_IN = 2
    OTHER = 3
    # understood by a room above the port, which answers it
    ANSWER = 4


class ReceiptStatus(IntEnum):
    """Final status of one part, by the network's receipt."""

    DELIVERED = 1
    FAILED = 2
    UNCLEAR = 3


message = Table(
    "message",
    metadata,
    Column("id", Id16, primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("due_at", Ms, nullable=False),
    Column("expires_at", Ms, nullable=False),
    Column("created_at", Ms, nullable=False),
    Column("unknown_at", Ms),
    Column("attempts", SmallInteger, nullable=False),
    # 1, or 2 once the flagged resend has been decided on; part of the reference a gateway knows it by
    Column("sending", SmallInteger, nullable=False),
    Column("resendable", Boolean, nullable=False),
    # the only link it may go to, once one may have seen it
    Column("link", String(32)),
    Column("fingerprint", Mac32, nullable=False),
    Column("sealed", Sealed(4000)),
    Index("ix_message_due", "state", "lane", "due_at"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("message", Id16, primary_key=True),
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    Column("sending", SmallInteger, nullable=False),
    Column("link", String(32), nullable=False),
    Column("parts", SmallInteger, nullable=False),
    Column("started_at", Ms, nullable=False),
    Column("ended_at", Ms),
    Column("result", SmallInteger),
    Column("code", String(32)),
)

receipt = Table(
    "receipt",
    metadata,
    Column("link", String(32), primary_key=True),
    Column("reference", String(64), primary_key=True),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("code", String(16), primary_key=True),
    Column("done_at", Ms, primary_key=True, autoincrement=False),
    Column("status", SmallInteger, primary_key=True, autoincrement=False),
    Column("received_at", Ms, nullable=False),
    Index("ix_receipt_received_at", "received_at"),
)

# The gateway's ids of the parts it took. Gateways count their own way and start over: one id may stand for several
# parts, of which the number tells one. `statuses`: the receipts of this part, a bit for each ReceiptStatus.
part = Table(
    "part",
    metadata,
    Column("link", String(32), primary_key=True),
    Column("provider_id", String(32), primary_key=True),
    Column("message", Id16, primary_key=True),
    Column("sending", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    Column("phone_index", Mac32),
    Column("statuses", SmallInteger),
    Column("at", Ms, nullable=False),
    Index("ix_part_message", "message"),
    Index("ix_part_at", "at"),
)

# Receipts whose part nobody knows yet, with what else may tell which it is. `phone_index`: zeros when it tells none.
unmatched = Table(
    "unmatched",
    metadata,
    Column("link", String(32), primary_key=True),
    Column("reference", String(64), primary_key=True),
    Column("phone_index", Mac32, primary_key=True),
    Column("status", SmallInteger, primary_key=True, autoincrement=False),
    Column("extension", String(21), nullable=False),
    Column("submitted_at", Ms, nullable=False),
    Column("at", Ms, nullable=False),
    Index("ix_unmatched_phone", "phone_index"),
    Index("ix_unmatched_at", "at"),
)

inbound = Table(
    "inbound",
    metadata,
    Column("link", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("phone_index", Mac32, nullable=False),
    Column("intent", SmallInteger, nullable=False),
    # whether it was given an answer of its own
    Column("answered", Boolean, nullable=False),
    Column("at", Ms, nullable=False),
    Index("ix_inbound_phone", "phone_index", "at"),
    Index("ix_inbound_at", "at"),
)

# Segments of a long text from a phone, until all are there.
inbound_segment = Table(
    "inbound_segment",
    metadata,
    Column("link", String(32), primary_key=True),
    Column("name", Mac32, primary_key=True),
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    Column("sealed", Sealed(1000), nullable=False),
    Column("at", Ms, nullable=False),
    Index("ix_inbound_segment_at", "at"),
)

opt_out = Table(
    "opt_out",
    metadata,
    Column("phone_index", Mac32, primary_key=True),
    Column("masked", Sealed(11), nullable=False),
    Column("link", String(32), nullable=False),
    Column("at", Ms, nullable=False),
)

# Lease of the gateway process that sends: one row, `role` is always "gateway".
leader = Table(
    "leader",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("holder", Id16, nullable=False),
    Column("process", String(96), nullable=False),
    Column("until", Ms, nullable=False),
)

link_health = Table(
    "link_health",
    metadata,
    Column("link", String(32), primary_key=True),
    Column("status", String(32), nullable=False),
    Column("rate", Integer, nullable=False),
    Column("process", String(96), nullable=False),
    Column("seen_at", Ms, nullable=False),
)

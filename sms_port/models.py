"""The port's own tables: messages, the attempts to send them, and the network's receipts.

A message is found by `due`: (state, lane, due_at). What `due_at` means depends on the state: when
it may be sent (DUE), when its lease ends (SENDING), when the gateway is asked next (UNKNOWN).
"""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import Boolean, Column, Index, SmallInteger, String, Table

from config.db import Id16, Mac32, Ms, Sealed, metadata


class Lane(IntEnum):
    """Codes have a lane of their own, so that a backlog of replies never delays them."""

    CODE = 0
    REPLY = 1


class State(IntEnum):
    """Where a message stands. The order matters: from ACCEPTED on the text is erased."""

    DUE = 0
    SENDING = 1
    UNKNOWN = 2
    ACCEPTED = 3
    DELIVERED = 4
    UNDELIVERED = 5
    FAILED = 6
    EXPIRED = 7
    UNKNOWN_FINAL = 8


class Closing(IntEnum):
    """How an attempt ended; NULL while it is under way, and for ever if its process was killed."""

    ACCEPTED = 1
    REJECTED = 2
    NOT_SENT = 3
    UNKNOWN = 4


class Word(IntEnum):
    """The network's word on one part."""

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
    Column("closing", SmallInteger),
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
    Column("word", SmallInteger, nullable=False),
    Column("received_at", Ms, nullable=False),
)

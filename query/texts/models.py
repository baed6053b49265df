"""The table of the conversations that are open: who was asked for six characters, and until when. No text is kept."""

from sqlalchemy import Column, Index, Table

from config.db.engine import metadata
from config.db.types import Mac32, Ms

conversation = Table(
    "text_conversation",
    metadata,
    Column("phone_index", Mac32, primary_key=True),
    # A MAC of the four digits that the phone must send back; NULL over a link whose senders nobody can make up.
    Column("echo", Mac32),
    Column("expires_at", Ms, nullable=False),
    Index("ix_text_conversation_expires", "expires_at"),
)

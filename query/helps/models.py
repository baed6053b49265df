"""The tables of offers to relatives, and of numbers that want none.

Both numbers are erased when the offer ends, at the latest after seven days; the MACs that hold the limits after thirty.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, SmallInteger, Table, UniqueConstraint

from config.db.engine import metadata
from config.db.types import Id16, Mac32, Ms, Sealed

help_offer = Table(
    "help_offer",
    metadata,
    Column("id", Id16, primary_key=True),
    Column("reference", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    # Whether the relative was sent the SMS; who wants none, or had one today, is not.
    Column("sent", Boolean, nullable=False),
    Column("helper", Sealed(11)),
    # Found by number, to answer and to erase; `holder` and `pair` are MACs that only hold the limits.
    Column("phone_index", Mac32),
    Column("holder", Mac32, nullable=False),
    Column("pair", Mac32, nullable=False),
    # A MAC of the relative's number and the day, of an offer that was sent: one a day.
    Column("slot", Mac32),
    Column("submission", Mac32, nullable=False),
    Column("made_at", Ms, nullable=False),
    Column("ends_at", Ms, nullable=False),
    UniqueConstraint("reference"),
    UniqueConstraint("submission"),
    UniqueConstraint("slot"),
    Index("ix_help_offer_phone", "phone_index"),
    Index("ix_help_offer_holder", "holder", "made_at"),
    Index("ix_help_offer_ends", "state", "ends_at"),
)

help_block = Table(
    "help_block",
    metadata,
    Column("phone_index", Mac32, primary_key=True),
    Column("at", Ms, nullable=False),
)

"""The tables of objections. Only this room knows them."""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Table, UniqueConstraint

from config.db.engine import metadata
from config.db.types import Id16, Mac32, Ms, Sealed, Serial

objection = Table(
    "objection",
    metadata,
    Column("id", Id16, primary_key=True),
    Column("reference", BigInteger, nullable=False),
    Column("wish", SmallInteger, nullable=False),
    # The wish as companies are sent it; NULL until the carrier has confirmed the number.
    Column("kind", SmallInteger),
    Column("entrance", String(32), nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("outcome", SmallInteger),
    # 1 once it has been reopened.
    Column("round", SmallInteger, nullable=False),
    # 1: there is news to follow; and when it is looked at at the latest.
    Column("look", SmallInteger, nullable=False),
    Column("look_at", Ms),
    # The blind index while the objection is open, so that a number has one open objection.
    Column("open_index", Mac32),
    Column("phone_index", Mac32),
    Column("phone", Sealed(11)),
    Column("masked", Sealed(11)),
    # JSON of the ID tail, until the carrier's verdict.
    Column("identity", Sealed(64)),
    # The month (YYYY-MM) since which the holder must not have changed, where no ID digits were asked for.
    Column("since", String(7)),
    # Since which month the citizen has held the number, by the carrier's word.
    Column("held", Sealed(7)),
    # Codes as ticked, a space between.
    Column("applications", String(1000), nullable=False),
    Column("owner", Mac32),
    Column("submission", Mac32),
    Column("fingerprint", Mac32),
    Column("consent_version", String(32), nullable=False),
    Column("accepted_at", Ms, nullable=False),
    # The end of the day by which companies answer.
    Column("due_at", Ms, nullable=False),
    Column("settled_at", Ms),
    Column("closed_at", Ms),
    # The SMS whose fate closes it.
    Column("message", Id16),
    # The letter after 1 and 2, where two objections of a number wait for an answer; and the answer.
    Column("label", String(1), nullable=False),
    Column("answer", SmallInteger),
    # 1 once the one later news was told.
    Column("news", SmallInteger, nullable=False),
    # From when the number is old enough, where the carrier's word was that it is too new.
    Column("not_before", Ms),
    Column("erase_at", Ms),
    UniqueConstraint("reference"),
    UniqueConstraint("submission"),
    UniqueConstraint("open_index"),
    Index("ix_objection_look", "look"),
    Index("ix_objection_look_at", "look_at"),
    Index("ix_objection_standing", "state", "due_at"),
    Index("ix_objection_phone", "phone_index"),
    Index("ix_objection_message", "message"),
    Index("ix_objection_erase", "erase_at"),
)

objection_quota = Table(
    "objection_quota",
    metadata,
    # A MAC of number and year.
    Column("holder", Mac32, primary_key=True),
    Column("year", SmallInteger, nullable=False),
    Column("used", SmallInteger, nullable=False),
    Index("ix_objection_quota_year", "year"),
)

# How objections ended, without the person: for statistics.
objection_ending = Table(
    "objection_ending",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("partner", String(32), nullable=False),
    Column("application", String(32), nullable=False),
    Column("wish", SmallInteger, nullable=False),
    Column("ending", String(16), nullable=False),
    # Working days from acceptance to the ending.
    Column("days", Integer, nullable=False),
    Column("settled_at", Ms, nullable=False),
    Index("ix_objection_ending_settled", "settled_at"),
)

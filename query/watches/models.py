"""The tables of watches. Only this room knows them. No count is ever in them: changes are seen by MAC."""

from sqlalchemy import Column, Index, SmallInteger, String, Table, UniqueConstraint

from config.db.engine import metadata
from config.db.types import Id16, Mac32, Ms, Sealed

watch = Table(
    "watch",
    metadata,
    Column("id", Id16, primary_key=True),
    Column("state", SmallInteger, nullable=False),
    Column("phone_index", Mac32),
    # The blind index while the watch is on, so that a number has one.
    Column("live_index", Mac32),
    Column("phone", Sealed(11)),
    # The MAC of the session that turned it on, so that this session can turn it off.
    Column("owner", Mac32),
    # The month (YYYY-MM) since which the holder must not have changed.
    Column("since", String(7), nullable=False),
    Column("started_at", Ms, nullable=False),
    Column("until_at", Ms, nullable=False),
    # 1 once the citizen has been told that it ends soon.
    Column("reminded", SmallInteger, nullable=False),
    # When the carrier is asked next whether the holder is the same.
    Column("holder_at", Ms, nullable=False),
    Column("look", SmallInteger, nullable=False),
    # The applications of the last alert, a space between, for the answer 不是我.
    Column("alerted", String(1000), nullable=False),
    Column("alerted_at", Ms),
    UniqueConstraint("live_index"),
    Index("ix_watch_until", "state", "until_at"),
    Index("ix_watch_holder", "state", "holder_at"),
    Index("ix_watch_phone", "phone_index"),
    Index("ix_watch_look", "look"),
    Index("ix_watch_owner", "owner"),
)

watch_event = Table(
    "watch_event",
    metadata,
    Column("partner", String(32), primary_key=True),
    # The company's UUID, without its dashes.
    Column("event", Id16, primary_key=True),
    Column("watch", Id16, nullable=False),
    # JSON [application, new accounts], until it has been told.
    Column("news", Sealed(64)),
    Column("at", Ms, nullable=False),
    Index("ix_watch_event_watch", "watch"),
    Index("ix_watch_event_at", "at"),
    Index("ix_watch_event_partner", "partner", "at"),
)

# Companies that send no events are asked again every month; a change is seen by the MAC of the count.
watch_count = Table(
    "watch_count",
    metadata,
    Column("watch", Id16, primary_key=True),
    Column("partner", String(32), primary_key=True),
    # JSON {application: MAC}; NULL before the first count.
    Column("seen", Sealed(1000)),
    Column("due_at", Ms, nullable=False),
    Index("ix_watch_count_due", "partner", "due_at"),
)

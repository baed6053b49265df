"""The inquiry's tables, known to this folder only.

Inquiries travel in waves: a `wave` holds up to a batch of inquiries of one service, a `question` is the wave put to one
partner. Lists in a wave and a question are in the order of `wave.members` (docs/inquiry.md).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.mysql import MEDIUMBLOB

from config.db.engine import metadata
from config.db.types import Id16, Mac32, Ms, Sealed

Code = String(32)
"""A code of the catalogue: a service, an entrance, a partner."""

Members = LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb")
"""Ids of 16 bytes, one after the other."""

ManySealed = Sealed(1 << 20)
"""A JSON list in member order, sealed once."""

inquiry = Table(
    "inquiry",
    metadata,
    Column("id", Id16, primary_key=True),
    Column("reference", BigInteger, nullable=False),
    Column("service", Code, nullable=False),
    Column("entrance", Code, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("outcome", SmallInteger),
    # The carrier whose next identity wave it waits for; NULL from the wave on.
    Column("waiting_for", Code),
    # Codes, separated by spaces: at most all carriers (some forty with the virtual operators), if each says not_ours.
    Column("carriers_tried", String(4000), nullable=False),
    Column("wave", BigInteger),
    Column("phone_index", Mac32),
    Column("phone", Sealed(11)),
    Column("masked", Sealed(11)),
    # The number under a key that only the citizen's own session holds (query/intake/contact.py); erased with `masked`.
    Column("contact", Sealed(11)),
    # JSON of the ID fields of its service; NULL from the carrier's verdict on.
    Column("identity", Sealed(512)),
    Column("owner", Mac32),
    Column("submission", Mac32),
    Column("fingerprint", Mac32),
    # Whom the reply is to be shown to (a partner's code, or police), until the reply: it then carries a code.
    Column("audience", Code),
    Column("consent_version", String(16), nullable=False),
    Column("accepted_at", Ms, nullable=False),
    Column("asked_at", Ms),
    Column("decided_at", Ms),
    Column("closed_at", Ms),
    # The time of the next erasure; NULL when nothing personal is left.
    Column("erase_at", Ms),
    UniqueConstraint("reference"),
    UniqueConstraint("submission"),
    Index("ix_inquiry_waiting", "waiting_for", "service", "id"),
    Index("ix_inquiry_standing", "state", "accepted_at"),
    Index("ix_inquiry_erase", "erase_at"),
)

last_inquiry = Table(
    "last_inquiry",
    metadata,
    Column("phone_index", Mac32, primary_key=True),
    Column("service", Code, primary_key=True),
    Column("accepted_at", Ms, nullable=False),
    Column("inquiry", Id16, nullable=False),
    Index("ix_last_inquiry_accepted", "accepted_at"),
)

verification_code = Table(
    "verification_code",
    metadata,
    Column("phone_index", Mac32, primary_key=True),
    Column("service", Code, primary_key=True),
    Column("owner", Mac32, primary_key=True),
    Column("mac", Mac32, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("created_at", Ms, nullable=False),
    Column("expires_at", Ms, nullable=False),
    Column("used_at", Ms),
    Index("ix_verification_code_expires", "expires_at"),
)

code_sent = Table(
    "code_sent",
    metadata,
    # One row a code that was owed, for a day: Redis may be emptied, and a number's budget must not be.
    Column("message", Id16, primary_key=True),
    Column("phone_index", Mac32, nullable=False),
    Column("sent_at", Ms, nullable=False),
    Column("identified", Boolean, nullable=False),
    Index("ix_code_sent_number", "phone_index", "sent_at"),
    Index("ix_code_sent_sent", "sent_at"),
)

session_end = Table(
    "session_end",
    metadata,
    # The Redis key that says the same (query/access/endings.py): a MAC behind a word. Redis may be emptied.
    Column("name", String(48), primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("until_at", Ms, nullable=False),
    Index("ix_session_end_until", "until_at"),
)

next_day_notice = Table(
    "next_day_notice",
    metadata,
    Column("inquiry", Id16, primary_key=True),
    Column("service", Code, nullable=False),
    Column("phone", Sealed(11), nullable=False),
    Column("due_at", Ms, nullable=False),
    Index("ix_next_day_notice_due", "due_at"),
)

wave = Table(
    "wave",
    metadata,
    # Made by this process and ordered by time, so that its seals can name it before it is stored.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("service", Code, nullable=False),
    Column("stage", SmallInteger, nullable=False),
    # Number of questions without any answer; `look`: 1 when `advance` must look at the wave.
    Column("open", SmallInteger, nullable=False),
    Column("look", SmallInteger, nullable=False),
    Column("carrier", Code),
    Column("n", Integer, nullable=False),
    Column("members", Members, nullable=False),
    Column("phones", ManySealed),
    # Kept only while a carrier is still to be asked by ID.
    Column("identities", ManySealed),
    Column("made_at", Ms, nullable=False),
    Column("decide_at", Ms, nullable=False),
    Index("ix_wave_look", "look"),
    Index("ix_wave_decide", "stage", "decide_at"),
)

question = Table(
    "question",
    metadata,
    Column("wave", BigInteger, primary_key=True, autoincrement=False),
    Column("partner", Code, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("service", Code, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("due_at", Ms, nullable=False),
    Column("lease_until", Ms, nullable=False),
    # Number of the lease; tries in a row without an answer, which set the delay until the next.
    Column("tries", SmallInteger, nullable=False),
    Column("failed", SmallInteger, nullable=False),
    # Leases that ran out because the worker was killed or held up.
    Column("lost", SmallInteger, nullable=False, server_default="0"),
    # Items still owed, and the answers so far (null = owed).
    Column("n", Integer, nullable=False),
    Column("answers", ManySealed),
    Index("ix_question_due", "partner", "state", "due_at"),
)

notice = Table(
    "notice",
    metadata,
    Column("reference", BigInteger, primary_key=True, autoincrement=False),
    Column("entrance", Code, nullable=False),
    # A MAC of the openid; the openid itself only until the notice is settled.
    Column("person", Mac32, nullable=False),
    Column("openid", Sealed(128)),
    Column("state", SmallInteger, nullable=False),
    # The platform's number of its report, and the word in it or in the response to our call.
    Column("report", String(32)),
    Column("word", String(32)),
    Column("owed_at", Ms, nullable=False),
    Index("ix_notice_owed", "state", "owed_at"),
    Index("ix_notice_person", "person"),
    Index("ix_notice_kept", "owed_at"),
)

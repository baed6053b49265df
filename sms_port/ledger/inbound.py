"""Texts of citizens to the port number: TD stops codes, 恢复 undoes it, anything else is answered with the help text.

The text itself is not kept, save the segments of a long one until all are there. A stop is confirmed once; help is sent
to a number at most once a day. No number gets more than five answers a day: the sender of a text can be made up, and
its maker must not flood a phone through us. Only mainland mobile numbers are answered, so no service number is, nor
is our own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from config.db.engine import is_duplicate, reading, transact, upsert
from config.ground import Ground
from config.phone_numbers import PHONE, mask_phone
from config.telemetry.log import get_logger
from sms_port.ledger.intents import parse_intent
from sms_port.ledger.messages import Lane, Owed, owe
from sms_port.models import Intent, inbound, inbound_segment, opt_out
from sms_port.text_coding import Segment, join_segments

DAY_MS = 86_400_000
REPEAT_MS = 600_000
"""The same text of a number without a name counts once within this time, unless another came in between."""

SEGMENT_SIGNS = 300
ANSWERS_A_DAY = 5
TEXTS = {Intent.OPT_OUT: "opt-out", Intent.OPT_IN: "opt-in", Intent.OTHER: "help"}
log = get_logger(__name__)


@dataclass(frozen=True)
class Inbound:
    """A citizen's text, or a segment of one; `name` is the gateway's id for it, empty when it gives none."""

    link: str
    name: str
    phone: str = field(repr=False)
    to: str = ""
    text: str = field(default="", repr=False)
    segment: Segment | None = None


@dataclass(frozen=True)
class TextAnswer:
    """The SMS that answers a text, "" when its answer is owed already, and what to do once all of it is committed."""

    words: str = field(repr=False)
    after_commit: Callable[[], object] | None = None


OnText: TypeAlias = Callable[[Connection, Inbound], TextAnswer | None]
"""(db, text) -> the answer to a text that the port does not know itself, or to 恢复, which others may know too.

None: no room knows it, and the port answers it. Called in the transaction that records the text.
"""


def is_opted_out(db: Connection, ground: Ground, phone: str) -> bool:
    """Return whether codes to this number are stopped."""
    mine = opt_out.c.phone_index.in_(ground.keys.phone_indexes(phone, retired=True))
    return db.execute(select(opt_out.c.at).where(mine).limit(1)).first() is not None


def not_understood(_db: Connection, _text: Inbound) -> TextAnswer | None:
    """Know no text: the OnText of a port without rooms above it."""
    return None


def record_texts(ground: Ground, texts: Sequence[Inbound], on_text: OnText = not_understood) -> None:
    """Store what citizens want and owe the answers; a text that comes twice counts once, also at the same moment."""
    citizens = [text for text in texts if PHONE.fullmatch(text.phone)]
    for link in {text.link for text in texts if text not in citizens}:
        log.info("sender_ignored", link=link)
    answers = [_recorded(ground, replace(text, phone=text.phone[-11:]), on_text) for text in citizens]
    for answer in answers:
        if answer is not None and answer.after_commit is not None:
            answer.after_commit()
    if any(answers):
        ground.bell.notify_gateway()


def remove_opt_out(db: Connection, ground: Ground, phone: str) -> bool:
    """Let codes through to this number again; whether they were stopped."""
    mine = opt_out.c.phone_index.in_(ground.keys.phone_indexes(phone, retired=True))
    return db.execute(delete(opt_out).where(mine)).rowcount > 0


def add_opt_out(db: Connection, ground: Ground, phone: str, link: str) -> bool:
    """Stop codes to this number; False when they were stopped already."""
    if is_opted_out(db, ground, phone):
        return False
    index, now = ground.keys.phone_index(phone), ground.clock.now()
    masked = ground.keys.seal(mask_phone(phone).encode(), table="opt_out", column="masked", row=index)
    db.execute(insert(opt_out).values(phone_index=index, masked=masked, link=link, at=now))
    return True


def opt_outs(ground: Ground) -> list[dict[str, Any]]:
    """Numbers, masked, whose codes are stopped; the newest first."""
    with reading(ground.engine) as db:
        rows = db.execute(select(opt_out).order_by(opt_out.c.at.desc())).all()
    opened = (
        ground.keys.open(row.masked, table="opt_out", column="masked", row=row.phone_index).decode() for row in rows
    )
    return [{"phone": phone, "link": row.link, "at": row.at} for row, phone in zip(rows, opened, strict=True)]


def _recorded(ground: Ground, text: Inbound, on_text: OnText) -> TextAnswer | None:
    """Record it; again where it met another delivery of itself, or of the same intent, which is there by then."""
    work = partial(_record, ground=ground, text=text, on_text=on_text)
    try:
        return transact(ground.engine, work)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        return transact(ground.engine, work)


def _record(db: Connection, ground: Ground, text: Inbound, on_text: OnText) -> TextAnswer | None:
    """Return the answer that is owed; None without one."""
    now, indexes = ground.clock.now(), ground.keys.phone_indexes(text.phone)
    if text.segment is not None:
        whole = _join(db, ground, text, text.segment, now)
        if whole is None:
            return None
        text = whole
    text = replace(text, text=join_segments([text.text]))  # half an emoji at a cut would break whatever encodes it
    last = _last_of(db, text.link, indexes)
    name = _name(ground, text, last, now)
    if name is None:
        return None
    known = (inbound.c.link == text.link) & (inbound.c.name == name)
    if db.execute(select(inbound.c.at).where(known).with_for_update()).first() is not None:
        return None
    intent, answered = parse_intent(text.text), _answered_today(db, indexes, now)
    known_above = intent is not Intent.OPT_OUT and len(answered) < ANSWERS_A_DAY
    answer = on_text(db, text) if known_above else None
    intent = Intent.ANSWER if answer is not None else intent
    if answer is None and _act(db, ground, text, intent, answered):
        answer = TextAnswer(ground.catalogues.current().texts.sms[TEXTS[intent]])
    at = max(now, last.at + 1) if last is not None else now  # so that texts of one number keep their order
    row = {
        "link": text.link,
        "name": name,
        "phone_index": indexes[0],
        "intent": intent,
        "answered": bool(answer),
        "at": at,
    }
    db.execute(insert(inbound).values(**row))
    if answer is not None and answer.words:
        key = ground.keys.mac("inbound-answer", text.link, name)[:16]
        owe(db, ground, [Owed(key, Lane.REPLY, text.phone, answer.words, expires_at=now + DAY_MS)])
    return answer


def _join(db: Connection, ground: Ground, text: Inbound, segment: Segment, now: int) -> Inbound | None:
    """Store a segment; returns the whole text once all its segments are there."""
    parts = (text.link, text.phone, text.to, segment.reference, segment.total)
    name = ground.keys.mac("inbound-segments", *parts)
    keys, place = ground.keys, {"table": "inbound_segment", "column": "sealed"}
    content = text.text[:SEGMENT_SIGNS].encode("utf-8", "surrogatepass")
    sealed = keys.seal(content, row=name + bytes((segment.number,)), **place)
    mine = (inbound_segment.c.link == text.link) & (inbound_segment.c.name == name)
    rows = db.execute(select(inbound_segment).where(mine).with_for_update()).all()
    known = {row.number: keys.open(row.sealed, row=name + bytes((row.number,)), **place) for row in rows}
    if known.get(segment.number, content) != content:  # another text under the same reference: phones count to 255
        known = {}
        db.execute(delete(inbound_segment).where(mine))
    known[segment.number] = content
    if len(known) < segment.total:
        row = {"link": text.link, "name": name, "number": segment.number, "sealed": sealed, "at": now}
        db.execute(upsert(inbound_segment, db.dialect.name, update=["sealed", "at"]), [row])
        return None
    db.execute(delete(inbound_segment).where(mine))
    whole = join_segments([known[number].decode("utf-8", "surrogatepass") for number in sorted(known)])
    return replace(text, name="", text=whole, segment=None)


def _last_of(db: Connection, link: str, indexes: Sequence[bytes]) -> Row[Any, Any] | None:
    """The latest text of a number over a link."""
    mine = (inbound.c.link == link) & inbound.c.phone_index.in_(indexes)
    return db.execute(select(inbound.c.name, inbound.c.at).where(mine).order_by(inbound.c.at.desc()).limit(1)).first()


def _name(ground: Ground, text: Inbound, last: Row[Any, Any] | None, now: int) -> str | None:
    """The name under which a text is stored; None when it is the last one, delivered again.

    A gateway's ids start over, so the text is part of the name. A text without an id is named by its number and words,
    and by the text before it: TD, 恢复, TD are three.
    """
    if text.name:
        return ground.keys.mac("inbound", text.link, text.name, text.phone, text.text).hex()
    digest = ground.keys.mac("inbound", text.phone, text.to, text.text).hex()[:40]
    if last is None:
        return f"{digest}-0"
    if last.name.startswith(digest) and now - last.at < REPEAT_MS:
        return None
    return f"{digest}-{last.at}"


def _answered_today(db: Connection, indexes: Sequence[bytes], now: int) -> list[int]:
    """The intents of this number's texts that were answered within a day."""
    today = inbound.c.phone_index.in_(indexes) & (inbound.c.at > now - DAY_MS)
    return list(db.scalars(select(inbound.c.intent).where(today, inbound.c.answered)))


def _act(db: Connection, ground: Ground, text: Inbound, intent: Intent, answered: Sequence[int]) -> bool:
    """Do what is wanted; returns whether that deserves an answer."""
    if intent is Intent.OPT_OUT:
        done = add_opt_out(db, ground, text.phone, text.link)
    elif intent is Intent.OPT_IN:
        done = remove_opt_out(db, ground, text.phone)
    else:
        done = Intent.OTHER not in answered
    return done and len(answered) < ANSWERS_A_DAY

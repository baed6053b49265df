"""What citizens write to the port number: TD stops codes, 恢复 undoes it, anything else gets the help text.

The text itself is not kept. A stop is confirmed once; help is sent to a number at most once a day. No number gets more
than five answers a day: the sender of a text can be made up, and whoever does so must not flood a phone through us.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from config.db.engine import is_duplicate, reading, transact
from config.ground import Ground
from config.phone_numbers import mask_phone
from sms_port.ledger.messages import Lane, Owed, owe
from sms_port.models import Intent, inbound, opt_out

OUT = frozenset({"TD", "T", "退订", "TDD"})
IN = frozenset({"恢复"})
DAY_MS = 86_400_000
ANSWERS_A_DAY = 5
TEXTS = {Intent.OPT_OUT: "opt-out", Intent.OPT_IN: "opt-in", Intent.OTHER: "help"}


@dataclass(frozen=True)
class Inbound:
    """A citizen's text; `name` is the gateway's own for it, empty when it has none."""

    link: str
    name: str
    phone: str = field(repr=False)
    to: str = ""
    text: str = field(default="", repr=False)


def parse_intent(text: str) -> Intent:
    """What a text asks for, in any width, case and with blanks around it (pure)."""
    word = unicodedata.normalize("NFKC", text).strip().upper()
    return Intent.OPT_OUT if word in OUT else Intent.OPT_IN if word in IN else Intent.OTHER


def is_opted_out(db: Connection, ground: Ground, phone: str) -> bool:
    """Whether codes to this number are stopped."""
    mine = opt_out.c.phone_index.in_(ground.keys.phone_indexes(phone))
    return db.execute(select(opt_out.c.at).where(mine).limit(1)).first() is not None


def record_texts(ground: Ground, texts: Sequence[Inbound]) -> None:
    """Keep what citizens want and owe the answers; a text that comes twice counts once, also at the same moment."""
    if any([_recorded(ground, text) for text in texts]):
        ground.bell.notify_gateway()


def remove_opt_out(db: Connection, ground: Ground, phone: str) -> bool:
    """Let codes through to this number again; whether they were stopped."""
    mine = opt_out.c.phone_index.in_(ground.keys.phone_indexes(phone))
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


def _recorded(ground: Ground, text: Inbound) -> bool:
    """Record it; once more where it met another delivery of itself, or of the same wish, which is there by then."""
    work = partial(_record, ground=ground, text=text)
    try:
        return transact(ground.engine, work)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        return transact(ground.engine, work)


def _record(db: Connection, ground: Ground, text: Inbound) -> bool:
    """Whether an answer is owed."""
    now, indexes = ground.clock.now(), ground.keys.phone_indexes(text.phone)
    name, wish = text.name or _name(ground, text, now), parse_intent(text.text)
    known = (inbound.c.link == text.link) & (inbound.c.name == name)
    if db.execute(select(inbound.c.at).where(known).with_for_update()).first() is not None:
        return False
    answer = _act(db, ground, text, wish, indexes, now)
    row = {"link": text.link, "name": name, "phone_index": indexes[0], "wish": wish, "answered": answer, "at": now}
    db.execute(insert(inbound).values(**row))
    if answer:
        words = ground.catalogues.current().texts.sms[TEXTS[wish]]
        key = ground.keys.mac("inbound-answer", text.link, name)[:16]
        owe(db, ground, [Owed(key, Lane.REPLY, text.phone, words, expires_at=now + DAY_MS)])
    return answer


def _act(db: Connection, ground: Ground, text: Inbound, wish: Intent, indexes: Sequence[bytes], now: int) -> bool:
    """Do what is wanted; whether that deserves an answer."""
    today = inbound.c.phone_index.in_(indexes) & (inbound.c.at > now - DAY_MS)
    answered = list(db.scalars(select(inbound.c.wish).where(today, inbound.c.answered)))
    if wish is Intent.OPT_OUT:
        done = add_opt_out(db, ground, text.phone, text.link)
    elif wish is Intent.OPT_IN:
        done = remove_opt_out(db, ground, text.phone)
    else:
        done = Intent.OTHER not in answered
    return done and len(answered) < ANSWERS_A_DAY


def _name(ground: Ground, text: Inbound, now: int) -> str:
    """A name for a text whose gateway gives none: the same words from the same number within a day are one text."""
    return ground.keys.mac("inbound", text.phone, text.to, text.text, str(now // DAY_MS)).hex()

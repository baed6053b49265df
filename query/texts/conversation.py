"""A citizen's texts that lead to an inquiry, acted on in the transaction that records each.

查账号 is answered with the request for the six characters, and the next text with them becomes an inquiry; one text
with both does too. The phone that wrote is the number asked about, and the reply goes to it: no code is needed. Over a
link whose senders can be made up, four digits go to the phone and must come back with the six characters; until then
nobody is asked and the number's 24 hours are not taken. Nothing of a text is kept but an inquiry's sealed characters.
"""

import hmac
from collections.abc import Mapping
from functools import partial
from secrets import randbelow, token_hex
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, select

from config.db.engine import upsert
from config.ground import Ground
from query.errors import QueryError
from query.helps.offers import end_agreed, open_offer
from query.inquiry import HELP, INTERNET_ACCOUNTS, MINUTE
from query.intake.codes import is_live_code
from query.intake.submission import vouched_submission
from query.intake.vouched import admit_vouched, announce
from query.texts.models import conversation
from query.texts.parsed_text import ParsedText, Subject, parse_text
from sms_port.ledger.inbound import Inbound, TextAnswer, is_opted_out

ENTRANCE: Final = "sms"
OPEN_MS: Final = 10 * MINUTE
"""How long the next text is waited for, as the SMS says."""


def converse(db: Connection, ground: Ground, text: Inbound) -> TextAnswer | None:
    """Act on a text that asks for an inquiry or goes on with one; None for a text about something else."""
    parsed, words = parse_text(text.text), ground.catalogues.current().texts.sms
    if parsed is None or not _is_offered(ground):
        return None
    if parsed.subject is Subject.CARDS:
        return TextAnswer(words["sms-cards"])
    begun, offer = _open_conversation(db, ground, text.phone), open_offer(db, ground, text.phone)
    if parsed.subject is Subject.DIGITS and begun is None and offer is None:
        return None
    if is_opted_out(db, ground, text.phone):
        return TextAnswer(words["opt-out"])
    return _answer(db, ground, text, parsed, begun, offer)


def _is_offered(ground: Ground) -> bool:
    catalogue = ground.catalogues.current()
    texts = "sms-inquiry-ask" in catalogue.texts.sms
    return texts and catalogue.service(INTERNET_ACCOUNTS) is not None and bool(catalogue.carriers())


def _answer(
    db: Connection,
    ground: Ground,
    text: Inbound,
    parsed: ParsedText,
    begun: Row[tuple[bytes]] | None,
    offer: Row[Any] | None,
) -> TextAnswer:
    words = ground.catalogues.current().texts.sms
    if parsed.is_full:
        _begin(db, ground, text)
        return TextAnswer(words["sms-inquiry-full"])
    if parsed.missing and (begun is not None or offer is not None):
        return TextAnswer(words["sms-inquiry-short"].format(missing=parsed.missing))
    echoed = _is_trusted(ground, text.link) or _is_echo(ground, text.phone, begun, parsed.echo)
    if not parsed.tail or not echoed or is_live_code(db, ground, text.phone, parsed.tail):
        return _ask(db, ground, text)
    return _submit(db, ground, text.phone, parsed.tail, offer)


def _submit(db: Connection, ground: Ground, phone: str, tail: str, offer: Row[Any] | None) -> TextAnswer:
    """Start the inquiry, and end the conversation and the helper's offer that it answers."""
    words: Mapping[str, str] = ground.catalogues.current().texts.sms
    db.execute(delete(conversation).where(conversation.c.phone_index.in_(ground.keys.phone_indexes(phone))))
    owner, entrance = ground.keys.mac("text-owner", phone), ENTRANCE if offer is None else HELP
    wanted = vouched_submission(entrance=entrance, phone=phone, id_tail=tail, owner=owner, key=token_hex(16))
    admission, _ = admit_vouched(db, ground, wanted)
    if isinstance(admission, QueryError):
        return TextAnswer(words["sms-inquiry-too-soon"])
    if offer is not None:
        end_agreed(db, ground, offer)
    return TextAnswer(words["sms-inquiry-accepted"], partial(announce, ground))


def _ask(db: Connection, ground: Ground, text: Inbound) -> TextAnswer:
    """Ask for the six characters, and for four new digits where the sender can be made up."""
    echo = _begin(db, ground, text)
    words = ground.catalogues.current().texts.sms
    return TextAnswer(words["sms-inquiry-ask-digits"].format(digits=echo) if echo else words["sms-inquiry-ask"])


def _begin(db: Connection, ground: Ground, text: Inbound) -> str:
    """Wait for the sender's next text; returns the four digits that it must bring, if any."""
    echo = "" if _is_trusted(ground, text.link) else f"{randbelow(10_000):04d}"
    row = {
        "phone_index": ground.keys.phone_index(text.phone),
        "echo": _mac(ground, text.phone, echo) if echo else None,
        "expires_at": ground.clock.now() + OPEN_MS,
    }
    db.execute(upsert(conversation, db.dialect.name, [row], update=["echo", "expires_at"]))
    return echo


def _open_conversation(db: Connection, ground: Ground, phone: str) -> Row[tuple[bytes]] | None:
    """The locked row of the conversation with this number, if one is open; the newest while keys rotate."""
    mine = conversation.c.phone_index.in_(ground.keys.phone_indexes(phone))
    found = select(conversation.c.echo).where(mine, conversation.c.expires_at > ground.clock.now())
    return db.execute(found.order_by(conversation.c.expires_at.desc()).limit(1).with_for_update()).first()


def _is_trusted(ground: Ground, code: str) -> bool:
    link = ground.catalogues.current().link(code)
    return link is not None and link.trusted_sender


def _is_echo(ground: Ground, phone: str, begun: Row[tuple[bytes]] | None, typed: str) -> bool:
    stored = begun.echo if begun is not None else None
    return bool(stored and typed) and hmac.compare_digest(stored or b"", _mac(ground, phone, typed))


def _mac(ground: Ground, phone: str, echo: str) -> bytes:
    return ground.keys.mac("text-echo", phone, echo)

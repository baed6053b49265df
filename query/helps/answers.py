"""A relative's words to an offer, other than the six characters: no, yes without them, and taking a no back."""

import re
import unicodedata
from enum import Enum
from typing import Final

from sqlalchemy import Connection

from config.ground import Ground
from query.helps.offers import open_offer, refuse, unblock
from sms_port.ledger.inbound import Inbound, TextAnswer, remove_opt_out

LONGEST: Final = 20
_POLITE: Final = re.compile("谢谢|多谢|回复|请|我")
_NO: Final = re.compile("不要|不要了|不同意|不用|不用了|不需要|不想|不查|不认识|不愿意|不可以|不行|不|别查")
_YES: Final = re.compile("同意|同意查|好|好的|可以|行|愿意|OK|YES|要|查")
_RESUME: Final = re.compile("恢复|恢復|HF")


class Word(Enum):
    """The meaning of a text."""

    NO = "no"
    YES = "yes"
    RESUME = "resume"


def parse_word(text: str) -> Word | None:
    """Return the meaning of a text; None: none of these. Pure."""
    if len(text) > LONGEST:
        return None
    wide = unicodedata.normalize("NFKC", text).upper()
    plain = _POLITE.sub("", "".join(sign for sign in wide if unicodedata.category(sign)[0] in "LN"))
    kinds = ((_RESUME, Word.RESUME), (_NO, Word.NO), (_YES, Word.YES))
    return next((word for pattern, word in kinds if pattern.fullmatch(plain)), None)


def answer_offer(db: Connection, ground: Ground, text: Inbound) -> TextAnswer | None:
    """Act on a relative's word, in the transaction that records it; None: it is about something else."""
    word, words = parse_word(text.text), ground.catalogues.current().texts.sms
    if word is None or "help-offer" not in words:
        return None
    if word is Word.RESUME:
        if not unblock(db, ground, text.phone):
            return None
        remove_opt_out(db, ground, text.phone)
        return TextAnswer(words["opt-in"])
    if open_offer(db, ground, text.phone) is None:
        return None
    if word is Word.YES:
        return TextAnswer(words["help-offer-digits"])
    refuse(db, ground, text.phone)
    return TextAnswer(words["help-blocked"])

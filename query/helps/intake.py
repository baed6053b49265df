"""A helper's wish, parsed and decided: her code is used up, her own limits are kept, and the offer is made."""

from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from config.db.engine import is_duplicate, transact
from config.failpoints import failpoint
from config.ground import Ground
from query.errors import CodeWrong, OwnNumber, PhoneInvalid, QueryError, RelativeInvalid, Unavailable
from query.helps.models import help_offer
from query.helps.offers import Wanted, make_offer, why_not
from query.inquiry import HELP
from query.intake.codes import PhoneHolder, count_wrong, lock_codes, try_code, use_up
from query.intake.fields import parse_code, parse_phone
from query.services import check_helps
from sms_port.ledger.messages import Lane

MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ParsedHelp:
    """A helper's filled form, parsed."""

    holder: PhoneHolder
    wanted: Wanted
    code: str = field(repr=False)


def parse_help(ground: Ground, *, helper: str, code: str, relative: str, owner: bytes) -> ParsedHelp:
    """Parse a form. Raises ServiceUnknown, PhoneInvalid, RelativeInvalid, OwnNumber, CodeInvalid."""
    check_helps(ground.catalogues.current())
    own, other = parse_phone(helper), _parse_relative(relative)
    if own == other:
        raise OwnNumber("the relative's number is the helper's own")
    typed = parse_code(code)
    holder = PhoneHolder(tuple(ground.keys.phone_indexes(own)), HELP, owner)
    submission = ground.keys.mac("help-submission", owner, own, other, typed)
    return ParsedHelp(holder, Wanted(own, other, submission), typed)


def _parse_relative(text: str) -> str:
    try:
        return parse_phone(text)
    except PhoneInvalid as error:
        raise RelativeInvalid(error.detail) from None


def submit_help(ground: Ground, parsed: ParsedHelp) -> str:
    """Make the offer and return its reference; when this returns, it is committed.

    Raises CodeWrong, CodeExpired, HelpTooSoon, HelpsUsedUp, Unavailable.
    """
    for _ in range(MAX_ATTEMPTS):
        try:
            decided = transact(ground.engine, partial(_decide, ground=ground, parsed=parsed))
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            continue
        if isinstance(decided, QueryError):
            raise decided
        ground.bell.notify_gateway(Lane.REPLY.bell)
        return str(decided)
    raise Unavailable("no free reference was found")


def _decide(db: Connection, ground: Ground, parsed: ParsedHelp) -> int | QueryError:
    code = lock_codes(db, [parsed.holder], wait=True).get(parsed.holder)
    mine = help_offer.c.submission == parsed.wanted.submission
    earlier: int | None = db.execute(select(help_offer.c.reference).where(mine)).scalar()
    if earlier is not None:
        return earlier
    now = ground.clock.now()
    why = try_code(ground, code, parsed.code, now)
    if why is not None:
        if isinstance(why, CodeWrong) and code is not None:
            count_wrong(db, [code])
        return why
    use_up(db, [code] if code is not None else [], now)
    refused = why_not(db, ground, parsed.wanted, now)
    if refused is not None:
        return refused
    reference = make_offer(db, ground, parsed.wanted, now)
    failpoint("help.before_commit")
    return reference

"""Count waves: their questions, and their end in one reply to each member."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Row, select

from config.catalogue.schema import Catalogue
from config.db.engine import id_in
from config.ground import Ground
from config.telemetry.metrics import count_answers
from query.inquiry import INTERNET_ACCOUNTS, State, accepted_at
from query.models import inquiry, question
from query.proofs.verdict import add_code
from query.reply import Company, Reply, compose_reply
from query.services import times_of
from query.settling.after_commit import AfterCommit, OwnedWave
from query.settling.ending import describe, send_reply_and_end
from query.waves.questions import COUNT, StoredAnswer, add_question, open_answers
from query.waves.waves import Wave, finish, lock_members, shrink


@dataclass(frozen=True, slots=True)
class PartnerAnswers:
    """A partner that was asked: its name in the SMS, its closed hours, and its answers in member order."""

    code: str
    company: Company
    closed: tuple[str, ...]
    answers: Sequence[StoredAnswer]


def start_counting(db: Connection, ground: Ground, counted: Wave, now: int, after: AfterCommit) -> Wave:
    """Store a count question to each partner of the service; return the wave with that number of open questions.

    Questions to partners that this process asks itself are leased to it at once, so that no worker needs to claim them.
    """
    catalogue = ground.catalogues.current()
    asked = catalogue.enterprises() if counted.service == INTERNET_ACCOUNTS else catalogue.carriers()
    codes = [partner.code for partner in asked]
    leases = after.choose(asked)
    add_question(db, counted.id, counted.service, codes, COUNT, len(counted.members), now=now, leases=leases)
    after.jobs.update(("ask", code) for code in codes if code not in leases)
    whole = replace(counted, open=len(codes))
    after.owned = OwnedWave(whole, leases) if leases else None
    return whole


def settle_counts(db: Connection, ground: Ground, whole: Wave, now: int, after: AfterCommit) -> None:
    """Reply to the members of a locked count wave whose answers are complete or whose time is over; keep the rest."""
    times = times_of(ground.catalogues.current(), whole.service)
    present = lock_members(db, ground, whole, State.ASKING)
    asked = _answers(db, ground, whole)
    replies: dict[bytes, tuple[str, Reply]] = {}
    waiting: dict[int, int] = {}
    for place, member in enumerate(whole.members):
        if member not in present:
            continue
        ends = [whole.deadline(member, times, one.closed) for one in asked if one.answers[place] is None]
        if ends and now < max(ends):
            waiting[place] = max(ends)
        else:
            replies[member] = (whole.phones[place], _compose(ground, whole, place, asked))
    if replies:
        replies |= _verifiable(db, ground, replies)
        send_reply_and_end(db, ground, whole.service, State.ASKING, replies, now)
        _count(asked, [place for place, member in enumerate(whole.members) if member in replies])
    if waiting:
        shrink(db, ground, whole, list(waiting), times, decide_at=min(waiting.values()))
    else:
        finish(db, whole.id)
    after.messages = bool(replies)


def _verifiable(
    db: Connection, ground: Ground, replies: Mapping[bytes, tuple[str, Reply]]
) -> dict[bytes, tuple[str, Reply]]:
    """The replies that their citizens want to show, with a code."""
    wanted = select(inquiry.c.id, inquiry.c.audience).where(
        id_in(inquiry.c.id, replies), inquiry.c.audience.is_not(None)
    )
    return {
        row.id: (replies[row.id][0], add_code(ground, replies[row.id][1], row.audience, accepted_at(row.id)))
        for row in db.execute(wanted)
    }


def _count(asked: Sequence[PartnerAnswers], places: Sequence[int]) -> None:
    """Count for the metrics, per partner, the members whose answer was told and those without one."""
    for one in asked:
        answered = sum(isinstance(one.answers[place], dict) for place in places)
        count_answers(one.code, answered=answered, unavailable=len(places) - answered)


def _answers(db: Connection, ground: Ground, whole: Wave) -> list[PartnerAnswers]:
    """Return each partner's answers, in the order of the SMS."""
    mine = select(question).where(question.c.wave == whole.id, question.c.kind == COUNT)
    rows = db.execute(mine.order_by(question.c.partner).with_for_update()).all()
    catalogue = ground.catalogues.current()
    places = {partner.code: place for place, partner in enumerate(catalogue.partners)}

    def place(row: Row[tuple[object, ...]]) -> int:
        return places.get(row.partner, len(places))

    return [
        _answers_of(catalogue, row.partner, open_answers(ground, row, whole.members)) for row in sorted(rows, key=place)
    ]


def _answers_of(catalogue: Catalogue, code: str, answers: Sequence[StoredAnswer]) -> PartnerAnswers:
    partner = catalogue.partner(code)
    if partner is None:
        # Removed from the catalogue while it was asked: only its code is left.
        return PartnerAnswers(code, Company(code, ()), (), answers)
    company = Company(partner.short_name, tuple((item.code, item.name.zh) for item in partner.counted))
    return PartnerAnswers(code, company, partner.closed, answers)


def _compose(ground: Ground, whole: Wave, place: int, asked: Sequence[PartnerAnswers]) -> Reply:
    texts = ground.catalogues.current().texts.sms
    words = describe(whole.service, whole.members[place], whole.phones[place])
    dated = whole.identities is not None and "held_since" in whole.identities[place]
    answers = [(one.company, _counts(one.answers[place])) for one in asked]
    return compose_reply(texts, words, answers, dated=dated)


def _counts(answer: StoredAnswer) -> dict[str, int] | None:
    return answer if isinstance(answer, dict) else None

"""Proves, after any run, what must always hold (architecture 9), from the database and from what the outside received.

It returns findings, a sentence each, and never stops at the first. It knows nothing of how the run went, only what the
citizens were promised and what the companies, had they been asked at any time, would have said.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any

from sqlalchemy import Row, select

from config.db.engine import reading
from config.ground import Ground
from enterprises.sandbox.partners import count_of, verdict_of
from query.models import inquiry, last_inquiry, question, verification_code, wave
from sms_port.models import AttemptResult, Lane, attempt, message
from tests.faults.external_services import Asked, Outside, Sent
from tests.faults.instance import Citizen
from tests.faults.objection_checker import of_objections

HOUR = 3_600_000
CLOSED, OVER, DONE = 3, 2, 2
ANSWERED, PARTIAL, UNSUCCESSFUL = 0, 1, 2
ACCEPTED, LAST_OPEN = 3, 2
CALLS_AT_MOST = 20
IN_FLIGHT_MS = 60_000
"""A call that began before the decision may arrive a little after it."""
RESEND = "（补发）"
NEXT_DAY = re.compile("^【一证通查】您[0-9]+月[0-9]+日查询过[^0-9]+$")
UNFINISHED = "未完成"
TOTAL = re.compile(r"(\d+)个账号：")
TOLD = re.compile(r"([^，：。]+?)(\d+)个")


@dataclass
class Seen:
    """Everything the checker looks at."""

    citizens: Mapping[str, Citizen]
    inquiries: Sequence[Row[Any]]
    messages: Mapping[bytes, Row[Any]]
    notices: set[bytes]
    attempts: Mapping[bytes, list[Row[Any]]]
    rest: Mapping[str, Sequence[Row[Any]]]
    sent: Mapping[str, list[Sent]]
    asked: Mapping[str, list[Asked]]
    names: Mapping[str, str]
    phones: dict[bytes, str] = field(default_factory=dict)


def check(
    ground: Ground, outside: Outside, citizens: Sequence[Citizen], *, floor: float = 0.99, hours: float = 48
) -> list[str]:
    """Every promise that was broken. `floor`: the least part of those who match that must be `answered`."""
    seen = look(ground, outside, citizens)
    checks = (existence, decisions, replies, next_day, questions, ledger, erasure)
    found = [finding for each in checks for finding in each(seen)]
    late = [row for row in seen.inquiries if (row.closed_at or 0) > row.accepted_at + hours * HOUR]
    found += [f"inquiry {row.id.hex()} was closed late" for row in late]
    fit = [row for row in seen.inquiries if expected_verdict(seen, row) == "match"]
    answered = sum(row.outcome == ANSWERED for row in fit)
    if answered < floor * len(fit):
        found.append(f"only {answered} of {len(fit)} were answered in full")
    return found


def look(ground: Ground, outside: Outside, citizens: Sequence[Citizen]) -> Seen:
    """Read everything once."""
    with reading(ground.engine) as db:
        tables = {table.name: db.execute(select(table)).all() for table in (inquiry, message, attempt, wave, question)}
        tables |= {table.name: db.execute(select(table)).all() for table in (last_inquiry, verification_code)}
    others = of_objections(ground)  # theirs are proved by objection_checker.py
    tables["message"] = [row for row in tables["message"] if row.id not in others]
    attempts, sent, asked = (
        defaultdict[bytes, list[Any]](list),
        defaultdict[str, list[Sent]](list),
        defaultdict[str, list[Asked]](list),
    )
    for row in tables["attempt"]:
        attempts[row.message].append(row)
    for item in outside.sent:
        if bytes.fromhex(item.reference.partition("-")[0]) not in others:
            sent[item.phone].append(item)
    for each in outside.asked:
        if bytes.fromhex(each.inquiry) not in others:
            asked[each.inquiry].append(each)
    by_index = {ground.keys.phone_index(citizen.phone): citizen.phone for citizen in citizens}
    # After 30 days nothing tells whose an inquiry was, but the reference that its citizen was given.
    promised = {told["reference"]: citizen.phone for citizen in citizens for told in citizen.promised}
    catalogue = ground.catalogues.current()
    return Seen(
        citizens={citizen.phone: citizen for citizen in citizens},
        inquiries=tables["inquiry"],
        messages={row.id: row for row in tables["message"]},
        notices={ground.keys.mac("next-day", row.id)[:16] for row in tables["inquiry"]},
        attempts=attempts,
        rest=tables,
        sent=sent,
        asked=asked,
        names={one.name.zh: one.code for partner in catalogue.enterprises() for one in partner.counted},
        phones={
            row.id: by_index.get(row.phone_index, "") if row.phone_index else promised.get(str(row.reference), "")
            for row in tables["inquiry"]
        },
    )


def expected_verdict(seen: Seen, row: Row[Any]) -> str:
    """Return what the carriers say of whoever made this inquiry."""
    citizen = seen.citizens.get(seen.phones[row.id])
    return verdict_of(citizen.phone, citizen.id_tail) if citizen else "nobody"


def existence(seen: Seen) -> Iterator[str]:
    """Each 202 is one inquiry, and each inquiry is a citizen's; one for each number in 24 hours."""
    times = defaultdict[str, list[int]](list)
    for row in seen.inquiries:
        times[seen.phones[row.id]].append(row.accepted_at)
    for phone, citizen in seen.citizens.items():
        references = {told["reference"] for told in citizen.promised}
        here = {str(row.reference) for row in seen.inquiries if seen.phones[row.id] == phone}
        if references - here:
            yield f"lost: {phone} was promised what is not there"
        if len(references) < len(here):
            yield f"phantom: {phone} was promised {len(references)} of {len(here)} inquiries"
        accepted = sorted(times[phone])
        if any(later - earlier < 24 * HOUR for earlier, later in pairwise(accepted)):
            yield f"doubled: {phone} has two inquiries within a day"
    if times[""]:
        yield f"phantom: {len(times[''])} inquiries of nobody"
    owners = {row.inquiry for row in seen.rest["last_inquiry"]}
    yield from (f"phantom: a day is taken for {one.hex()}" for one in owners - {row.id for row in seen.inquiries})


def decisions(seen: Seen) -> Iterator[str]:
    """Each ended once, in time, with the outcome that the carrier's word allows; nothing is left open."""
    for row in seen.inquiries:
        name = f"inquiry {row.id.hex()}"
        if row.state != CLOSED or row.outcome is None or row.decided_at is None or row.closed_at is None:
            yield f"lost: {name} stands in state {row.state}"
            continue
        if row.decided_at > row.accepted_at + 44 * HOUR + IN_FLIGHT_MS:
            yield f"late: {name} was decided after 44 h"
        if not row.accepted_at <= row.decided_at <= row.closed_at:
            yield f"{name} was closed before it was decided"
        if row.outcome != UNSUCCESSFUL and expected_verdict(seen, row) != "match":
            yield f"{name} was answered, and is {expected_verdict(seen, row)}"
    for table, open_state in (("wave", OVER), ("question", DONE)):
        states = Counter(getattr(row, "stage" if table == "wave" else "state") for row in seen.rest[table])
        left = sum(count for state, count in states.items() if state < open_state)
        if left:
            yield f"backlog: {left} of {table} are open"


def replies(seen: Seen) -> Iterator[str]:
    """One reply each, of the right outcome and counts, to the right number; a second one only flagged."""
    sent = defaultdict[str, dict[str, Sent]](dict)
    for item in chain.from_iterable(seen.sent.values()):
        if item.status == "accepted" and "验证码" not in item.text and not NEXT_DAY.search(item.text):
            sent[item.reference.partition("-")[0]][item.reference] = item
    for row in seen.inquiries:
        mine = list(sent.pop(row.id.hex(), {}).values())
        flagged = len(mine) == 2 and seen.messages[row.id].sending == 2 and sum(RESEND in one.text for one in mine) == 1
        if len(mine) != 1 and not flagged:
            yield f"{'doubled' if mine else 'lost'}: inquiry {row.id.hex()} got {len(mine)} replies"
        for item in mine:
            if item.at > row.accepted_at + 48 * HOUR + IN_FLIGHT_MS:
                yield f"late: the reply to {row.id.hex()} was handed over after 48 h"
            yield from _wrong_words(seen, row, item)
    yield from (f"phantom: a reply under {reference}" for reference in sent)
    yield from (f"wrong number: {phone} got an SMS" for phone in seen.sent if phone not in seen.citizens)


def next_day(seen: Seen) -> Iterator[str]:
    """The next day tells of each inquiry once at most, and not before a day has passed."""
    for phone, items in seen.sent.items():
        mine = {one.reference: one for one in items if one.status == "accepted" and NEXT_DAY.search(one.text)}
        accepted = [row.accepted_at for row in seen.inquiries if seen.phones[row.id] == phone]
        if len(mine) > len(accepted):
            yield f"doubled: {phone} was told {len(mine)} times the next day of {len(accepted)} inquiries"
        for one in mine.values():
            if not any(at + 24 * HOUR <= one.at for at in accepted):
                yield f"early: {phone} was told of an inquiry within its day"


def _wrong_words(seen: Seen, row: Row[Any], item: Sent) -> Iterator[str]:
    name = f"inquiry {row.id.hex()}"
    if item.phone != seen.phones[row.id]:
        yield f"wrong number: the reply to {name} went to {item.phone}"
    if f"{item.phone[:3]}****{item.phone[7:]}" not in item.text or item.phone in item.text:
        yield f"{name}: the number in the reply is not masked as it should be"
    if (UNFINISHED in item.text) != (row.outcome == UNSUCCESSFUL):
        yield f"{name}: words and outcome differ"
    elif row.outcome != UNSUCCESSFUL:
        yield from _wrong_counts(seen, row, item, name)


def _wrong_counts(seen: Seen, row: Row[Any], item: Sent, name: str) -> Iterator[str]:
    listed = item.text.partition("个账号：")[2]
    told = {seen.names.get(who, who): int(count) for who, count in TOLD.findall(listed)}
    wrong = {code for code, count in told.items() if count != count_of(code, item.phone)}
    total = TOTAL.search(item.text)
    if total and "其余" not in listed and int(total[1]) != sum(told.values()):
        wrong.add("the total")
    if wrong:
        yield f"{name}: wrong counts for {sorted(wrong)}"
    missing = set(seen.names.values()) - set(told)
    if bool(missing) != (row.outcome == PARTIAL) or bool(missing) != ("未反馈" in item.text or "均未按时" in item.text):
        yield f"{name}: {sorted(missing)} are missing and the reply hides it"


def questions(seen: Seen) -> Iterator[str]:
    """Nobody was asked before their turn, after the decision, too often, or told more than they need."""
    by_id = {row.id.hex(): row for row in seen.inquiries}
    for number, asked in seen.asked.items():
        row = by_id.get(number)
        if row is None:
            yield f"phantom: a question about {number}"
            continue
        matches = [one.order for one in asked if one.kind == "identity" and (one.told or {}).get("verdict") == "match"]
        for one in asked:
            wanted = {"phone", "id_tail"} if one.kind == "identity" else {"phone"}
            if set(one.item) != wanted or one.item["phone"] != seen.phones[row.id]:
                yield f"{number}: {one.partner} was told something else than {sorted(wanted)}"
            if one.kind == "count" and not (matches and min(matches) < one.order):
                yield f"{number}: {one.partner} was asked before the carrier said match"
            if row.decided_at is not None and one.at > row.decided_at + IN_FLIGHT_MS:
                yield f"{number}: {one.partner} was asked after the decision"
        often = [
            who for who, count in Counter((one.partner, one.kind) for one in asked).items() if count > CALLS_AT_MOST
        ]
        yield from (f"{number}: {who} was asked more than {CALLS_AT_MOST} times" for who in often)


def ledger(seen: Seen) -> Iterator[str]:
    """Each inquiry owes one message and each reply is an inquiry's; no sending was accepted twice."""
    owed = {number for number, row in seen.messages.items() if row.lane == Lane.REPLY} - seen.notices
    known = {row.id for row in seen.inquiries}
    yield from (f"phantom: a reply to {number.hex()}" for number in owed - known)
    yield from (f"lost: no reply is owed to {number.hex()}" for number in known - owed)
    for number, row in seen.messages.items():
        taken = Counter(one.sending for one in seen.attempts[number] if one.result == AttemptResult.ACCEPTED)
        if max(taken.values(), default=0) > 1 or row.sending > 2 or (row.lane == Lane.CODE and row.sending > 1):
            yield f"doubled: message {number.hex()}"
        if row.state <= LAST_OPEN and number not in seen.notices:  # the next day's may be owed at this very moment
            yield f"backlog: message {number.hex()} is in state {row.state}"


def erasure(seen: Seen) -> Iterator[str]:
    """Return what is settled holds no number, ID digit, count or text any more."""
    for row in seen.inquiries:
        if row.state == CLOSED and (row.phone is not None or row.identity is not None):
            yield f"not erased: inquiry {row.id.hex()}"
    yield from (
        f"not erased: wave {row.id}"
        for row in seen.rest["wave"]
        if row.stage == OVER and (row.phones or row.identities)
    )
    yield from (
        f"not erased: question of wave {row.wave}" for row in seen.rest["question"] if row.state == DONE and row.answers
    )
    done = (row for row in seen.messages.values() if row.state >= ACCEPTED and row.sealed is not None)
    yield from (f"not erased: message {row.id.hex()}" for row in done)

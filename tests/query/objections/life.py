"""Playing objections: a citizen who submits one, the workers' steps, the messages, and partners that report."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from config.db.engine import begin, reading
from config.ground import Ground
from config.times.formats import shanghai
from enterprises.request_protocol import parse_reports
from query.objections.follow import follow
from query.objections.inbound import answer_text
from query.objections.intake import AcceptedObjection, ObjectionForm, submit_objection
from query.objections.jobs import OWNERS, follow_all, record_reports
from query.objections.models import objection
from query.requests.models import request
from query.requests.relay import relay
from query.requests.store import RequestState
from query.wiring import record_outcome
from sms_port.ledger.messages import Lane, Outcome
from sms_port.ledger.payload import open_payload
from sms_port.models import message
from tests.query.partner_stub import OWNER, PHONE, ask_code, rows

__all__ = ["follow"]


def object_to(
    ground: Ground,
    *applications: str,
    wish: str = "dispute",
    phone: str = PHONE,
    owner: bytes = OWNER,
    code: str | None = None,
    **more: Any,
) -> AcceptedObjection:
    """One accepted objection, with its own code."""
    typed = code if code is not None else ask_code(ground, phone, owner, "objection")
    form = {"wish": wish, "applications": applications, "entrance": "web", "owner": owner, "phone": phone}
    return submit_objection(ground, ObjectionForm(**{**form, "id_tail": "12345X", "code": typed, **more}))


def work(ground: Ground) -> None:
    """The steps of the workers, until nothing is due."""
    for _ in range(20):
        follow_all(ground)
        due = due_partners(ground)
        if not due:
            return
        for partner in due:
            relay(ground, partner, OWNERS)
    raise AssertionError("there is always more to do")


def due_partners(ground: Ground) -> list[str]:
    now = ground.clock.now()
    enabled = {one.code for one in ground.catalogues.current().partners if one.enabled}
    due = [row.partner for row in rows(ground, request) if row.state == RequestState.DUE and row.due_at <= now]
    return sorted(enabled & set(due))


def sent(ground: Ground, phone: str = PHONE) -> list[str]:
    """The texts owed to a number that are still kept, without codes."""
    with reading(ground.engine) as db:
        kept = db.execute(select(message).where(message.c.sealed.is_not(None)).order_by(message.c.created_at)).all()
    letters = [open_payload(ground.keys, row.id, row.sealed) for row in kept if row.lane == Lane.REPLY]
    texts = [letter.text for letter in letters if letter.phone == phone]
    return sorted(texts, key=lambda text: "已受理" not in text)  # both may be of one millisecond


def hand_over(ground: Ground, kind: str = "accepted") -> None:
    """The gateway's word on every reply that is owed; the texts are then gone, as in the port."""
    with begin(ground.engine) as db:
        ids = list(db.execute(select(message.c.id).where(message.c.lane == Lane.REPLY)).scalars())
        outcomes: list[Any] = [Outcome(number, Lane.REPLY, kind, ground.clock.now()) for number in ids]  # type: ignore[arg-type]
        record_outcome(ground, db, outcomes)
        db.execute(message.delete().where(message.c.lane == Lane.REPLY))


def report(ground: Ground, partner: str, state: str, reason: str | None = None, application: str = "") -> int:
    """A partner's report about everything (or one application) that it was sent."""
    mine = [row for row in rows(ground, request) if row.partner == partner and application in ("", row.application)]
    items = [{"id": row.id.hex(), "state": state, **({"reason": reason} if reason else {})} for row in mine]
    told = parse_reports(json.dumps({"items": items}).encode(), shanghai(ground.clock.now()).date())
    return record_reports(ground, partner, told.findings)


def write(ground: Ground, text: str, phone: str = PHONE) -> str | None:
    """A citizen's text, as the SMS port hands it up."""
    with begin(ground.engine) as db:
        return answer_text(db, ground, phone, text)


def one(ground: Ground) -> Any:
    """The only objection."""
    (row,) = rows(ground, objection)
    return row

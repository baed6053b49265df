"""The outside world of the pipeline's tests: partners that answer as a test says, citizens, a gateway's word."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, request
from sqlalchemy import select

from config.db.engine import begin, reading
from config.ground import Ground
from enterprises import circuit_breaker
from enterprises.sandbox.partners import count_of, verdict_of
from query.asking import jobs
from query.asking.bulkheads import Bulkheads
from query.asking.calls import call_partner
from query.asking.gather import claim_inquiries
from query.asking.permits import acquire_permits
from query.asking.results import record_results
from query.asking.rounds import LocalAsker
from query.inquiry import IDENTITY_FIELDS, INTERNET_ACCOUNTS, PHONE_CARDS
from query.intake.codes import request_code
from query.intake.fields import parse_phone
from query.intake.submission import Submission, parse_submission
from query.intake.submit import Accepted, submit
from query.models import inquiry, question, wave
from query.settling.advance import advance
from query.settling.closing import record_outcome
from query.waves.questions import QuestionState
from query.waves.waves import Stage
from sms_port.ledger.messages import Lane, Outcome
from sms_port.ledger.payload import Payload, open_payload
from sms_port.models import message
from tests.support.servers import PATIENCE_S

PHONE = "13800138000"
ID_NUMBER = "11010519491231002X"
OWNER, OTHER = b"o" * 32, b"p" * 32
ENTERPRISES = ["tencent", "alibaba", "alipay", "douyin", "kuaishou", "baidu", "jd", "meituan"]

Body = Mapping[str, Any]
Play = Callable[[Body, Body], Body | int | None]
"""(item, question) -> the item's answer; a number is the HTTP status of the whole call; None leaves the item out."""


class Partners:
    """Every partner of the catalogue on one address: the sandbox's facts, unless a test plays otherwise."""

    ground: Ground

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget the last test."""
        self.plays: dict[str, Play] = {}
        self.bodies: dict[str, Callable[[Body], bytes]] = {}
        self.calls: list[tuple[str, Body]] = []
        self.headers: dict[str, str] = {}
        self.before: Callable[[str], None] = lambda code: None
        self.request_plays: dict[str, Play] = {}
        self.requests: list[tuple[str, Body]] = []

    def app(self) -> Flask:
        app = Flask("partners")

        @app.post("/partners/<code>/v1/lookups")
        def look_up(code: str) -> Response:
            asked = request.get_json()
            with self.lock:
                self.calls.append((code, asked))
            self.before(code)
            if code in self.bodies:
                return Response(self.bodies[code](asked), content_type="application/json")
            play = self.plays.get(code, lambda item, asked: self.facts(code, item, asked["kind"]))
            answers = [play(item, asked) for item in asked["items"]]
            status = next((answer for answer in answers if isinstance(answer, int)), 200)
            body_asked = [
                {"id": item["id"], **answer}
                for item, answer in zip(asked["items"], answers, strict=True)
                if isinstance(answer, Mapping)
            ]
            body = json.dumps({"batch": asked["batch"], "items": body_asked})
            return Response(body, status, headers=self.headers, content_type="application/json")

        @app.post("/partners/<code>/v1/requests")
        def take(code: str) -> Response:
            asked = request.get_json()
            with self.lock:
                self.requests.append((code, asked))
            self.before(code)
            play = self.request_plays.get(code, state("done"))
            answers = [play(item, asked) for item in asked["items"]]
            status = next((answer for answer in answers if isinstance(answer, int)), 200)
            body_asked = [
                {"id": item["id"], **answer}
                for item, answer in zip(asked["items"], answers, strict=True)
                if isinstance(answer, Mapping)
            ]
            body = {"batch": asked["batch"], **({"items": body_asked} if status == 200 else {})}
            return Response(json.dumps(body), status, headers=self.headers, content_type="application/json")

        return app

    def facts(self, code: str, item: Body, kind: str) -> Body:
        """The sandbox's facts for everyone."""
        if kind == "tenure":
            return {"verdict": "same"}
        if kind == "identity":
            return {"verdict": verdict_of(item["phone"], item.get("id_tail") or item["id_number"])}
        partner = self.ground.catalogues.current().partner(code)
        assert partner is not None
        subject = item.get("phone") or item["id_number"]
        return {"counts": {one.code: count_of(one.code, subject) for one in partner.counted}}

    def requested(self, kind: str | None = None) -> list[tuple[str, Body]]:
        """(partner, item) of every request, in order, repetitions and all."""
        calls = [(code, body_asked) for code, body_asked in self.requests if kind in (None, body_asked["kind"])]
        return [(code, item) for code, body_asked in calls for item in body_asked["items"]]

    def asked(self, code: str, kind: str | None = None) -> list[str]:
        """Every item id this partner was asked, in order, repetitions and all."""
        calls = [body_asked for who, body_asked in self.calls if who == code and kind in (None, body_asked["kind"])]
        return [item["id"] for body_asked in calls for item in body_asked["items"]]


def retry(_: Body, __: Body) -> Body:
    return {"error": "retry"}


def status(number: int) -> Play:
    return lambda item, asked: number


def verdict(word: str) -> Play:
    return lambda item, asked: {"verdict": word}


def state(word: str, reason: str | None = None, **more: str) -> Play:
    """The answer to a request."""
    return lambda item, asked: {"state": word, **({"reason": reason} if reason else {}), **more}


def ask_code(ground: Ground, phone: str = PHONE, owner: bytes = OWNER, service: str = INTERNET_ACCOUNTS) -> str:
    """Request a code and read it off the SMS that this makes."""
    before = {row.id for row in rows(ground, message)}
    request_code(ground, service=service, phone=phone, owner=owner)
    (sent,) = (row for row in rows(ground, message) if row.id not in before)
    sms = open_payload(ground.keys, sent.id, sent.sealed)
    assert sms.phone == parse_phone(phone)
    return sms.text.partition("验证码")[2][:6]


def wrong(code: str) -> str:
    """A code that is another."""
    return f"{(int(code) + 1) % 10**6:06d}"


def form(phone: str = PHONE, owner: bytes = OWNER, code: str = "", **others: Any) -> Submission:
    service = others.pop("service", INTERNET_ACCOUNTS)
    identity = {"name": "张三", "id_number": ID_NUMBER} if service == PHONE_CARDS else {"id_tail": "12345X"}
    typed = {"phone": phone, "code": code, **identity}
    fields = {name: others.pop(name, text) for name, text in typed.items()}
    return parse_submission(service, fields, **{"entrance": "web", "owner": owner, **others})


def accept(ground: Ground, phone: str = PHONE, owner: bytes = OWNER, **others: Any) -> Accepted:
    """One accepted inquiry, with its own code."""
    code = ask_code(ground, phone, owner, others.get("service", INTERNET_ACCOUNTS))
    return submit(ground, form(phone, owner, code, **others))


def agree(ground: Ground, code: str, terms: str) -> None:
    """Apply the catalogue with more lines for one partner."""
    document = ground.catalogues.document()
    changed = document.replace(f'code = "{code}"\nkind', f'code = "{code}"\n{terms}\nkind', 1)
    assert changed != document
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, changed, "terms", "test", ground.clock.now())
    ground.catalogues.forget()


def accept_many(ground: Ground, count: int) -> list[Accepted]:
    return [accept(ground, f"138{place:08d}") for place in range(101, count + 101)]


def asker_of(ground: Ground, patience_s: float = PATIENCE_S) -> LocalAsker:
    """One worker's asker, with bulkheads of its own that wait long for a healthy partner."""
    return LocalAsker(ground, Bulkheads(patience_s=patience_s))


def ask(ground: Ground, partner: str) -> None:
    """Run a worker's job `ask`."""
    jobs.ask(ground, asker_of(ground), partner)


def gather(ground: Ground, code: str) -> None:
    """Gather for one carrier and ask it in this thread; the questions to the enterprises are left due."""
    carrier = ground.catalogues.current().partner(code)
    for service in IDENTITY_FIELDS if carrier is not None and carrier.enabled else ():
        assert carrier is not None
        (permit,) = acquire_permits(ground, [carrier], "gather")
        try:
            call = claim_inquiries(ground, carrier, service) if permit.granted else None
            if call is not None:
                advance(ground, record_results(ground, [call_partner(ground, carrier, call)]))
        finally:
            if permit.granted:
                circuit_breaker.release(ground, carrier, permit)


def work(ground: Ground) -> None:
    """Do the workers' jobs for everything that is due, until nothing is."""
    for _ in range(12):
        waiting, due = waited_for(ground), due_partners(ground)
        if not waiting and not due and not any(row.look for row in open_waves(ground)):
            return
        for carrier in waiting:
            gather(ground, carrier)
        for partner in due:
            ask(ground, partner)
        advance(ground)
    raise AssertionError("there is always more to do")


def waited_for(ground: Ground) -> list[str]:
    return sorted({row.waiting_for for row in rows(ground) if row.waiting_for is not None})


def due_partners(ground: Ground) -> list[str]:
    """Partners with a due question, in the catalogue's order."""
    now = ground.clock.now()
    due = {row.partner for row in rows(ground, question) if row.state == QuestionState.DUE and row.due_at <= now}
    return [partner.code for partner in ground.catalogues.current().partners if partner.code in due]


def replies(ground: Ground) -> dict[str, Payload]:
    """The replies owed, by reference."""
    joined = select(inquiry.c.reference, message.c.id, message.c.sealed).join(message, message.c.id == inquiry.c.id)
    with reading(ground.engine) as db:
        rows = db.execute(joined.where(message.c.sealed.is_not(None))).all()
    return {str(row.reference): open_payload(ground.keys, row.id, row.sealed) for row in rows}


def hand_over(ground: Ground, kind: Any = "accepted", only: Accepted | None = None) -> int:
    """The gateway's word on every reply that is owed (or on one inquiry's); returns how many."""
    with begin(ground.engine) as db:
        ids = list(db.execute(select(message.c.id).where(message.c.lane == Lane.REPLY)).scalars())
        ids = [number for number in ids if only is None or number == one(ground, only).id]
        record_outcome(ground, db, [Outcome(number, Lane.REPLY, kind, ground.clock.now()) for number in ids])
    return len(ids)


def rows(ground: Ground, table: Any = inquiry) -> list[Any]:
    with reading(ground.engine) as db:
        return list(db.execute(select(table)).all())


def one(ground: Ground, accepted: Accepted) -> Any:
    return next(row for row in rows(ground) if row.reference == int(accepted.reference))


def open_waves(ground: Ground) -> list[Any]:
    return [row for row in rows(ground, wave) if row.stage < Stage.OVER]


def open_questions(ground: Ground) -> list[Any]:
    return [row for row in rows(ground, question) if row.state < QuestionState.DONE]

"""Simulated partners: the other side of the lookup protocol for every partner of the catalogue, on one port.

Phone 13800000009 is inactive, ID tail 000000 is a mismatch, all else matches; counts are `count_of`, a fixed function.
`POST /behaviour` makes a partner slow, silent or broken, has it call back, or (`since`, a carrier) report that every
number is held since 2024-05: then the first application with an account has one that is older.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from flask import Blueprint, Response, request

from config.catalogue.schema import Partner
from config.crypto.http_signatures import verify
from config.crypto.nonces import NonceMemory
from config.errors import SignatureInvalid
from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from config.strict_json import write_object
from enterprises.content import JSON_TYPE, PLAIN, SEALED_TYPE
from enterprises.errors import AnswerInvalid
from enterprises.keys import accepted_keys
from enterprises.protocol import FIELDS, PATH
from enterprises.sandbox.callbacks import call_back_later
from enterprises.sandbox.received import Question, Received
from enterprises.sandbox.taken import add_requests
from enterprises.sealed_body import open_body, seal_body
from enterprises.strict_json import read_object

INACTIVE_PHONE: Final = "13800000009"
MISMATCH_TAIL: Final = "000000"
VERDICT_MODES: Final = frozenset({"mismatch", "inactive", "not_ours"})
TENURE_MODES: Final = frozenset({"changed", "unknown", "inactive", "not_ours"})
HELD_SINCE: Final = "2024-05"
PERSONAL: Final = frozenset({"phone", "id_tail", "name", "id_number"})
SLOW_S: Final = 5.0
CALLBACK_S: Final = 0.5
SILENT_S: Final = 60.0
RETRY_AFTER_S: Final = 2.0

Body = TypeVar("Body")


def count_of(application: str, subject: str) -> int:
    """Return the sandbox's count for a subject (a phone; an ID number for phone cards): 0 to 3, always the same."""
    return hashlib.sha256(f"{application}:{subject}".encode()).digest()[0] % 4


def verdict_of(phone: str, id_end: str) -> str:
    """Return the sandbox carriers' verdict on a phone and the end of an ID (its tail, or the whole number)."""
    if phone == INACTIVE_PHONE:
        return "inactive"
    return "mismatch" if id_end.endswith(MISMATCH_TAIL) else "match"


def make_blueprint(ground: Ground, behaviour: Behaviour, public_url: str | None = None) -> Blueprint:
    """Make the routes of all partners. Of `ground` only the catalogue and the partners' keys are used.

    `public_url`: the address for callbacks, if not the public one.
    """
    blueprint = Blueprint("partners_sandbox", __name__)
    called_back = (public_url or ground.settings.public_url).rstrip("/")
    received = Received()

    receive = partial(_receive, ground, NonceMemory())

    @blueprint.post(f"/partners/<code>{PATH}")
    def look_up(code: str) -> Response:
        asked = receive(code, _read_question)
        if isinstance(asked, Response):
            return asked
        partner, question = asked
        received.note(code, question, ground.clock.now())
        behaviour.received.note(code, ground.clock.now(), question.items[-1].get("phone", ""))
        if behaviour.mode(code)[0] != "callback":
            return _sealed(ground, partner, _play(partner, question, behaviour))
        answer = {"batch": question.batch, "items": [_answer(partner, question, item, "ok") for item in question.items]}
        url = f"{called_back}/partners/{code}/answers"
        call_back_later(ground, url, partner, answer, behaviour.mode(code)[1] or CALLBACK_S)
        return _sealed(ground, partner, Response(write_object({"batch": question.batch}), 202, content_type=JSON_TYPE))

    @blueprint.get("/partners/<code>/received")
    def list_received(code: str) -> Response:
        return Response(json.dumps(received.listing(code)), content_type=JSON_TYPE)

    add_requests(blueprint, ground, behaviour, called_back, receive, partial(_sealed, ground))
    return blueprint


def _receive(
    ground: Ground, nonces: NonceMemory, code: str, parse: Callable[[bytes], Body]
) -> tuple[Partner, Body] | Response:
    """The partner and its verified body, read by `parse`, or the refusal."""
    partner = ground.catalogues.current().partner(code)
    if partner is None:
        return _problem(404, "not_found")
    body = request.get_data()
    try:
        _verify(ground, partner, body, nonces)
        return partner, parse(_opened(ground, partner, body))
    except SignatureInvalid:
        return _problem(401, "signature_invalid")
    except AnswerInvalid:
        return _problem(400, "body_invalid")


def _verify(ground: Ground, partner: Partner, body: bytes, nonces: NonceMemory) -> None:
    verify(
        request.method,
        request.path,
        dict(request.headers),
        body,
        secrets=accepted_keys(ground, partner),
        now=ground.clock.now(),
        seen=nonces.seen,
    )


def _opened(ground: Ground, partner: Partner, body: bytes) -> bytes:
    return body if partner.seal == PLAIN else open_body(partner.seal, ground.secrets.both(f"{partner.code}.key"), body)


def _sealed(ground: Ground, partner: Partner, response: Response) -> Response:
    """Return the answer, sealed where that is agreed; failures and garbage are not sealed."""
    if partner.seal == PLAIN or response.status_code not in (200, 202):
        return response
    secret = ground.secrets.get(f"{partner.code}.key")
    body = seal_body(partner.seal, secret, partner.key_id, response.get_data())
    return Response(body, response.status_code, content_type=SEALED_TYPE)


def _read_question(body: bytes) -> Question:
    """Parse the question of a body; AnswerInvalid when it is not the protocol's, down to each item's fields."""
    question = read_object(body)
    kind, service, items = question.get("kind"), question.get("service"), question.get("items")
    names = FIELDS.get((kind, service)) if isinstance(kind, str) and isinstance(service, str) else None
    if names is None or not isinstance(items, list) or not items:
        raise AnswerInvalid("not a question")
    for item in items:
        if not isinstance(item, dict) or not _is_item(item, {"id", *names}):
            raise AnswerInvalid("an item lacks a field, has one that is not this partner's, or one that is no text")
    return Question(str(question.get("batch")), str(kind), str(service), items)


def _is_item(item: Mapping[str, Any], names: set[str]) -> bool:
    """Return whether every field is there and a text, and no other personal field is. Unknown members are ignored."""
    return names <= set(item) and not (PERSONAL - names) & set(item) and all(type(item[name]) is str for name in names)


def _play(partner: Partner, question: Question, behaviour: Behaviour) -> Response:
    mode, seconds = behaviour.mode(partner.code)
    if mode == "slow":
        _hold(behaviour, partner.code, mode, seconds or SLOW_S)
    if mode == "silent":
        _hold(behaviour, partner.code, mode, seconds or SILENT_S)
        return _problem(503, "silent")
    if mode == "500":
        return _problem(500, "internal")
    if mode == "429":
        return _problem(429, "slow_down", {"Retry-After": str(round(seconds or RETRY_AFTER_S))})
    if mode == "garbage":
        return Response(b'{"batch": <html>', content_type=JSON_TYPE)
    items = [_answer(partner, question, item, mode) for item in question.items]
    return Response(write_object({"batch": question.batch, "items": items}), content_type=JSON_TYPE)


def _hold(behaviour: Behaviour, code: str, mode: str, seconds: float) -> None:
    """Wait, but no longer than the behaviour lasts: a thread must not stay silent after it was changed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and behaviour.mode(code)[0] == mode:
        time.sleep(0.05)


def _answer(partner: Partner, question: Question, item: Mapping[str, str], mode: str) -> dict[str, Any]:
    if mode == "retry":
        return {"id": item["id"], "error": "retry"}
    if question.kind == "identity":
        verdict = verdict_of(item["phone"], item.get("id_tail") or item["id_number"])
        since = {"active_since": HELD_SINCE} if mode == "since" else {}
        return {"id": item["id"], "verdict": mode if mode in VERDICT_MODES else verdict, **since}
    if question.kind == "tenure":
        return {"id": item["id"], "verdict": mode if mode in TENURE_MODES else "same"}
    subject = item.get("phone") or item["id_number"]
    counts = {application.code: count_of(application.code, subject) for application in partner.counted}
    older = next((code for code, count in counts.items() if count), None) if item.get("held_since") else None
    return {"id": item["id"], "counts": counts, **({"before": {older: 1}} if older else {})}


def _problem(status: int, code: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        json.dumps({"status": status, "code": code}),
        status=status,
        headers=headers,
        content_type="application/problem+json",
    )

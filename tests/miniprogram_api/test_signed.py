"""Signed calls of a carrier's voice system and shops: no session, no code, the same inquiry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from config import audit
from config.crypto.http_signatures import sign
from config.db.engine import reading
from config.ground import Ground
from query.inquiry import State
from query.models import inquiry
from tests.conftest import on_sqlite
from tests.miniprogram_api.citizens import PHONE, Citizen, problem

VOICE = {"phone": PHONE, "id_tail": "01234*", "consent": True}
COUNTER = {"phone": PHONE, "id_tail": "01234X", "shop": "BJ-0107", "clerk": "20418", "consent": True}


def call(
    citizen: Citizen, entrance: str, body: dict[str, Any], *, nonce: str | None = None, **change: str
) -> TestResponse:
    ground, path = citizen.ground, f"/api/v1/{entrance}/inquiries"
    raw = json.dumps(body).encode()
    keys = {"key_id": f"onecert-{entrance}", "secret": ground.secrets.get(f"{entrance}.key")}
    keys |= {name: change.pop(name) for name in list(change) if name in keys}
    headers = sign("POST", path, raw, content_type="application/json", now=ground.clock.now(), nonce=nonce, **keys)
    return citizen.client.post(path, data=raw, headers=headers | change)


def rows(ground: Ground) -> list[Any]:
    with reading(ground.engine) as db:
        return list(db.execute(select(inquiry)).all())


def test_a_caller_submits_by_keys_and_is_told_by_sms_only(ground: Ground, citizen: Citizen) -> None:
    answer = call(citizen, "voice", VOICE)
    assert answer.status_code == 202, answer.text
    assert set(answer.get_json()) == {"reference", "phone", "port_number", "reply_by"}
    (row,) = rows(ground)
    assert (row.entrance, row.state) == ("voice", State.CHECKING)
    opened = ground.keys.open(row.identity, table="inquiry", column="identity", row=row.id)
    assert json.loads(opened) == {"id_tail": "01234X"}
    problem(call(citizen, "voice", VOICE), 429, "too_soon")


@on_sqlite
def test_a_shop_submits_and_its_clerk_is_in_the_audit(ground: Ground, citizen: Citizen) -> None:
    key = {"Idempotency-Key": "a1"}
    first, again = (call(citizen, "counter", COUNTER, **key) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json == again.json
    problem(call(citizen, "counter", {**COUNTER, "id_tail": "999999"}, **key), 409, "idempotency_conflict")
    with reading(ground.engine) as db:
        told = [row for row in db.execute(select(audit.audit)).all() if row.action == "inquiry.counter"]
    assert [(row.actor, row.subject) for row in told] == [("counter:BJ-0107:20418", first.get_json()["reference"])]
    assert PHONE not in repr(told)
    assert len(rows(ground)) == 1


@on_sqlite
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({**VOICE, "phone": "123"}, 422, "phone_invalid"),
        ({**VOICE, "id_tail": "0123*"}, 422, "id_tail_invalid"),
        ({**VOICE, "id_tail": "0123**"}, 422, "id_tail_invalid"),
        ({**VOICE, "consent": False}, 422, "consent_missing"),
        ({**VOICE, "code": "123456"}, 400, "body_invalid"),
        ({"phone": PHONE}, 400, "body_invalid"),
    ],
)
def test_what_is_wrong_is_refused(
    ground: Ground, citizen: Citizen, body: dict[str, Any], status: int, code: str
) -> None:
    problem(call(citizen, "voice", body), status, code)
    assert rows(ground) == []


@on_sqlite
def test_only_the_entrances_own_key_fresh_and_once_counts(ground: Ground, citizen: Citizen) -> None:
    problem(call(citizen, "voice", VOICE, secret="another"), 401, "signature_invalid")
    problem(call(citizen, "voice", VOICE, key_id="onecert-counter"), 401, "signature_invalid")
    problem(call(citizen, "voice", VOICE, key_id="onecert-jd"), 401, "signature_invalid")
    path = "/api/v1/voice/inquiries"
    problem(citizen.client.post(path, json=VOICE), 401, "signature_invalid")
    assert rows(ground) == []
    assert call(citizen, "voice", VOICE, nonce="nonce-0001").status_code == 202
    problem(call(citizen, "voice", VOICE, nonce="nonce-0001"), 401, "signature_invalid")


@on_sqlite
def test_nobody_opens_a_session_there(citizen: Citizen) -> None:
    answer = citizen.client.post("/api/v1/sessions", json={"entrance": "voice"})
    assert answer.status_code == 422

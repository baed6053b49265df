"""The door's own rules: what is looked at first, and that it stays shut when a part of ours is away."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from config.db.engine import make_engine
from config.errors import DatabaseUnavailable, OneCertError
from config.ground import Ground
from config.queue.bell import make_redis
from config.times.clock import FixedClock
from query.access.door import Credential, Door, FilledForm
from query.access.errors import LimiterUnavailable, LimitReached, SessionInvalid
from query.errors import CodeExpired, CodeInvalid, ConsentMissing, IdTailInvalid, PhoneInvalid, ServiceUnknown
from tests.miniprogram_api.citizens import PHONE, codes_owed, messages_owed, set_limit
from tests.support.doors import citizen_of, make_door
from tests.support.servers import serve

ADDRESS = "198.51.100.7"
FORM = FilledForm(service="internet-accounts", phone=PHONE, code="000000", consent=True, id_tail="12345X")


def without_redis(ground: Ground) -> Door:
    return make_door(replace(ground, redis=make_redis("redis://127.0.0.1:1")))


def test_a_form_is_judged_field_by_field_before_consent_and_consent_before_the_code(ground: Ground, door: Door) -> None:
    session = door.open_session("web", None, ADDRESS).session
    wrong = replace(FORM, service="x", phone="1", id_tail="1", consent=False)
    steps: list[tuple[dict[str, Any], type[OneCertError]]] = [
        ({}, ServiceUnknown),
        ({"service": "internet-accounts"}, PhoneInvalid),
        ({"phone": PHONE}, IdTailInvalid),
        ({"id_tail": "12345x"}, ConsentMissing),
        ({"consent": True}, CodeExpired),
    ]
    for mended, refusal in steps:
        wrong = replace(wrong, **mended)
        with pytest.raises(refusal):
            door.submit(session, wrong, ADDRESS)


def test_typing_errors_cost_no_budget(ground: Ground, door: Door) -> None:
    session = door.open_session("web", None, ADDRESS).session
    for _ in range(ground.catalogues.current().limits.submissions_per_session_hour + 1):
        with pytest.raises(IdTailInvalid):
            door.submit(session, replace(FORM, id_tail="1"), ADDRESS)
        with pytest.raises(CodeInvalid):
            door.submit(session, replace(FORM, code="12345"), ADDRESS)
    with pytest.raises(CodeExpired):
        door.submit(session, FORM, ADDRESS)


def test_an_ended_session_does_nothing_and_costs_no_budget_also_where_its_token_was_only_opened(
    ground: Ground, door: Door
) -> None:
    opened = door.open_session("web", None, ADDRESS)
    door.end_session(opened.session)
    session = door.read_session(opened.token, spending=True)
    before = {key: ground.redis.dump(key) for key in ground.redis.keys("limit:*")}
    with pytest.raises(SessionInvalid):
        door.submit(session, FORM, ADDRESS)
    with pytest.raises(SessionInvalid):
        door.request_code(session, "internet-accounts", PHONE, ADDRESS)
    with pytest.raises(SessionInvalid):
        door.read_phone(session, Credential(code="c"))
    assert {key: ground.redis.dump(key) for key in ground.redis.keys("limit:*")} == before
    assert codes_owed(ground) == []


def test_submissions_of_a_session_come_to_an_end(ground: Ground, door: Door, clock: FixedClock) -> None:
    session = door.open_session("web", None, ADDRESS).session
    allowed = ground.catalogues.current().limits.submissions_per_session_hour
    for number in range(allowed):
        with pytest.raises(CodeExpired):
            door.submit(session, replace(FORM, code=f"{number:06d}"), ADDRESS)
    with pytest.raises(LimitReached):
        door.submit(session, replace(FORM, code="999999"), ADDRESS)
    clock.advance(60 * 60 * 1000)
    with pytest.raises(CodeExpired):
        door.submit(session, replace(FORM, code="999999"), ADDRESS)


def test_an_address_may_open_only_so_many_sessions(ground: Ground, door: Door) -> None:
    set_limit(ground, "sessions_per_address_hour", 3)
    for _ in range(3):
        door.open_session("web", None, ADDRESS)
    with pytest.raises(LimitReached) as caught:
        door.open_session("web", None, ADDRESS)
    assert caught.value.extra["limit"] == "sessions_per_address_hour"
    door.open_session("web", None, "198.51.100.8")


def test_all_codes_together_have_a_budget_that_shuts_the_door_on_everyone(
    ground: Ground, door: Door, clock: FixedClock
) -> None:
    set_limit(ground, "codes_overall_minute", 60)
    clock.advance(60_000 - clock.now() % 60_000)
    for number in range(60):
        door.request_code(citizen_of(ground, f"o-{number}"), "internet-accounts", f"139{number:08d}", ADDRESS)
    for session in (citizen_of(ground, "o"), door.open_session("web", None, ADDRESS).session):
        with pytest.raises(LimitReached) as caught:
            door.request_code(session, "internet-accounts", PHONE, ADDRESS)
        assert caught.value.extra["limit"] == "codes_overall_minute"
    clock.advance(121_000)
    door.request_code(session, "internet-accounts", PHONE, ADDRESS)


def test_without_redis_nothing_is_sent_opened_or_accepted(ground: Ground, door: Door) -> None:
    session = door.open_session("web", None, ADDRESS).session
    door.request_code(session, "internet-accounts", PHONE, ADDRESS)
    form, shut = replace(FORM, code=codes_owed(ground)[-1]), without_redis(ground)
    with pytest.raises(LimiterUnavailable):
        shut.open_session("web", None, ADDRESS)
    with pytest.raises(LimiterUnavailable):
        shut.request_code(session, "internet-accounts", "13900139000", ADDRESS)
    with pytest.raises(LimiterUnavailable):
        shut.submit(session, form, ADDRESS)
    assert len(messages_owed(ground)) == 1
    reference = door.submit(session, form, ADDRESS).reference
    assert shut.progress(session, reference).status == "asking"


def test_without_the_database_nothing_is_sent_or_accepted(ground: Ground, door: Door) -> None:
    session = door.open_session("web", None, ADDRESS).session
    shut = make_door(replace(ground, engine=make_engine("mysql+pymysql://onecert:onecert@127.0.0.1:1/onecert")))
    with pytest.raises(DatabaseUnavailable):
        shut.request_code(session, "internet-accounts", PHONE, ADDRESS)
    with pytest.raises(DatabaseUnavailable):
        shut.submit(session, FORM, ADDRESS)


def test_only_what_is_open_is_listed(ground: Ground, door: Door) -> None:
    assert [service.code for service in door.services()] == ["internet-accounts", "phone-cards"]
    kinds = [partner.kind for partner in door.partners()]
    assert kinds == ["enterprise"] * 8 + ["carrier"] * 4


def send(url: str, head: str, body: bytes) -> bytes:
    """Speak HTTP by hand, since no client would lie about its body; the whole answer."""
    port = int(url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        line.shutdown(socket.SHUT_WR)
        answer = b""
        while part := line.recv(65536):
            answer += part
    return answer


def test_nine_kibibytes_are_too_much_however_they_arrive(door: Door, app: Flask) -> None:
    token = door.open_session("web", None, ADDRESS).token
    head = f"POST /api/v1/inquiries HTTP/1.1\nHost: localhost\nConnection: close\nAuthorization: Bearer {token}"
    head += "\nContent-Type: application/json"
    chunk = b"x" * 1024
    chunks = (b"400\r\n" + chunk + b"\r\n") * 9 + b"0\r\n\r\n"
    with serve(app) as url:
        honest = send(url, f"{head}\nContent-Length: 9216", chunk * 9)
        chunked = send(url, f"{head}\nTransfer-Encoding: chunked", chunks)
        boasting = send(url, f"{head}\nContent-Length: 999999999999", b"")
        modest = send(url, f"{head}\nContent-Length: 100", chunk * 9)
    for answer in (honest, chunked, boasting):
        assert b" 413 " in answer.split(b"\r\n")[0] and b'"body_too_large"' in answer
    assert b" 400 " in modest.split(b"\r\n")[0] and b'"body_invalid"' in modest

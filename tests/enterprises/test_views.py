"""The address that partners call back, over real HTTP: what is not theirs, new and well-formed changes nothing."""

from __future__ import annotations

import dataclasses
import gzip
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import structlog
from flask import Flask
from werkzeug.exceptions import HTTPException

from config.catalogue.schema import Partner
from config.crypto.http_signatures import sign
from config.db.engine import begin
from config.errors import OneCertError
from config.ground import Ground, make_ground
from enterprises.circuit_breaker import partner_health
from enterprises.protocol import Answer, Counts, Refused, Verdict
from enterprises.request_protocol import Accepted, Event, Finding
from enterprises.sandbox.callbacks import signed_answer
from enterprises.views import make_blueprint
from miniprogram_api.contract.problems import http_problem_response, problem_response
from tests.support.factories import prepare
from tests.support.servers import serve

PHONE = "13912345678"


@dataclass
class Door:
    """The served address, and what was handed on."""

    ground: Ground
    url: str = ""
    taken: list[tuple[str, Mapping[str, Answer]]] = field(default_factory=list)
    reports: list[tuple[str, Mapping[str, Accepted | Finding]]] = field(default_factory=list)
    events: list[tuple[str, Event]] = field(default_factory=list)
    kind: str = "answers"

    def partner(self, code: str = "tencent") -> Partner:
        found = self.ground.catalogues.current().partner(code)
        assert found
        return found

    def address(self, code: str) -> str:
        return f"{self.url}/partners/{code}/{self.kind}"

    def call(
        self, content: Any, code: str = "tencent", *, key_of: str | None = None, **change: Any
    ) -> requests.Response:
        """Call back as `code`, signed as `key_of`, with `content` as the body, or with these bytes."""
        signer, body = (
            self.partner(key_of or code),
            content if isinstance(content, bytes) else json.dumps(content).encode(),
        )
        headers = sign(
            "POST",
            self.address(code),
            body,
            content_type=change.pop("content_type", "application/json"),
            key_id=change.pop("key_id", signer.key_id),
            secret=change.pop("secret", None) or self.ground.secrets.get(f"{signer.code}.key"),
            now=self.ground.clock.now() + change.pop("shift_ms", 0),
        )
        sent = change.pop("sent", body)
        return requests.post(self.address(code), data=sent, headers={**headers, **change}, timeout=60)


def app_of(ground: Ground, door: Door) -> Flask:
    def on_answers(code: str, answers: Mapping[str, Answer]) -> int:
        door.taken.append((code, answers))
        return len(answers)

    def on_reports(code: str, states: Mapping[str, Accepted | Finding]) -> int:
        door.reports.append((code, states))
        return len(states)

    def on_events(code: str, events: Sequence[Event]) -> int:
        door.events += [(code, event) for event in events]
        return len(events)

    app = Flask("partners")
    app.register_blueprint(make_blueprint(ground, on_answers, on_reports, on_events))
    app.register_error_handler(OneCertError, problem_response)
    app.register_error_handler(HTTPException, http_problem_response)
    return app


@pytest.fixture
def door(ground: Ground) -> Iterator[Door]:
    prepare(ground)
    door = Door(ground)
    with serve(app_of(ground, door)) as door.url:
        yield door


def answer(*items: Any, batch: Any = "b-1", **more: Any) -> dict[str, Any]:
    return {"batch": batch, "items": list(items), **more}


WELL = answer({"id": "a", "counts": {"weixin": 2, "qq": 1}})


def test_what_a_partner_calls_back_is_handed_on_and_acknowledged(door: Door) -> None:
    content = answer(
        {"id": "a", "counts": {"weixin": 2}}, {"id": "b", "error": "refused"}, {"id": "c", "error": "retry"}
    )
    response = door.call(content)
    assert (response.status_code, response.json()) == (200, {"batch": "b-1"})
    assert door.taken == [("tencent", {"a": Counts({"weixin": 2}), "b": Refused()})]


def test_a_carrier_calls_back_verdicts_and_counts_and_an_enterprise_no_verdict(door: Door) -> None:
    content = answer(
        {"id": "a", "verdict": "match", "active_since": "2024-05"}, {"id": "b", "counts": {"china-mobile": 2}}
    )
    door.call(content, "china-mobile")
    assert door.taken.pop() == ("china-mobile", {"a": Verdict("match", "2024-05"), "b": Counts({"china-mobile": 2})})
    door.call(answer({"id": "a", "verdict": "match"}))
    assert door.taken == [("tencent", {})]


def test_the_same_request_again_is_refused_by_every_host(door: Door, ground: Ground) -> None:
    body, headers = signed_answer(ground, door.address("tencent"), door.partner(), WELL)
    other = make_ground(ground.settings, clock=ground.clock)
    with serve(app_of(other, door)) as second:
        path = "/partners/tencent/answers"
        codes = [requests.post(f"{url}{path}", data=body, headers=headers, timeout=60).status_code for url in (
            door.url, second, door.url)]  # fmt: skip
    other.redis.close()
    other.engine.dispose()
    assert codes == [200, 401, 401]
    assert len(door.taken) == 1


def test_a_bad_signature_is_refused_and_hurts_nobody(door: Door, ground: Ground) -> None:
    """security fault S15: a thousand forged posts raised the partner's errors and moved its alert."""
    before = partner_health(ground, door.partner()).errors
    refused = [
        door.call(WELL, key_of="alibaba"),
        door.call(WELL, key_of="alibaba", key_id="onecert-tencent"),
        door.call(WELL, secret="guessed"),
        door.call(WELL, shift_ms=-301_000),
        door.call(WELL, shift_ms=301_000),
        door.call(WELL, sent=b'{"batch":"b-1","items":[]}'),
        requests.post(door.address("tencent"), json=WELL, timeout=60),
        requests.post(door.address("tencent"), json=WELL, headers={"Signature-Input": "x" * 9000}, timeout=60),
    ]
    assert {response.status_code for response in refused} == {401}
    assert {response.json()["code"] for response in refused} == {"signature_invalid"}
    assert door.taken == []
    standing = partner_health(ground, door.partner())
    assert (standing.errors - before, standing.breaker) == (0, "closed"), "anybody can send in its name"
    assert partner_health(ground, door.partner("alibaba")).errors == 0
    assert door.call(answer(), "alibaba").status_code == 200


def test_both_keys_are_taken_while_they_change(door: Door, ground: Ground) -> None:
    with begin(ground.engine) as db:
        ground.secrets.set(db, "tencent.key.next", "the-next-secret-of-tencent", ground.clock.now())
    assert door.call(WELL).status_code == 200
    assert door.call(WELL, secret="the-next-secret-of-tencent").status_code == 200
    assert door.call(WELL, secret="the-secret-before-last").status_code == 401


def test_the_next_key_is_taken_under_its_own_id_before_and_after_we_change_over(door: Door, ground: Ground) -> None:
    def apply(*changes: tuple[str, str]) -> None:
        document = ground.catalogues.document()
        for old, new in changes:
            assert old in document
            document = document.replace(old, new, 1)
        with begin(ground.engine) as db:
            ground.catalogues.apply(db, document, "keys change", "test", ground.clock.now())

    ours = 'key_id = "onecert-tencent"'
    old, new = ("onecert-tencent", ground.secrets.get("tencent.key")), ("onecert-tencent-2", "the-next-of-tencent")
    apply((ours, f'{ours}\nnext_key_id = "{new[0]}"'))
    with begin(ground.engine) as db:
        ground.secrets.set(db, "tencent.key.next", new[1], ground.clock.now())
    assert [door.call(WELL, key_id=key, secret=secret).status_code for key, secret in (old, new)] == [200, 200]
    with begin(ground.engine) as db:
        ground.secrets.set(db, "tencent.key", new[1], ground.clock.now())
        ground.secrets.remove(db, "tencent.key.next")
    apply((f'{ours}\nnext_key_id = "{new[0]}"', f'key_id = "{new[0]}"'))
    assert [door.call(WELL, key_id=key, secret=secret).status_code for key, secret in (old, new)] == [401, 200]


BODIES = {
    "not JSON": b"<html>",
    "no object": b"[]",
    "nothing": b"",
    "another charset": json.dumps(WELL).encode("utf-16"),
    "gbk": '{"batch":"批","items":[]}'.encode("gbk"),
    "100,000 deep": b'{"batch":"b","items":' + b"[" * 100_000,
    "NaN": b'{"batch":"b","items":[{"id":"a","counts":{"weixin":NaN}}]}',
    "a key twice": b'{"batch":"b","batch":"b","items":[]}',
    "an endless number": b'{"batch":"b","items":[' + b"9" * 5_000 + b"]}",
    "no batch": b'{"items":[]}',
    "half a surrogate pair for a batch": b'{"batch":"\\ud800","items":[]}',
    "no items": b'{"batch":"b"}',
    "items of another kind": b'{"batch":"b","items":{"a":1}}',
    "too many": json.dumps(answer(*[{"id": str(n)} for n in range(5_001)])).encode(),
    "a gzip bomb": gzip.compress(b" " * 50_000_000),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_answer_is_refused_as_a_whole(door: Door, ground: Ground, body: bytes) -> None:
    response = door.call(body)
    assert (response.status_code, response.json()["code"]) == (400, "answers_refused")
    assert door.taken == []
    assert partner_health(ground, door.partner()).errors == 1


def test_ten_megabytes_are_not_read(door: Door, ground: Ground) -> None:
    content = answer(batch="b" * 10_000_000)
    body, headers = signed_answer(ground, door.address("tencent"), door.partner(), content)
    status, problem = post_whole(door.address("tencent"), body, headers)
    assert (status, problem["code"]) == (413, "body_too_large")
    assert door.taken == []


def post_whole(address: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Post head and body in one piece: in two, the server may hang up before it has seen the second one begin."""
    where = urlsplit(address)
    lines = [f"POST {where.path} HTTP/1.1", f"Host: {where.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((where.hostname or "", where.port or 0)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        response = HTTPResponse(connection)
        response.begin()
        return response.status, json.loads(response.read())


@pytest.mark.parametrize("content_type", ["text/html", "application/json; charset=gbk", "application/jose"])
def test_another_content_type_is_refused(door: Door, content_type: str) -> None:
    assert door.call(WELL, content_type=content_type).status_code == 400


WRONG = [
    {"id": "a", "counts": {"weixin": -1}},
    {"id": "a", "counts": {"weixin": 1.5}},
    {"id": "a", "counts": {"weixin": 2.0}},
    {"id": "a", "counts": {"weixin": True}},
    {"id": "a", "counts": {"weixin": "2"}},
    {"id": "a", "counts": {"weixin": 1000}},
    {"id": "a", "counts": {"weixin": 1e308}},
    {"id": "a", "counts": {"taobao": 1}},
    {"id": "a", "counts": [1]},
    {"id": "a", "counts": {"weixin": 1}, "error": "retry"},
    {"id": "a", "error": "maybe"},
    {"id": 1, "counts": {"weixin": 1}},
    {"id": "x" * 65, "counts": {"weixin": 1}},
    {"counts": {"weixin": 1}},
    "a",
    None,
    {"id": "good", "counts": {"weixin": 9}},
]


@pytest.mark.parametrize("item", WRONG, ids=repr)
def test_a_wrong_item_costs_that_item_and_is_noted(
    door: Door, ground: Ground, item: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert door.call(answer({"id": "good", "counts": {"qq": 1}}, item)).status_code == 200
    assert door.taken == [("tencent", {"good": Counts({"qq": 1})})]
    assert partner_health(ground, door.partner()).last_error == "callback_faulty"


def test_the_log_names_the_partner_and_the_reason_and_no_content(
    door: Door, logged: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enterprises.views._log", structlog.stdlib.get_logger("enterprises.views"))
    door.call(answer({"id": PHONE, "counts": {"weixin": PHONE}}))
    door.call(WELL, secret="guessed")
    lines = {line["event"]: line for line in logged}
    assert lines["partner_faults"]["partner"] == lines["callback_refused"]["partner"] == "tencent"
    assert lines["callback_refused"]["code"] == "signature_invalid"
    assert "items[0]: its count of weixin" in lines["partner_faults"]["first"]
    assert PHONE not in str(logged)


@pytest.mark.parametrize("code", ["nobody", "13800138000"])
def test_who_is_a_partner_shows_by_no_more_than_a_404(door: Door, code: str) -> None:
    response = requests.post(f"{door.url}/partners/{code}/answers", json=WELL, timeout=60)
    assert response.status_code == 404
    assert code not in response.text
    assert requests.get(door.address("tencent"), timeout=60).status_code == 405


def test_without_redis_nothing_is_taken(door: Door, ground: Ground) -> None:
    away = make_ground(dataclasses.replace(ground.settings, redis_url="unix:///nowhere/redis.sock"), ground.clock)
    with serve(app_of(away, door)) as door.url:
        assert door.call(WELL).status_code == 503
    away.engine.dispose()
    assert door.taken == []


def test_reports_are_handed_on_and_what_is_wrong_costs_only_itself(door: Door) -> None:
    door.kind = "reports"
    items = [
        {"id": "a", "state": "done"},
        {"id": "b", "state": "needs_holder", "reason": "in_app", "text": "call 95017"},
        {"id": "c", "state": "refused", "reason": "we do not like it"},
        {"id": "d", "state": "won"},
        {"id": "a", "state": "none"},
        {"id": "e", "state": "accepted", "due": "2020-01-01"},
        "f",
        {"state": "done"},
    ]
    response = door.call({"items": items})
    assert (response.status_code, response.json()) == (200, {})
    assert door.reports == [
        ("tencent", {"a": Finding("done"), "b": Finding("needs_holder", "in_app"), "e": Accepted(None)})
    ]


EVENT = {
    "event": "7f6c1d3e-0c55-4b54-9a3a-1d0a7f3e9b11",
    "id": "w1",
    "application": "weixin",
    "change": 1,
    "at": "2026-11-22T05:00:00Z",
}


@pytest.mark.parametrize(
    "change",
    [
        {"change": 0},
        {"change": -1},
        {"change": 10**9},
        {"change": "1"},
        {"change": True},
        {"change": 1.0},
        {"at": "2026-11-22T07:00:00Z"},
        {"at": "2026-11-22T05:00:00"},
        {"at": "yesterday"},
        {"at": 1},
        {"event": "7"},
        {"id": ""},
        {"application": None},
    ],
)
def test_an_event_that_is_wrong_costs_only_itself(door: Door, change: dict[str, Any]) -> None:
    """the sketch of what follows a count, 5, bad input; the clock stands at 2026-11-22T06:05:00Z."""
    door.kind = "events"
    other = {**EVENT, "event": "7f6c1d3e-0c55-4b54-9a3a-1d0a7f3e9b12"}
    assert door.call({"items": [{**EVENT, **change}, other, other]}).status_code == 200
    assert [event.event for _, event in door.events] == [other["event"]]


@pytest.mark.parametrize("kind", ["reports", "events"])
def test_reports_and_events_need_the_partners_signature_and_a_list(door: Door, kind: str) -> None:
    door.kind = kind
    assert door.call({"items": []}, secret="guessed").status_code == 401
    assert door.call({"items": {}}).status_code == 400
    assert door.call(b"[]").status_code == 400
    assert door.call({"items": [{"id": "a", "state": "done"}] * 5_001}).status_code == 400
    assert (door.reports, door.events) == ([], [])

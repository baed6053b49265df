"""The specification's worked example is right to the byte, in both languages, and its reference partner accepts it."""

import base64
import hashlib
import hmac
import importlib.util
import json
import re
from datetime import date
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from config.catalogue.schema import Partner
from config.crypto.http_signatures import sign, verify
from config.crypto.suites import Suite, encrypt, keyed_hash
from config.db.engine import begin
from config.ground import Ground
from enterprises.client import ask
from enterprises.errors import EnterpriseError
from enterprises.protocol import FIELDS, VERDICTS, Counts, Item, build_request, parse_answer
from enterprises.request_protocol import FIELDS as REQUEST_FIELDS
from enterprises.request_protocol import (
    FINALS,
    REASONS,
    Accepted,
    Finding,
    RequestItem,
    build_requests,
    parse_events,
    parse_reports,
    parse_requests,
)
from enterprises.sealed_body import open_body
from tests.support.servers import serve

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["lookup-protocol.md", "lookup-protocol.zh-CN.md"]
SECRET = "a-secret-for-the-worked-example-only"
BATCH = "0b1e6f2e-5d0c-4d5e-9a57-0f6f6ad9b0a1"
NONCE = "bm90LXJlYWxseS1yYW5kb20"
SIGNED_AT = 1_795_327_500_000
QUESTION = '{"batch":"' + BATCH + '","kind":"count"'
URL = "https://partner.example/onecert/v1/lookups"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(name: str) -> list[str]:
    """The text of each fenced block."""
    return re.findall(r"```[a-z]*\n(.*?)\n```", page(name), re.DOTALL)


def block(name: str, start: str) -> str:
    (found,) = [text for text in blocks(name) if text.startswith(start)]
    return found


@pytest.mark.parametrize("name", PAGES)
def test_the_example_body_is_what_we_send(name: str) -> None:
    items = [Item("a1", phone="13800138000"), Item("a2", phone="13800000009")]
    body = build_request(BATCH, "count", "internet-accounts", SIGNED_AT + 7_200_000, items)
    assert block(name, QUESTION).encode() == body
    assert re.search(rf"[(（]{len(body)} ", page(name))


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sm3"])
def test_the_example_headers_are_what_we_send(name: str, algorithm: str) -> None:
    headers = sign(
        "POST",
        URL,
        block(name, QUESTION).encode(),
        content_type="application/json",
        key_id="example",
        secret=SECRET,
        algorithm=algorithm,
        now=SIGNED_AT,
        nonce=NONCE,
    )
    documented = block(name, "POST /onecert/v1/lookups").splitlines()
    assert documented[:2] == ["POST /onecert/v1/lookups HTTP/1.1", "Host: partner.example"]
    if algorithm == "hmac-sha256":
        assert documented[2:] == [f"{header}: {value}" for header, value in headers.items()]
    else:
        assert f"`Signature: {headers['Signature']}`" in page(name)


@pytest.mark.parametrize("name", PAGES)
def test_the_example_can_be_recomputed_by_hand(name: str) -> None:
    body, base = block(name, QUESTION).encode(), block(name, '"@method"')
    headers = dict(line.split(": ", 1) for line in block(name, "POST /onecert/v1/lookups").splitlines()[2:])
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert headers["Content-Digest"] == f"sha-256=:{digest}:"
    assert base.splitlines() == [
        '"@method": POST',
        '"@path": /onecert/v1/lookups',
        f'"content-digest": sha-256=:{digest}:',
        '"content-type": application/json',
        f'"@signature-params": {headers["Signature-Input"].removeprefix("onecert=")}',
    ]
    mac = base64.b64encode(hmac.digest(SECRET.encode(), base.encode(), "sha256")).decode()
    assert headers["Signature"] == f"onecert=:{mac}:"
    assert f"`{SECRET}`" in page(name)


@pytest.mark.parametrize("name", PAGES)
def test_our_own_verifier_accepts_the_example(name: str) -> None:
    headers = dict(line.split(": ", 1) for line in block(name, "POST /onecert/v1/lookups").splitlines()[2:])
    body = block(name, QUESTION).encode()
    key_id = verify(
        "POST", URL, headers, body, secrets={"example": SECRET}, now=SIGNED_AT + 299_000, seen=lambda nonce: False
    )
    assert key_id == "example"


@pytest.mark.parametrize("name", PAGES)
def test_the_example_answer_is_valid(name: str) -> None:
    answer = block(name, '{"batch":"' + BATCH + '","items":[\n').encode()
    parsed = parse_answer(answer, batch=BATCH, asked=["a1", "a2"], kind="count", applications={"weixin", "qq"})
    assert parsed.faults == []
    assert parsed.answers["a1"] == Counts({"weixin": 2, "qq": 1})


@pytest.mark.parametrize("name", PAGES)
def test_every_field_verdict_and_failure_is_described(name: str) -> None:
    text = page(name)
    codes = ["unreachable", "no_answer", "slow_down", "bad_status", "answer_invalid", "wrong_batch", "key_missing"]
    words = {
        *(verdict for words in VERDICTS.values() for verdict in words),
        *codes,
        "question_invalid",
        "retry",
        "refused",
        *(f for fields in FIELDS.values() for f in fields),
    }
    assert [word for word in sorted(words) if f"`{word}`" not in text] == []


def test_both_languages_have_the_same_parts() -> None:
    """Headings, steps, list entries and table rows, in order: what is added to one page is added to the other."""
    chinese, english = (
        re.findall(r"(?m)^(#{1,3} |[0-9]\. |- |\| (?:`[^`]*`)?|```[a-z]*)", page(name)) for name in PAGES
    )
    assert chinese == english


# --- the reference partner -------------------------------------------------------------------------------------------


@pytest.fixture
def example(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """docs/examples/partner.py, with tencent's key and the tests' clock."""
    monkeypatch.setenv("KEY_ID", "onecert-tencent")
    monkeypatch.setenv("KEY", ground.secrets.get("tencent.key"))
    spec = importlib.util.spec_from_file_location("partner", DOCS / "examples/partner.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: ground.clock.now() / 1000))
    return module


def tencent(ground: Ground, url: str) -> Partner:
    partner = ground.catalogues.current().partner("tencent")
    assert partner
    return partner.model_copy(update={"base_url": url})


def test_the_reference_partner_answers_us(ground: Ground, example: ModuleType) -> None:
    with serve(example.application) as url:
        answers = ask(
            ground,
            tencent(ground, f"{url}/base"),
            "count",
            "internet-accounts",
            [Item("a", phone="13800138000"), Item("b", phone="13800138007")],
            ground.clock.now(),
        )
    assert answers.by_id == {"a": Counts({"weixin": 2, "qq": 0}), "b": Counts({"weixin": 2, "qq": 3})}


def test_the_reference_partner_refuses_a_wrong_key(ground: Ground, example: ModuleType) -> None:
    with begin(ground.engine) as db:
        ground.secrets.set(db, "tencent.key", "quite-another-secret-of-32-bytes!", ground.clock.now())
    with serve(example.application) as url, pytest.raises(EnterpriseError, match="401"):
        ask(
            ground,
            tencent(ground, url),
            "count",
            "internet-accounts",
            [Item("a", phone="13800138000")],
            ground.clock.now(),
        )


def environ(ground: Ground, body: bytes, **changed: str) -> dict[str, object]:
    """Return a WSGI server's environ of our signed request, with some variables changed on the way."""
    headers = sign(
        "POST",
        URL,
        body,
        content_type="application/json",
        key_id="onecert-tencent",
        secret=ground.secrets.get("tencent.key"),
        now=ground.clock.now(),
    )
    found: dict[str, object] = {"REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/onecert/v1/lookups"}
    found |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return {**found, "CONTENT_TYPE": "application/json", **changed}


def test_the_reference_partner_accepts_a_request_once_and_fresh(ground: Ground, example: ModuleType) -> None:
    now = ground.clock.now() / 1000
    request = environ(ground, b"{}")
    assert example.why_refused(request, b"{}", now) is None
    assert example.why_refused(request, b"{}", now) == "seen before"
    assert "old" in example.why_refused(environ(ground, b"{}"), b"{}", now + 301)
    assert "old" in example.why_refused(environ(ground, b"{}"), b"{}", now - 301)
    assert example.why_refused(environ(ground, b"{}"), b"{}", now + 600) is not None
    assert len(example.SEEN) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"REQUEST_METHOD": "PUT"},
        {"PATH_INFO": "/onecert/v1/other"},
        {"CONTENT_TYPE": "application/jose"},
        {"HTTP_SIGNATURE": "onecert=:AAAA:"},
        {"HTTP_SIGNATURE": ""},
        {"HTTP_SIGNATURE_INPUT": "onecert=()"},
        {"HTTP_SIGNATURE_INPUT": 'onecert=("@method");created=1;tag="onecert"'},
        {"HTTP_CONTENT_DIGEST": "sha-256=:AAAA:"},
    ],
)
def test_the_reference_partner_refuses_what_was_changed(
    ground: Ground, example: ModuleType, changed: dict[str, str]
) -> None:
    assert example.why_refused(environ(ground, b"{}", **changed), b"{}", ground.clock.now() / 1000)


def test_the_reference_partner_refuses_another_body(ground: Ground, example: ModuleType) -> None:
    assert example.why_refused(environ(ground, b"{}"), b"{ }", ground.clock.now() / 1000)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("seal", ["A256GCM", "SM4GCM"])
def test_the_sealed_example_is_opened_and_made_again(name: str, seal: str) -> None:
    body = f'{{"batch":"{BATCH}"}}'.encode()
    (sealed,) = [text for text in blocks(name) if text.startswith("eyJ") and header_of(text)["enc"] == seal]
    assert open_body(seal, [SECRET], sealed.encode()) == body
    head, _, nonce, text, tag = (part.encode() for part in sealed.split("."))
    suite: Suite = "aes" if seal == "A256GCM" else "sm"
    key = keyed_hash(suite, SECRET.encode(), f"onecert/seal/{seal}".encode())[: 32 if suite == "aes" else 16]
    assert f"`{key.hex()}`" in page(name)
    made = encrypt(suite, key, decode(nonce), body, head)
    assert made == decode(text) + decode(tag)


def header_of(sealed: str) -> dict[str, str]:
    return dict(json.loads(decode(sealed.partition(".")[0].encode())))


def decode(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


REQUEST_URL = "https://partner.example/onecert/v1/requests"


@pytest.mark.parametrize("name", PAGES)
def test_the_example_of_requests_is_what_we_send(name: str) -> None:
    items = [
        RequestItem("r1", "13800138000", "weixin", held="2025-03"),
        RequestItem("r2", "13800000009", "qq", held="2024-11"),
    ]
    body = build_requests(BATCH, "unbind", items)
    assert block(name, '{"batch":"' + BATCH + '","kind":"unbind"').encode() == body
    assert f"{len(body)} " in page(name)
    headers = sign(
        "POST",
        REQUEST_URL,
        body,
        content_type="application/json",
        key_id="example",
        secret=SECRET,
        algorithm="hmac-sha256",
        now=SIGNED_AT,
        nonce=NONCE,
    )
    documented = block(name, "POST /onecert/v1/requests").splitlines()
    assert documented[2:] == [f"{header}: {value}" for header, value in headers.items()]


@pytest.mark.parametrize("name", PAGES)
def test_the_example_answers_reports_and_events_are_what_we_read(name: str) -> None:
    today = date(2026, 11, 23)
    answer = block(name, '{"batch":"' + BATCH + '","items":[{"id":"r1"').encode()
    parsed = parse_requests(answer, batch=BATCH, sent=["r1", "r2"], kind="unbind", today=today)
    assert (parsed.answers, parsed.faults) == ({"r1": Accepted(date(2026, 12, 7)), "r2": Finding("none")}, [])
    reports = parse_reports(block(name, '{"items":[{"id":"r1"').encode(), today)
    assert reports.findings == {"r1": Finding("done"), "r2": Finding("needs_holder", "in_app")}
    events = parse_events(block(name, '{"items":[{"event"').encode(), SIGNED_AT + 10 * 86_400_000)
    assert ([event.watch for event in events.events], events.faults) == (["w1"], [])


@pytest.mark.parametrize("name", PAGES)
def test_every_state_and_reason_is_described(name: str) -> None:
    words = {*REQUEST_FIELDS, *(word for words in REQUEST_FIELDS.values() for word in words), "accepted"}
    words |= {word for words in (*FINALS.values(), REASONS, *REASONS.values()) for word in words}
    assert [word for word in sorted(words) if f"`{word}`" not in page(name)] == []

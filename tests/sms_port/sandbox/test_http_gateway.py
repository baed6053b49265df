"""The sandbox's gateway is strict, and its phone shows what was received."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from flask import Flask

from config.crypto.http_signatures import sign
from config.ground import Ground
from sms_port.sandbox.inbox import Inbox, Text
from sms_port.sandbox.phone import when
from sms_port.sending.gateway import send_due
from tests.sms_port.messages import CODE, PHONE, REPLY, News, Sandbox, make_code, make_reply, owe_all, run_sandbox
from tests.support.factories import LAUNCH_DAY
from tests.support.servers import serve

HOUR_MS = 3_600_000
GOOD = {
    "id": "a",
    "from": "10699000",
    "to": PHONE,
    "parts": ["您好"],
    "valid_until": "2026-11-23T00:00:00Z",
}


@pytest.fixture
def database_url(sqlite_schema: Path, tmp_path: Path) -> str:
    """The sandbox keeps no tables: one database server is enough."""
    shutil.copy(sqlite_schema, tmp_path / "onecert.db")
    return f"sqlite:///{tmp_path / 'onecert.db'}"


def call(ground: Ground, sandbox: Sandbox, path: str, body: object, secret: str | None = None) -> requests.Response:
    url, content = sandbox.url + path, json.dumps(body).encode()
    headers = sign(
        "POST",
        url,
        content,
        content_type="application/json",
        key_id="onecert-main",
        secret=secret or ground.secrets.get("main.key"),
        now=ground.clock.now(),
    )
    return requests.post(url, content, headers=headers, timeout=60)


def submit(ground: Ground, sandbox: Sandbox, *messages: object) -> list[dict[str, Any]]:
    answered: list[dict[str, Any]] = call(ground, sandbox, "/sms/messages", {"messages": messages}).json()["messages"]
    return answered


def listed(sandbox: Sandbox, phone: str = PHONE) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = requests.get(f"{sandbox.url}/messages?phone={phone}", timeout=60).json()
    return messages


def test_a_message_is_listed_as_the_interface_says(ground: Ground, sandbox: Sandbox, news: News) -> None:
    owe_all(ground, make_reply(text="长" * 100))
    send_due(ground, news)
    text = "【一证通查】" + "长" * 100
    expected = {"to": PHONE, "from": "10699000", "text": text, "parts": 2, "received_at": "2026-11-22T06:05:00.000Z"}
    assert listed(sandbox) == [expected]
    assert listed(sandbox, "13900139000") == []


@pytest.mark.parametrize("path", ["/sms/messages", "/sms/messages/query"])
def test_a_call_that_is_not_signed_by_a_link_is_refused(ground: Ground, sandbox: Sandbox, path: str) -> None:
    assert requests.post(sandbox.url + path, json={"messages": [GOOD]}, timeout=60).status_code == 401
    assert call(ground, sandbox, path, {"messages": [GOOD]}, secret="x" * 43).status_code == 401
    assert listed(sandbox) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": "138"}, "invalid"),
        ({"from": "一"}, "invalid"),
        ({"parts": []}, "invalid"),
        ({"parts": ["字" * 71]}, "too_long"),
        ({"parts": ["字" * 68, "字"]}, "too_long"),
        ({"valid_until": "2026-11-22T00:00:00Z"}, "expired"),
    ],
)
def test_a_faulty_message_is_rejected_and_its_neighbour_taken(
    ground: Ground, sandbox: Sandbox, change: dict[str, object], code: str
) -> None:
    no, yes = submit(ground, sandbox, GOOD | change, GOOD | {"id": "b"})
    assert no == {"id": "a", "status": "rejected", "code": code, "permanent": True}
    assert yes == {"id": "b", "status": "accepted"}


def test_the_same_message_offered_twice_arrives_once(ground: Ground, sandbox: Sandbox) -> None:
    assert submit(ground, sandbox, GOOD) == submit(ground, sandbox, GOOD) == [{"id": "a", "status": "accepted"}]
    assert submit(ground, sandbox, GOOD | {"parts": ["别的"]})[0]["code"] == "conflict"
    assert len(listed(sandbox)) == 1


def test_a_query_tells_what_was_taken(ground: Ground, sandbox: Sandbox) -> None:
    submit(ground, sandbox, GOOD)
    answer = call(ground, sandbox, "/sms/messages/query", {"ids": ["a", "b"]}).json()
    assert answer == {"messages": [{"id": "a", "status": "accepted"}, {"id": "b", "status": "unknown"}]}


def test_a_gateway_that_is_closed_delivers_no_more_receipts(
    ground: Ground, news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sms_port.sandbox.receipts.Reporter.after_s", 600.0)
    heard: list[str] = []
    ours = Flask("ours")
    ours.post("/sms/<link>/receipts")(lambda link: heard.append(link) or ("", 200))
    with serve(ours) as url:
        with run_sandbox(ground, url) as sandbox:
            others = delivering()
            submit(ground, sandbox, GOOD)
            (delivers,) = delivering() - others
        assert not delivers.is_alive()
        assert heard == []


def delivering() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "receipts"}


def test_the_inbox_forgets_the_oldest_first() -> None:
    inbox = Inbox(most=2)
    for number in range(4):
        inbox.receive(str(number), Text(PHONE, "10699000", str(number), 1, number))
    assert [text.text for text in inbox.texts(PHONE)] == ["2", "3"]
    assert [inbox.knows(str(number)) for number in range(4)] == [False, False, True, True]


def test_the_phone_shows_messages_oldest_first_with_their_parts(ground: Ground, sandbox: Sandbox, news: News) -> None:
    owe_all(ground, make_code(ground), make_reply(text="长" * 100))
    send_due(ground, news)
    page = requests.get(f"{sandbox.url}/phone/{PHONE}", timeout=60)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<title>沙箱" in page.text
    assert "沙箱手机：这里的短信没有真的发出" in page.text
    assert page.text.index(CODE) < page.text.index("长" * 100)
    assert f"{len(CODE)} 字，1 条<" in page.text
    assert "106 字，2 条合并" in page.text
    assert "今天 14:05" in page.text
    assert "style=" not in page.text
    assert "<script>" not in page.text


def test_a_phone_without_messages_says_so(sandbox: Sandbox) -> None:
    assert "这个号码还没有收到短信" in requests.get(f"{sandbox.url}/phone/13900139000", timeout=60).text


def test_what_a_message_says_is_shown_and_never_run(ground: Ground, sandbox: Sandbox) -> None:
    submit(ground, sandbox, GOOD | {"parts": ["<script>alert(1)</script>"]})
    assert "&lt;script&gt;alert(1)" in requests.get(f"{sandbox.url}/phone/{PHONE}", timeout=60).text


def test_another_number_is_found_without_javascript(sandbox: Sandbox) -> None:
    for typed in ("138 0013 8000", "+86 138-0013-8000", "１３８００１３８０００"):
        for where in (f"{sandbox.url}/phone?number={quote(typed)}", f"{sandbox.url}/phone/{quote(typed)}"):
            found = requests.get(where, timeout=60)
            assert (found.status_code, found.url) == (200, f"{sandbox.url}/phone/{PHONE}")
    assert requests.get(f"{sandbox.url}/phone", {"number": "我"}, timeout=60).status_code == 404
    assert requests.get(f"{sandbox.url}/phone/123", timeout=60).status_code == 404


def test_the_pages_files_are_served(sandbox: Sandbox) -> None:
    page = requests.get(f"{sandbox.url}/phone/{PHONE}", timeout=60).text
    for name in ("sandbox_phone.css", "sandbox_phone.js", "sandbox_phone.svg"):
        assert f"/phone/static/{name}" in page
        assert requests.get(f"{sandbox.url}/phone/static/{name}", timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("hours_ago", "shown"), [(0, "今天 14:05"), (14, "今天 00:05"), (15, "昨天 23:05"), (48, "11 月 20 日 14:05")]
)
def test_times_are_told_as_a_phone_tells_them(hours_ago: int, shown: str) -> None:
    assert when(LAUNCH_DAY - hours_ago * HOUR_MS, LAUNCH_DAY) == shown


def test_the_text_a_citizen_gets_is_the_designers(ground: Ground, sandbox: Sandbox, news: News) -> None:
    owe_all(ground, make_reply())
    send_due(ground, news)
    assert [message["text"] for message in listed(sandbox)] == [REPLY]

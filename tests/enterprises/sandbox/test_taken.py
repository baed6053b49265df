"""The sandbox's companies take requests as the protocol demands, and report and tell of events as they are told to."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests

from config.sandbox.behaviour import BehaviourUnknown
from enterprises.client import ask, send_requests
from enterprises.protocol import Item, Verdict
from enterprises.request_protocol import Accepted, Finding, RequestItem
from enterprises.sandbox import taken as sandbox_taken
from tests.enterprises.server import Sandbox, patient

PHONE = "13912345678"
pytestmark = pytest.mark.usefixtures("logged")


def send(sandbox: Sandbox, kind: str, number: str = "r1", code: str = "tencent") -> Any:
    item = RequestItem(number, PHONE, "weixin", held="2025-03", until="2027-11-30")
    now = sandbox.ground.clock.now()
    return send_requests(sandbox.ground, patient(sandbox.partner(code)), kind, [item], now)[number]


def behave(sandbox: Sandbox, word: str, seconds: float | None = None) -> None:
    sandbox.behaviour.set_requests("tencent", word, seconds)


@pytest.mark.parametrize(
    ("word", "finding"),
    [
        ("done", Finding("done")),
        ("none", Finding("none")),
        ("yours", Finding("yours")),
        ("needs_holder", Finding("needs_holder", "in_app")),
        ("refused", Finding("refused", "legal_hold")),
    ],
)
def test_a_final_state_at_once_and_the_same_when_it_is_sent_again(
    sandbox: Sandbox, word: str, finding: Finding
) -> None:
    behave(sandbox, word)
    assert send(sandbox, "dispute") == finding
    behave(sandbox, "none")
    assert send(sandbox, "dispute") == finding


def test_accepted_then_reported(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Any] = []
    told = threading.Event()

    def call_back(ground: Any, url: str, partner: Any, body: Any, seconds: float) -> None:
        reported.append((url.rsplit("/", 1)[1], body))
        told.set()

    monkeypatch.setattr(sandbox_taken, "call_back_later", call_back)
    behave(sandbox, "accept", 0.1)
    assert isinstance(send(sandbox, "dispute"), Accepted)
    assert told.wait(10)
    assert reported == [("reports", {"items": [{"id": "r1", "state": "done"}]})]
    behave(sandbox, "late")
    assert isinstance(send(sandbox, "dispute", "r2"), Accepted)
    assert len(reported) == 1
    send(sandbox, "dispute", "r2")
    assert len(reported) == 2
    behave(sandbox, "silent")
    send(sandbox, "dispute", "r3")
    send(sandbox, "dispute", "r3")
    assert len(reported) == 2


def test_an_event_is_told_of_a_watched_number_only(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Any] = []
    monkeypatch.setattr(sandbox_taken, "call_back_later", lambda ground, url, partner, body, s: events.append(body))
    play = {"event": {"phone": PHONE, "application": "weixin"}}
    url = f"{sandbox.url}/partners/tencent/play"
    assert requests.post(url, json=play, timeout=60).status_code == 404
    assert send(sandbox, "watch", "w1") == Finding("done")
    assert requests.post(url, json=play, timeout=60).status_code == 202
    ((event,),) = [body["items"] for body in events]
    assert (event["id"], event["change"], "phone" in event) == ("w1", 1, False)
    send(sandbox, "unwatch", "u1")
    assert requests.post(url, json=play, timeout=60).status_code == 404
    listed = requests.get(f"{sandbox.url}/partners/tencent/requests", timeout=60).json()["requests"]
    assert [call["kind"] for call in listed] == ["watch", "unwatch"]
    assert PHONE not in str(listed)


@pytest.mark.parametrize(("side", "word"), [("tencent", "perhaps"), ("china-mobile", "done"), ("nobody", "done")])
def test_an_unknown_way_is_refused(sandbox: Sandbox, side: str, word: str) -> None:
    with pytest.raises(BehaviourUnknown):
        sandbox.behaviour.set_requests(side, word)


def test_a_question_about_the_holder(sandbox: Sandbox) -> None:
    def word() -> Any:
        partner = patient(sandbox.partner("china-mobile"))
        until = sandbox.ground.clock.now() + 60_000
        items = [Item("a", phone=PHONE, since="2026-11")]
        return ask(sandbox.ground, partner, "tenure", "internet-accounts", items, until).by_id["a"]

    assert word() == Verdict("same")
    sandbox.behaviour.set("china-mobile", "changed")
    assert word() == Verdict("changed")

"""One bad item never takes its neighbours along; what cannot be stored now is stored later (F06, F11, B12, row 5)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy.exc import DataError

from config.errors import DatabaseUnavailable
from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Receipt
from sms_port.links.cmpp.protocol import Account, CmppSession
from sms_port.links.session import listener as listening
from sms_port.links.session.events import Delivered
from sms_port.links.session.listener import Delivery, Listener
from sms_port.models import ReceiptStatus
from tests.sms_port.cmpp_peers import RecordedEvents
from tests.support.servers import wait_until

SESSION = CmppSession(Account("900001", "888888"))


class Choosy(RecordedEvents):
    """Events that cannot take some receipts or texts: `refuse` raises for those."""

    refuse: Callable[[Any], None] = staticmethod(lambda item: None)
    calls = 0

    def on_receipts(self, receipts: Sequence[Receipt]) -> None:
        self.calls += 1
        for item in receipts:
            self.refuse(item)
        self.receipts += receipts

    def on_texts(self, texts: Sequence[Inbound]) -> None:
        for item in texts:
            self.refuse(item)
        self.texts += texts


def make_receipt(number: int) -> Receipt:
    return Receipt("cmpp", f"m{number}", 1, ReceiptStatus.DELIVERED, "DELIVRD", 0)


def read(frame: object) -> Receipt | Inbound | None:
    if isinstance(frame, int):
        return make_receipt(frame)
    if frame == "nonsense":
        raise ValueError("unreadable")
    return Inbound("cmpp", "", "13800138000", "10699000", str(frame))


@pytest.fixture
def events() -> Choosy:
    return Choosy()


@pytest.fixture
def stored() -> list[object]:
    return []


@pytest.fixture
def listener(events: Choosy, stored: list[object], monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.setattr(listening, "RETRY_S", 0.05)
    listener = Listener("cmpp", read, events, lambda items: stored.extend(item.delivered.frame for item in items))
    yield listener
    listener.close()


def put(listener: Listener, *frames: object) -> None:
    for frame in frames:
        listener.put(Delivery(SESSION, Delivered(1, frame)))


def refuse_for_good(item: Any) -> None:
    if getattr(item, "reference", "") == "m3" or getattr(item, "text", "") == "bad":
        raise DatabaseUnavailable("away") from DataError("too long", {}, Exception())


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(refuse_for_good, id="F11 the database refuses a value"),
        pytest.param(lambda item: 1 / (getattr(item, "reference", "") != "m3"), id="variant: a fault of ours"),
    ],
)
def test_one_that_can_never_be_stored_is_acknowledged_and_its_neighbours_are_stored(
    listener: Listener, events: Choosy, stored: list[object], failure: Callable[[Any], None]
) -> None:
    events.refuse = failure
    put(listener, *range(8), "TD", "TD")
    wait_until(lambda: len(stored) == 10)
    assert sorted(item for item in stored if isinstance(item, int)) == list(range(8))
    assert {receipt.reference for receipt in events.receipts} == {f"m{n}" for n in range(8)} - {"m3"}
    assert len(events.texts) == 2
    put(listener, 9)
    wait_until(lambda: 9 in stored)


def test_a_bad_text_among_good_ones(listener: Listener, events: Choosy, stored: list[object]) -> None:
    events.refuse = refuse_for_good
    put(listener, "TD", "bad", "恢复", 1)
    wait_until(lambda: len(stored) == 4)
    assert [text.text for text in events.texts] == ["TD", "恢复"]


def test_one_that_cannot_be_read_is_acknowledged(listener: Listener, events: Choosy, stored: list[object]) -> None:
    put(listener, 1, "nonsense", 2)
    wait_until(lambda: len(stored) == 3)
    assert len(events.receipts) == 2


def test_what_cannot_be_stored_now_is_kept_and_stored_when_it_can(
    listener: Listener, events: Choosy, stored: list[object]
) -> None:
    def away(item: Any) -> None:
        raise DatabaseUnavailable("away")

    events.refuse = away
    put(listener, *range(600), "TD")
    wait_until(lambda: events.calls >= 3)
    assert stored == []
    events.refuse = lambda item: None
    wait_until(lambda: len(stored) == 601)
    assert len(events.receipts) == 600
    assert len(events.texts) == 1


def test_reading_stops_while_storing_is_slow_and_not_while_it_is_impossible(
    listener: Listener, events: Choosy, stored: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F06: 5,000 deliveries while the database hangs, then refuses, then is well."""
    state = ["hangs"]

    def trouble(item: Any) -> None:
        while state[0] == "hangs":
            time.sleep(0.01)
        if state[0] == "refuses":
            raise DatabaseUnavailable("away")

    events.refuse = trouble
    put(listener, *range(5_000))
    assert listener.is_full
    state[0] = "refuses"
    wait_until(lambda: not listener.is_full)
    assert stored == []
    state[0] = "well"
    wait_until(lambda: len(stored) == 5_000)
    assert not listener.is_full


def test_what_is_kept_is_bounded(
    listener: Listener, events: Choosy, stored: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "MOST_KEPT", 100)

    def away(item: Any) -> None:
        raise DatabaseUnavailable("away")

    events.refuse = away
    put(listener, *range(1_000))
    wait_until(lambda: len(listener._kept) == 100)
    events.refuse = lambda item: None
    wait_until(lambda: len(stored) == 100)

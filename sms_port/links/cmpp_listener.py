"""What a CMPP gateway says by itself, in a thread that may wait for the database: reports, texts, late answers.

A delivery is acknowledged only after it is stored; when it cannot be stored it is not acknowledged, and the gateway
delivers it again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from config.log import get_logger
from sms_port.inbound import Inbound
from sms_port.links.cmpp_conversation import Conversation
from sms_port.links.cmpp_events import Heard
from sms_port.links.cmpp_frames import Deliver
from sms_port.links.cmpp_words import parse_number, parse_report, parse_text, word_of
from sms_port.links.link import Ears, Ending
from sms_port.receipts import Receipt, Trace

AT_ONCE = 500
Item = TypeVar("Item")
log = get_logger(__name__)


@dataclass(frozen=True)
class Delivery:
    """A delivery and the connection that it came over, which alone can acknowledge it."""

    conversation: Conversation
    heard: Heard


@dataclass(frozen=True)
class Late:
    """An ending that `send` did not wait for."""

    reference: str
    ending: Ending


class Listener:
    """Passes deliveries and late endings of one link to the ears; `stored` is called with what was stored."""

    def __init__(self, link: str, port_number: str, ears: Ears, stored: Callable[[Sequence[Delivery]], None]) -> None:
        self._link, self._port_number, self._ears, self._stored = link, port_number, ears, stored
        self._queue: queue.SimpleQueue[Delivery | Late | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"ears-{link}", daemon=True)
        self._thread.start()

    def put(self, item: Delivery | Late) -> int:
        """Have it passed on soon; how many wait."""
        self._queue.put(item)
        return self._queue.qsize()

    def close(self) -> None:
        """Pass on what is there and end."""
        self._queue.put(None)
        self._thread.join(10.0)

    def _run(self) -> None:
        open_ = True
        while open_:
            items = [self._queue.get()]
            while len(items) < AT_ONCE and not self._queue.empty():
                items.append(self._queue.get())
            open_ = None not in items
            self._try("late", self._pass_late, [item for item in items if isinstance(item, Late)])
            deliveries = [item for item in items if isinstance(item, Delivery)]
            reports = [item for item in deliveries if item.heard.deliver.registered]
            self._try("receipts", self._pass_reports, reports)
            self._try("texts", self._pass_texts, [item for item in deliveries if not item.heard.deliver.registered])

    def _try(self, what: str, act: Callable[[list[Item]], None], items: list[Item]) -> None:
        try:
            if items:
                act(items)
        except Exception as error:
            # Whatever it is: the thread must live, and what was not acknowledged is delivered again.
            log.warning("not_stored", link=self._link, what=what, items=len(items), error=type(error).__name__)

    def _pass_late(self, items: list[Late]) -> None:
        self._ears.hear_late(self._link, {item.reference: item.ending for item in items})

    def _pass_reports(self, items: list[Delivery]) -> None:
        receipts = [self._receipt(item.heard.deliver) for item in items]
        self._ears.hear_receipts([receipt for receipt in receipts if receipt is not None])
        self._stored(items)

    def _pass_texts(self, items: list[Delivery]) -> None:
        self._ears.hear_texts([self._inbound(item.heard.deliver) for item in items])
        self._stored(items)

    def _receipt(self, frame: Deliver) -> Receipt | None:
        report = parse_report(frame.content)
        if report is None:
            log.warning("report_unreadable", link=self._link, size=len(frame.content))
            return None
        word = word_of(report.stat)
        if word is None:
            return None
        trace = Trace(report.phone, frame.dest_id.removeprefix(self._port_number), report.submitted_at)
        return Receipt(self._link, f"{report.msg_id:016x}", 1, word, report.stat, report.done_at, trace)

    def _inbound(self, frame: Deliver) -> Inbound:
        name = f"{frame.msg_id:016x}" if frame.msg_id else ""
        return Inbound(self._link, name, parse_number(frame.src), frame.dest_id, parse_text(frame))

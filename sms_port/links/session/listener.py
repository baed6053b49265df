"""What a gateway says by itself over long-lived connections: reports, texts, late answers. A thread of
its own passes them on, since it may wait for the database.

A delivery is acknowledged only after it is stored; when it cannot be stored it is not acknowledged, and the gateway
delivers it again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from config.telemetry.log import get_logger
from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Receipt
from sms_port.links.link import LinkEvents, SendResult
from sms_port.links.session.events import Delivered
from sms_port.links.session.protocol import ProtocolSession

AT_ONCE = 500
Item = TypeVar("Item")
log = get_logger(__name__)


@dataclass(frozen=True)
class Delivery:
    """A delivery and the connection that it came over, which alone can acknowledge it."""

    session: ProtocolSession
    heard: Delivered


@dataclass(frozen=True)
class LateResult:
    """An result that `send` did not wait for."""

    reference: str
    result: SendResult


ReadDelivery = tuple[Delivery, Receipt | Inbound | None]
Reader = Callable[[Any], Receipt | Inbound | None]
"""What a delivery says: a report on a part, a citizen's text, or (None) nothing that counts."""


class Listener:
    """Passes deliveries and late results of one link to the events; `stored` is called with what was stored."""

    def __init__(
        self, link: str, read: Reader, events: LinkEvents, stored: Callable[[Sequence[Delivery]], None]
    ) -> None:
        self._link, self._read, self._events, self._stored = link, read, events, stored
        self._queue: queue.SimpleQueue[Delivery | LateResult | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"events-{link}", daemon=True)
        self._thread.start()

    def put(self, item: Delivery | LateResult) -> int:
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
            self._try("late", self._pass_late, [item for item in items if isinstance(item, LateResult)])
            deliveries = [item for item in items if isinstance(item, Delivery)]
            said = [(item, self._understand(item)) for item in deliveries]
            self._try("receipts", self._pass_reports, [pair for pair in said if not isinstance(pair[1], Inbound)])
            self._try("texts", self._pass_texts, [pair for pair in said if isinstance(pair[1], Inbound)])

    def _understand(self, item: Delivery) -> Receipt | Inbound | None:
        try:
            return self._read(item.heard.deliver)
        except Exception as error:
            # It would come again for ever: it is named here and acknowledged.
            log.warning("delivery_unreadable", link=self._link, error=type(error).__name__)
            return None

    def _try(self, what: str, act: Callable[[list[Item]], None], items: list[Item]) -> None:
        try:
            if items:
                act(items)
        except Exception as error:
            # Whatever it is: the thread must live, and what was not acknowledged is delivered again.
            log.warning("not_stored", link=self._link, what=what, items=len(items), error=type(error).__name__)

    def _pass_late(self, items: list[LateResult]) -> None:
        self._events.on_late_results(self._link, {item.reference: item.result for item in items})

    def _pass_reports(self, items: list[ReadDelivery]) -> None:
        self._events.on_receipts([said for _, said in items if isinstance(said, Receipt)])
        self._stored([delivery for delivery, _ in items])

    def _pass_texts(self, items: list[ReadDelivery]) -> None:
        self._events.on_texts([said for _, said in items if isinstance(said, Inbound)])
        self._stored([delivery for delivery, _ in items])

"""Pass on what a gateway sends by itself over long-lived connections: receipts, texts, late responses.

A thread of its own does so, since it may wait for the database. A delivery is acknowledged only after it is stored.
Each one stands for itself: one that can never be stored is logged, counted and acknowledged, so that it does not come
again for ever; one that cannot be stored now is kept and tried again.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DataError

from config.errors import OneCertError
from config.telemetry.log import get_logger
from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Receipt
from sms_port.links.link import LinkEvents, SendResult
from sms_port.links.session.events import Delivered
from sms_port.links.session.protocol import ProtocolSession

BATCH = 500
MOST_WAITING = 2_000
"""Deliveries that wait to be stored before no more is read, while the database takes them."""

MOST_KEPT = 20_000
"""Deliveries kept while the database is away: reading goes on, since responses come over the same connection. Further
ones are dropped without an acknowledgement, and the gateway delivers them again."""

RETRY_S = 1.0
log = get_logger(__name__)


@dataclass(frozen=True)
class Delivery:
    """A delivery and the session that it came over, which alone can acknowledge it."""

    session: ProtocolSession
    delivered: Delivered


@dataclass(frozen=True)
class LateResult:
    """A result that `send` did not wait for."""

    reference: str
    result: SendResult


ReadDelivery = tuple[Delivery, Receipt | Inbound | None]
Reader = Callable[[Any], Receipt | Inbound | None]
"""Reads a delivery: a receipt, a citizen's text, or None when it changes nothing."""


class Listener:
    """Passes deliveries and late results of one link to its events; calls `stored` with what may be acknowledged."""

    def __init__(
        self, link: str, read: Reader, events: LinkEvents, stored: Callable[[Sequence[Delivery]], None]
    ) -> None:
        self._link, self._read, self._events, self._stored = link, read, events, stored
        self._queue: queue.SimpleQueue[Delivery | LateResult | None] = queue.SimpleQueue()
        self._kept: list[ReadDelivery] = []
        self._retry_at, self._failing = 0.0, False
        self._open = True
        self._thread = threading.Thread(target=self._run, name=f"listener-{link}", daemon=True)
        self._thread.start()

    def put(self, item: Delivery | LateResult) -> None:
        """Have it passed on soon."""
        self._queue.put(item)

    @property
    def is_full(self) -> bool:
        """Return whether no more should be read for now: more comes than is stored, and storing works."""
        return not self._failing and self._queue.qsize() > MOST_WAITING

    def close(self) -> None:
        """Pass on what is there and end."""
        self._queue.put(None)
        self._thread.join(10.0)

    def _run(self) -> None:
        while self._open:
            items = self._take()
            self._open = None not in items
            late = {item.reference: item.result for item in items if isinstance(item, LateResult)}
            if late:
                self._try_late(late)
            deliveries = [item for item in items if isinstance(item, Delivery)]
            self._kept += [(item, self._understand(item)) for item in deliveries]
            if time.monotonic() >= self._retry_at or not self._open:
                self._store_kept()
            # also where nothing could be stored: whether the gateway is read depends on what waits here
            self._stored([])

    def _store_kept(self) -> None:
        """Store what waits, receipts before texts; what cannot be stored now is kept for a second, up to a bound."""
        texts = [pair for pair in self._kept if isinstance(pair[1], Inbound)]
        others = [pair for pair in self._kept if not isinstance(pair[1], Inbound)]
        left = [*self._store(others), *self._store(texts)]
        if len(left) > MOST_KEPT:
            log.warning("deliveries_dropped", link=self._link, items=len(left) - MOST_KEPT)
        self._kept = left[:MOST_KEPT]
        self._failing = bool(left)
        self._retry_at = time.monotonic() + RETRY_S if left else 0.0

    def _take(self) -> list[Delivery | LateResult | None]:
        """Wait for the next items; while some are kept, no longer than until they are to be tried again."""
        try:
            items = [self._queue.get(timeout=RETRY_S if self._kept else None)]
        except queue.Empty:
            return []
        while len(items) < BATCH and not self._queue.empty():
            items.append(self._queue.get())
        return items

    def _understand(self, item: Delivery) -> Receipt | Inbound | None:
        try:
            return self._read(item.delivered.frame)
        except Exception as error:
            # It would come again for ever: it is logged here and acknowledged.
            log.warning("delivery_unreadable", link=self._link, error=type(error).__name__)
            return None

    def _try_late(self, results: dict[str, SendResult]) -> None:
        try:
            self._events.on_late_results(self._link, results)
        except Exception as error:
            # Whatever it is: the thread must live.
            log.error("late_results_lost", link=self._link, results=len(results), error=type(error).__name__)

    def _store(self, items: Sequence[ReadDelivery]) -> Sequence[ReadDelivery]:
        """Store deliveries a batch at a time and have them acknowledged; returns those that cannot be stored now."""
        for start in range(0, len(items), BATCH):
            batch = items[start : start + BATCH]
            if left := self._store_alike(batch):
                return [*left, *items[start + len(batch) :]]
        return []

    def _store_alike(self, items: Sequence[ReadDelivery]) -> list[ReadDelivery]:
        """Store them together, or each by itself when that fails."""
        if not items:
            return []
        try:
            self._pass_on(items)
        except Exception as error:
            if len(items) == 1 and _is_lasting(error):
                log.error("delivery_unstorable", link=self._link, error=type(error).__name__)
                self._stored([items[0][0]])
                return []
            if len(items) == 1 or _is_away(error):
                log.warning("not_stored", link=self._link, items=len(items), error=type(error).__name__)
                return list(items)
            middle = len(items) // 2
            return [*self._store_alike(items[:middle]), *self._store_alike(items[middle:])]
        return []

    def _pass_on(self, items: Sequence[ReadDelivery]) -> None:
        receipts = [content for _, content in items if isinstance(content, Receipt)]
        texts = [content for _, content in items if isinstance(content, Inbound)]
        if receipts:
            self._events.on_receipts(receipts)
        if texts:
            self._events.on_texts(texts)
        self._stored([delivery for delivery, _ in items])


def _is_lasting(error: Exception) -> bool:
    """Return whether this delivery will never be stored: anything but a database or a key ring that is away."""
    return not isinstance(error, OneCertError) or isinstance(error.__cause__, DataError)


def _is_away(error: Exception) -> bool:
    return not _is_lasting(error)

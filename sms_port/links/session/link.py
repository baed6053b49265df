"""A link over long-lived connections: what CMPP and SMPP have in common.

`session` speaks, `wire` keeps the connections, `outbox` remembers, `listener` listens; this file is what the lanes
see of them. A driver adds its frames, and what its codes and deliveries mean.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from secrets import randbelow
from typing import Any, ClassVar
from urllib.parse import urlsplit

from config.catalogue.links import Link as LinkEntry
from config.ground import Ground
from config.telemetry.log import get_logger
from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Receipt
from sms_port.links.link import Dispatch, InDoubt, LinkEvents, NotSent, SendResult
from sms_port.links.rate_limit import RateLimiter
from sms_port.links.session.connections import Connections, Slot
from sms_port.links.session.events import Answered, Bound, Delivered, Event, Lost, Stray
from sms_port.links.session.listener import Delivery, LateResult, Listener
from sms_port.links.session.outbox import (
    NoResponse,
    Outbox,
    Part,
    PartAccepted,
    PartResult,
    Refused,
    SendBatch,
    Sending,
    Unsent,
)
from sms_port.links.session.protocol import ProtocolSession
from sms_port.message_reference import extension_of, parse_reference
from sms_port.models import Lane

STRAGGLERS_S = 1.0
"""How long `send` waits for answers before the rest is left to the events."""

THROTTLED_TRIES = 5
log = get_logger(__name__)


class SessionLink(ABC):
    """One account at one gateway, over one connection or several."""

    standard_port: ClassVar[int]

    def __init__(self, ground: Ground, entry: LinkEntry, limiter: RateLimiter, events: LinkEvents) -> None:
        self._ground, self._entry, self._limiter = ground, entry, limiter
        self._long = itertools.count(randbelow(256))  # the number that joins the parts of a long message
        self._outbox, self._open = Outbox(), dict.fromkeys(Lane, 0)
        self._listener = Listener(entry.code, self.read, events, self._acknowledge)
        at, step_s = urlsplit(entry.url), min(0.5, entry.read_s / 10)
        host, port = at.hostname or "", at.port or self.standard_port
        self._connections = Connections(self, Slot(entry.code, host, port, entry.connect_s, step_s, entry.connections))
        self._connections.start()

    @abstractmethod
    def begin(self, now: float) -> ProtocolSession:
        """A new session, opened; the secret is read anew, so that a changed one counts from then on."""

    @abstractmethod
    def build_frames(self, dispatch: Dispatch, joint: int) -> Sequence[Any]:
        """What is to be said, a frame for each part; `joint` is the number that lets a phone join them."""

    @abstractmethod
    def judge(self, result: int) -> PartResult | None:
        """What a refusal (a result that is not 0) makes of a part; None when the gateway asks for a slower limiter."""

    @abstractmethod
    def read(self, deliver: Any) -> Receipt | Inbound | None:
        """What a delivery says."""

    def sender_of(self, dispatch: Dispatch) -> str:
        """Our number as this message carries it: with the digits that name the message, where the contract has some."""
        message_id, _ = parse_reference(dispatch.reference) or (b"", 0)
        return dispatch.sender + extension_of(message_id, self._entry.extension_digits)

    @property
    def status(self) -> str:
        """`up`, or why it is not."""
        return self._connections.status_text()

    def room(self, lane: Lane) -> int:
        """A batch, less what is still open; none without a connection."""
        return max(0, self._entry.batch_size - self._open[lane]) if self._connections.bound.is_set() else 0

    def wait_ready(self, seconds: float) -> bool:
        """Wait for the gateway's welcome."""
        return self._connections.bound.wait(seconds)

    def send(self, batch: Sequence[Dispatch]) -> Mapping[str, SendResult]:
        """Say every part; what the gateway does not answer within a second is heard of later."""
        if not self._connections.bound.is_set():
            return {dispatch.reference: NotSent("not_connected") for dispatch in batch}
        waiting = SendBatch(len(batch))
        sendings = [self._prepare(dispatch, waiting) for dispatch in batch]
        if not self._connections.call(partial(self._accept, sendings)):
            return {dispatch.reference: NotSent("closed") for dispatch in batch}
        return waiting.wait(STRAGGLERS_S)

    def ask(self, doubts: Sequence[InDoubt]) -> Mapping[str, SendResult]:
        """A gateway of these protocols cannot be asked by our references."""
        return {}

    def close(self) -> None:
        """Say nothing new, wait two seconds for answers, say goodbye; whoever waits is told."""
        self._connections.call(partial(self._drop, math.inf, "closed"))
        self._connections.close()
        self._drop(math.inf, "closed")
        self._listener.close()

    def _prepare(self, dispatch: Dispatch, waiting: SendBatch) -> Sending:
        patience_s = max(1.0, self._entry.total_s - self._entry.read_s)
        frames = self.build_frames(dispatch, next(self._long) & 0xFF)
        return Sending(dispatch, frames, self._connections.time() + patience_s, waiting)

    # What follows runs in the wire's thread.

    def hear(self, session: ProtocolSession, events: Sequence[Event]) -> None:
        """Note the results of parts; pass on deliveries."""
        for event in events:
            match event:
                case Answered(part, result, name):
                    self._answered(part, result, name)
                case Lost(part):
                    self._end(part, NoResponse())
                case Delivered():
                    self._connections.hold(self._listener.put(Delivery(session, event)))
                case Bound(proven):
                    log.info("link_up", link=self._entry.code, proven=proven)
                    self._connections.bound.set()
                case Stray():
                    log.warning("stray_answer", link=self._entry.code)

    def pump(self, session: ProtocolSession, now: float) -> None:
        """Say parts while window and limiter allow it; give up those that wait too long."""
        self._drop(now, "no_room")
        while (part := self._outbox.first()) and session.may_submit(now):
            wait = self._limiter.acquire(1, now)
            if wait:
                self._connections.pump_later(wait)
                return
            self._outbox.pop(part)
            session.submit(part, part.frame, now)

    def _accept(self, sendings: Sequence[Sending]) -> None:
        for sending in sendings:
            self._open[sending.dispatch.lane] += 1
            self._outbox.add(sending)
        self._connections.pump_later(0)

    def _drop(self, now: float, code: str) -> None:
        for part in self._outbox.drop(now):
            self._end(part, Unsent(code))

    def _answered(self, part: Part, result: int, name: str) -> None:
        outcome = PartAccepted(name) if result == 0 else self.judge(result)
        if outcome is None:
            self._throttled(part, result)
            return
        if isinstance(outcome, Refused) and outcome.permanent:
            log.error("submit_refused", link=self._entry.code, result=outcome.code)
        self._end(part, outcome)

    def _throttled(self, part: Part, result: int) -> None:
        now = self._connections.time()
        self._limiter.back_off(now)
        part.sending.tries += 1
        if part.sending.tries <= THROTTLED_TRIES * len(part.sending.frames) and now < part.sending.overdue_at:
            self._outbox.put_back(part)
        else:
            self._end(part, Refused(str(result), False))

    def _end(self, part: Part, outcome: PartResult) -> None:
        sending, before = part.sending, part.sending.result()
        part.end(outcome)
        result = sending.result()
        if result is None:
            return
        if before is None:
            self._open[sending.dispatch.lane] -= 1
            if sending.round.tell(sending.dispatch.reference, result):
                return
        if type(result) is not type(before) or before is None:
            self._listener.put(LateResult(sending.dispatch.reference, result))

    def _acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        def say() -> None:
            for delivery in deliveries:
                delivery.session.answer(delivery.heard, self._connections.time())
            self._connections.hold(0)
            self._connections.flush()

        self._connections.call(say)

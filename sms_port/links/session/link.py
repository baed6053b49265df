"""A link over long-lived connections: the common part of CMPP and SMPP.

`protocol` keeps the state of a session, `connections` the sockets, `outbox` the parts to send; `listener` passes on
deliveries; this file is what the lanes see of them. A driver adds its frames, and what codes and deliveries mean.
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
from config.times.formats import shanghai
from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Clues, Receipt
from sms_port.links.gateway_text import Report, parse_extension, status_of
from sms_port.links.link import Dispatch, InDoubt, LinkEvents, NotSent, SendResult
from sms_port.links.rate_limit import RateLimiter
from sms_port.links.session.connections import Connections, Slot
from sms_port.links.session.events import Answered, Bound, Closed, Delivered, Event, Lost, Stray, UnknownCommand
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
from sms_port.message_reference import UNNAMED, extension_of, normalise_id, parse_reference, unnamed_receipt
from sms_port.models import Lane

STRAGGLERS_S = 1.0
"""Seconds that `send` waits for responses; later results go to the link's events."""

THROTTLED_TRIES = 5
log = get_logger(__name__)


class SessionLink(ABC):
    """One account at one gateway, over one connection or several."""

    standard_port: ClassVar[int]

    def __init__(self, ground: Ground, entry: LinkEntry, limiter: RateLimiter, events: LinkEvents) -> None:
        self._ground, self._entry, self._limiter, self._events = ground, entry, limiter, events
        self._long = itertools.count(randbelow(256))  # the number that joins the parts of a long message
        self._outbox, self._open, self._refused = Outbox(), dict.fromkeys(Lane, 0), ""
        self._listener = Listener(entry.code, self.read, events, self._acknowledge)
        at, step_s = urlsplit(entry.url), min(0.5, entry.read_s / 10)
        host, port = at.hostname or "", at.port or self.standard_port
        slot = Slot(entry.code, host, port, entry.connect_s, step_s, entry.connections)
        self._connections = Connections(self, slot)
        self._connections.start()

    @abstractmethod
    def open_session(self, now: float) -> ProtocolSession:
        """Return a new session that has sent its login; the secret is read anew, so that a changed one counts."""

    @abstractmethod
    def build_frames(self, dispatch: Dispatch, joint: int) -> Sequence[Any]:
        """Return a frame for each part; `joint` is the number that lets a phone join them."""

    @abstractmethod
    def judge(self, result: int) -> PartResult | None:
        """Return what a refusal (a result that is not 0) makes of a part; None when a slower rate is asked for."""

    @abstractmethod
    def read(self, delivered: Any) -> Receipt | Inbound | None:
        """Return what a delivery says; None when it changes nothing."""

    def choose_secret(self) -> str:
        """Return the secret to log in with: the first, or its successor if the gateway refused the first one last."""
        known = self._ground.secrets.both(f"{self._entry.code}.key")
        return next((secret for secret in known if secret != self._refused), known[0])

    def sender_of(self, dispatch: Dispatch) -> str:
        """Return our number as this message carries it, with the contract's digits that identify the message."""
        message_id, _ = parse_reference(dispatch.reference) or (b"", 0)
        return dispatch.sender + extension_of(message_id, self._entry.extension_digits)

    def validity_of(self, dispatch: Dispatch) -> str:
        """Return when the message loses its use, as `YYMMDDhhmmss032+` (Shanghai); "" when the link sends none."""
        if self._entry.validity == "none":
            return ""
        return f"{shanghai(dispatch.valid_until):%y%m%d%H%M%S}032+"

    def receipt_of(self, report: Report, address: str) -> Receipt | None:
        """Return a report as the ledger takes it; None while its state is not final. `address`: our number in it."""
        status = status_of(report.stat, {state.prefix: state.means for state in self._entry.receipt_states})
        if status is None:
            return None
        names = tuple(dict.fromkeys(filter(None, map(normalise_id, report.names))))
        extension = parse_extension(address, self._entry.port_number, self._entry.extension_digits)
        clues = Clues(report.phone, extension, report.submitted_at, names[1:])
        name = names[0] if names else unnamed_receipt(report.delivery)
        return Receipt(self._entry.code, name, 1, status, report.stat, report.done_at, clues)

    @property
    def status(self) -> str:
        """`up`, or why it is not."""
        return self._connections.status_text()

    def room(self, lane: Lane) -> int:
        """Return a batch, less what is still open; 0 without a connection."""
        return max(0, self._entry.batch_size - self._open[lane]) if self._connections.bound.is_set() else 0

    def wait_ready(self, seconds: float) -> bool:
        """Wait until the gateway accepts the login."""
        return self._connections.bound.wait(seconds)

    def send(self, batch: Sequence[Dispatch]) -> Mapping[str, SendResult]:
        """Send every part; what the gateway does not answer within a second goes to the link's events later."""
        if not self._connections.bound.is_set():
            return {dispatch.reference: NotSent("not_connected") for dispatch in batch}
        waiting = SendBatch(len(batch))
        sendings = [self._prepare(dispatch, waiting) for dispatch in batch]
        if not self._connections.call(partial(self._accept, sendings)):
            return {dispatch.reference: NotSent("closed") for dispatch in batch}
        return waiting.wait(STRAGGLERS_S)

    def ask(self, doubts: Sequence[InDoubt]) -> Mapping[str, SendResult]:
        """Return nothing: gateways of these protocols cannot be asked by our references."""
        return {}

    def close(self) -> None:
        """Send nothing new, wait two seconds for responses, say goodbye; every waiting message gets a result."""
        self._connections.call(partial(self._drop, math.inf, "closed"))
        self._connections.close()
        self._drop(math.inf, "closed")
        self._listener.close()

    def _prepare(self, dispatch: Dispatch, waiting: SendBatch) -> Sending:
        patience_s = max(1.0, self._entry.total_s - self._entry.read_s)
        frames = self.build_frames(dispatch, next(self._long) & 0xFF)
        return Sending(dispatch, frames, self._connections.time() + patience_s, waiting)

    # The following runs in the connections' thread.

    def on_events(self, session: ProtocolSession, events: Sequence[Event]) -> None:
        """Note the results of parts; pass on deliveries."""
        for event in events:
            match event:
                case Answered(part, result, name):
                    self._answered(part, result, name)
                case Lost(part):
                    self._end(part, NoResponse())
                case Delivered():
                    self._listener.put(Delivery(session, event))
                    self._connections.hold(self._listener.is_full)
                case Bound(proven):
                    log.info("link_up", link=self._entry.code, proven=proven)
                    self._connections.bound.set()
                case Closed():
                    self._refused = session.secret if session.refused else self._refused
                case Stray() | UnknownCommand():
                    self._warn_of(event)

    def _warn_of(self, event: Stray | UnknownCommand) -> None:
        if isinstance(event, Stray):
            log.warning("stray_answer", link=self._entry.code)
        else:
            log.warning("unknown_command", link=self._entry.code, command=f"{event.command:#010x}")

    def pump(self, session: ProtocolSession, now: float) -> None:
        """Send parts while window and rate allow it; give up those that wait too long."""
        self._drop(now, "no_room")
        while (part := self._outbox.first()) and session.may_submit(now):
            wait = self._limiter.acquire(1, now)
            if wait:
                self._connections.pump_later(wait)
                return
            self._outbox.pop(part)
            self._events.on_submit(part.sending.dispatch.reference)
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
        outcome = PartAccepted(name or UNNAMED) if result == 0 else self.judge(result)
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
            if sending.batch.resolve(sending.dispatch.reference, result):
                return
        if type(result) is not type(before) or before is None:
            self._listener.put(LateResult(sending.dispatch.reference, result))

    def _acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        def acknowledge() -> None:
            for delivery in deliveries:
                delivery.session.acknowledge(delivery.delivered, self._connections.time())
            self._connections.hold(self._listener.is_full)
            if deliveries:
                self._connections.flush()

        self._connections.call(acknowledge)

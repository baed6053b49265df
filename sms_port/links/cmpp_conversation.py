"""One CMPP connection from our side, without a socket: bytes and times in, bytes and events out (pure).

It keeps the window, answers what must be answered, and knows when the other side is gone. The specification's timers:
C idle seconds before an active test, T seconds for an answer, N tests before the connection is given up. A SUBMIT is
never repeated, though the specification says to: that is how a citizen gets two messages.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from sms_port.errors import FrameInvalid
from sms_port.links.cmpp_codec import decode, encode, split_frames
from sms_port.links.cmpp_events import (
    Account,
    Answered,
    Bound,
    Closed,
    Event,
    Heard,
    Lost,
    Stage,
    Stray,
    Timers,
)
from sms_port.links.cmpp_frames import (
    ACTIVE_TEST,
    ACTIVE_TEST_RESP,
    TERMINATE,
    TERMINATE_RESP,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Frame,
    Submit,
    SubmitResp,
    build_answer_authenticator,
    build_authenticator,
)

TIMERS = Timers()
LATE_KEPT = 4096
"""Sequences whose answer is still welcome after T."""


class Conversation:
    """One connection. `now` is a monotonic time in seconds; what is to be written piles up until `take`."""

    def __init__(self, account: Account, timers: Timers = TIMERS, window: int = 16) -> None:
        self.stage = Stage.CONNECTING
        self.reason = ""
        self.unanswered: OrderedDict[int, tuple[Any, float]] = OrderedDict()
        self._account, self._timers, self._window = account, timers, window
        self._late: OrderedDict[int, Any] = OrderedDict()
        self._in, self._out = bytearray(), bytearray()
        self._sequence = 0
        self._authenticator = b""
        self._heard_at = self._said_at = 0.0
        self._tests = 0
        self._tested_at = 0.0

    def open(self, now: float, timestamp: int) -> None:
        """Say who we are; `timestamp` is the number MMDDHHMMSS in Shanghai."""
        account = self._account
        self._authenticator = build_authenticator(account.source, account.secret, timestamp)
        self._heard_at = now
        self._say(Connect(account.source, self._authenticator, account.version, timestamp), now)

    def may_submit(self, now: float) -> bool:
        """Whether there is room in the window, on a connection that shows signs of life."""
        return self.stage is Stage.BOUND and len(self.unanswered) < self._window and not self._stalled(now)

    def submit(self, token: Any, frame: Submit, now: float) -> None:
        """Say one part; its answer comes as an event with this token. Only when `may_submit`."""
        self.unanswered[self._say(frame, now)] = (token, now)

    def answer(self, heard: Heard, now: float) -> None:
        """Acknowledge a delivery that is stored."""
        if self.stage in (Stage.BOUND, Stage.LEAVING):
            self._say(DeliverResp(heard.deliver.msg_id), now, heard.sequence)

    def leave(self, now: float) -> None:
        """Say goodbye; the connection is over when it is answered."""
        if self.stage is Stage.BOUND:
            self.stage = Stage.LEAVING
            self._say(TERMINATE, now)

    def take(self) -> bytes:
        """What is to be written now."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def feed(self, received: bytes, now: float) -> list[Event]:
        """Understand what arrived, in whatever pieces. After `Closed` nothing counts any more."""
        self._in += received
        events: list[Event] = []
        try:
            for frame in split_frames(self._in):
                self._heard_at, self._tests = now, 0
                events += self._hear(*decode(frame, self._account.version), now)
                if self.stage is Stage.CLOSED:
                    break
        except FrameInvalid as error:
            events += self.close(f"frame_{error.detail}")
        return events

    def tick(self, now: float) -> list[Event]:
        """Let time pass: what is overdue is lost, a silent gateway is tested, a dead one left."""
        if self.stage is Stage.CLOSED:
            return []
        if self.stage is not Stage.BOUND:
            return self.close("no_answer") if now - self._said_at >= self._timers.answer else []
        events = list(self._give_up(now))
        if self._test_is_due(now):
            if self._tests >= self._timers.sends:
                return [*events, *self.close("dead")]
            self._tests, self._tested_at = self._tests + 1, now
            self._say(ACTIVE_TEST, now)
        return events

    def close(self, reason: str) -> list[Event]:
        """The connection is gone or has to go; whatever was not answered is lost."""
        if self.stage is Stage.CLOSED:
            return []
        self.stage, self.reason = Stage.CLOSED, reason
        lost = [Lost(token) for token, _ in self.unanswered.values()]
        self.unanswered.clear()
        return [*lost, Closed(reason)]

    def _say(self, frame: Frame, now: float, sequence: int | None = None) -> int:
        if sequence is None:
            self._sequence = sequence = (self._sequence + 1) & 0xFFFFFFFF
        self._out += encode(frame, sequence, self._account.version)
        self._said_at = now
        return sequence

    def _hear(self, sequence: int, frame: Frame, now: float) -> list[Event]:
        if self.stage is Stage.CONNECTING:
            return self._judge(frame) if isinstance(frame, ConnectResp) else self.close("out_of_order")
        if isinstance(frame, SubmitResp):
            return [self._match(sequence, frame)]
        if isinstance(frame, Deliver):
            return [Heard(sequence, frame)]
        if frame == ACTIVE_TEST:
            self._say(ACTIVE_TEST_RESP, now, sequence)
            return []
        if frame == TERMINATE:
            self._say(TERMINATE_RESP, now, sequence)
            return self.close("terminated")
        if frame == TERMINATE_RESP and self.stage is Stage.LEAVING:
            return self.close("left")
        return [] if frame == ACTIVE_TEST_RESP else self.close("out_of_order")

    def _judge(self, frame: ConnectResp) -> list[Event]:
        account = self._account
        if frame.status:
            return self.close(f"refused_{frame.status}")
        proof = build_answer_authenticator(frame.status, self._authenticator, account.secret, account.version)
        proven = hmac.compare_digest(proof, frame.authenticator)
        if not proven and account.strict:
            return self.close("unproven")
        self.stage = Stage.BOUND
        return [Bound(proven)]

    def _match(self, sequence: int, frame: SubmitResp) -> Event:
        if sequence in self.unanswered:
            return Answered(self.unanswered.pop(sequence)[0], frame.result, frame.msg_id)
        if sequence in self._late:
            return Answered(self._late.pop(sequence), frame.result, frame.msg_id)
        return Stray()

    def _give_up(self, now: float) -> Iterator[Event]:
        while self.unanswered:
            sequence, (token, said_at) = next(iter(self.unanswered.items()))
            if now - said_at < self._timers.answer:
                return
            del self.unanswered[sequence]
            self._late[sequence] = token
            if len(self._late) > LATE_KEPT:
                self._late.popitem(last=False)
            yield Lost(token)

    def _stalled(self, now: float) -> bool:
        """Whether the gateway owes answers and has said nothing at all for a while."""
        if not self.unanswered:
            return self._tests > 0 and now - self._heard_at >= self._timers.stall
        oldest = next(iter(self.unanswered.values()))[1]
        return now - max(oldest, self._heard_at) >= self._timers.stall

    def _test_is_due(self, now: float) -> bool:
        if self._tests:
            return now - self._tested_at >= self._timers.answer
        return self._stalled(now) or now - max(self._heard_at, self._said_at) >= self._timers.idle

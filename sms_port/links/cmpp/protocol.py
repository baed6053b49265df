"""What is said on a CMPP connection, 3.0 or 2.0: who we are, the gateway's proof, and the frames between (pure)."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sms_port.links.cmpp.codec import decode, encode, split_frames
from sms_port.links.cmpp.frames import (
    ACTIVE_TEST,
    ACTIVE_TEST_RESP,
    TERMINATE,
    TERMINATE_RESP,
    V30,
    Bare,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Frame,
    SubmitResp,
    build_answer_authenticator,
    build_authenticator,
)
from sms_port.links.session.events import Bound, Delivered, Event, Stage, Timers
from sms_port.links.session.protocol import TIMERS, ProtocolSession


@dataclass(frozen=True)
class Account:
    """Who we are at the gateway. `strict`: a gateway that cannot prove itself is left, else it is only named."""

    source: str
    secret: str = field(repr=False)
    version: int = V30
    strict: bool = True


class CmppSession(ProtocolSession):
    """One connection of one account."""

    alive: ClassVar[Bare] = ACTIVE_TEST
    goodbye: ClassVar[Bare] = TERMINATE
    last_sequence: ClassVar[int] = 0xFFFFFFFF

    def __init__(self, account: Account, timers: Timers = TIMERS, window: int = 16) -> None:
        super().__init__(timers, window)
        self._account = account
        self._authenticator = b""

    def open(self, now: float, timestamp: int) -> None:
        """Say who we are; `timestamp` is the number MMDDHHMMSS in Shanghai."""
        account = self._account
        self._authenticator = build_authenticator(account.source, account.secret, timestamp)
        self._heard_at = now
        self._say(Connect(account.source, self._authenticator, account.version, timestamp), now)

    def answer(self, heard: Delivered, now: float) -> None:
        """Say DELIVER_RESP."""
        if self.stage in (Stage.BOUND, Stage.LEAVING):
            self._say(DeliverResp(heard.deliver.msg_id), now, heard.sequence)

    def _frames(self, buffer: bytearray) -> Iterator[tuple[int, Frame]]:
        return (decode(frame, self._account.version) for frame in split_frames(buffer))

    def _encode(self, frame: Any, sequence: int) -> bytes:
        return encode(frame, sequence, self._account.version)

    def _hear(self, sequence: int, frame: Frame, now: float) -> list[Event]:
        if self.stage is Stage.CONNECTING:
            return self._judge(frame) if isinstance(frame, ConnectResp) else self.close("out_of_order")
        if isinstance(frame, SubmitResp):
            return [self._match(sequence, frame.result, f"{frame.msg_id:016x}")]
        if isinstance(frame, Deliver):
            return [Delivered(sequence, frame)]
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

"""The CMPP session, 3.0 or 2.0: our login, the gateway's proof, and the frames between (pure)."""

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
    build_answer_authenticators,
    build_authenticator,
)
from sms_port.links.session.events import Bound, Delivered, Event, Stage, Stray, Timers, UnknownCommand
from sms_port.links.session.protocol import TIMERS, ProtocolSession
from sms_port.message_reference import UNNAMED, normalise_id

RESPONSE = 0x80000000
GATEWAY_IS_OLD = "version_2.0"
"""Why a 3.0 session ends at a gateway of 2.0: set `version = "2.0"` for the link."""


@dataclass(frozen=True)
class Account:
    """Our account. `strict`: a gateway that cannot prove that it knows the secret is left, else only logged."""

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
        super().__init__(account.secret, timers, window)
        self._account = account
        self._authenticator = b""

    def open(self, now: float, timestamp: int) -> None:
        """Send CONNECT; `timestamp` is the number MMDDHHMMSS in Shanghai."""
        account = self._account
        self._authenticator = build_authenticator(account.source, account.secret, timestamp)
        self._received_at = now
        self._write(Connect(account.source, self._authenticator, account.version, timestamp), now)

    def acknowledge(self, delivered: Delivered, now: float) -> None:
        """Send DELIVER_RESP."""
        if self.stage in (Stage.BOUND, Stage.LEAVING):
            self._write(DeliverResp(delivered.frame.msg_id), now, delivered.sequence)

    def _frames(self, buffer: bytearray) -> Iterator[tuple[int, Frame]]:
        return (decode(frame, self._account.version) for frame in split_frames(buffer))

    def _encode(self, frame: Any, sequence: int) -> bytes:
        return encode(frame, sequence, self._account.version)

    def _receive(self, sequence: int, frame: Frame, now: float) -> list[Event]:
        if frame == ACTIVE_TEST:
            self._write(ACTIVE_TEST_RESP, now, sequence)
            return []
        if frame == TERMINATE:
            self._write(TERMINATE_RESP, now, sequence)
            return self.close("terminated")
        if frame == TERMINATE_RESP:
            return self.close("left" if self.stage is Stage.LEAVING else "out_of_order")
        if isinstance(frame, ConnectResp) and self.stage is Stage.CONNECTING:
            return self._judge_login(frame)
        return self._receive_content(sequence, frame)

    def _receive_content(self, sequence: int, frame: Frame) -> list[Event]:
        match frame:
            case SubmitResp(msg_id, result, old):
                if old and self._account.version == V30 and sequence in self.unanswered:
                    return self.close(GATEWAY_IS_OLD)
                return [self._match(sequence, result, normalise_id(f"{msg_id:016x}") if msg_id else UNNAMED)]
            case Deliver():
                return [Delivered(sequence, frame)]
            case Bare():
                return []
        return [Stray() if frame.command & RESPONSE else UnknownCommand(frame.command)]

    def _judge_login(self, frame: ConnectResp) -> list[Event]:
        account = self._account
        if frame.status:
            return self.close(f"refused_{frame.status}")
        if account.version == V30 and (frame.old or 0 < frame.version < V30):
            return self.close(GATEWAY_IS_OLD)
        proofs = build_answer_authenticators(frame.status, self._authenticator, account.secret)
        proven = any([hmac.compare_digest(proof, frame.authenticator) for proof in proofs])
        if not proven and account.strict:
            return self.close("unproven")
        self.stage = Stage.BOUND
        return [Bound(proven)]

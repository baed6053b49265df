"""What is said on an SMPP session: the bind, and the frames between (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sms_port.links.session.events import Bound, Delivered, Event, Stage, Timers
from sms_port.links.session.protocol import TIMERS, ProtocolSession
from sms_port.links.smpp.codes import NOT_UNDERSTOOD, build_name
from sms_port.links.smpp.pdus import DELIVER, NACK, build_bare, build_bind, decode_all, encode

IDLE = ("enquire_link_resp", "alert_notification")


@dataclass(frozen=True)
class Account:
    """Who we are at the gateway: system_id and password."""

    system_id: str
    secret: str = field(repr=False)


class SmppSession(ProtocolSession):
    """One session of one account, a transceiver."""

    alive: ClassVar[str] = "enquire_link"
    goodbye: ClassVar[str] = "unbind"
    last_sequence: ClassVar[int] = 0x7FFFFFFF

    def __init__(self, account: Account, timers: Timers = TIMERS, window: int = 16) -> None:
        super().__init__(timers, window)
        self._account = account

    def open(self, now: float) -> None:
        """Say bind_transceiver."""
        self._heard_at = now
        self._say(build_bind(self._account.system_id, self._account.secret), now)

    def answer(self, heard: Delivered, now: float) -> None:
        """Say deliver_sm_resp."""
        if self.stage in (Stage.BOUND, Stage.LEAVING):
            self._say("deliver_sm_resp", now, heard.sequence)

    def _frames(self, buffer: bytearray) -> Iterator[tuple[int, Any]]:
        return decode_all(buffer)

    def _encode(self, frame: Any, sequence: int) -> bytes:
        return encode(build_bare(frame) if isinstance(frame, str) else frame, sequence)

    def _hear(self, sequence: int, frame: Any, now: float) -> list[Event]:
        if self.stage is Stage.CONNECTING:
            return self._judge(frame)
        if frame.command in ("enquire_link", "unbind"):
            self._say(f"{frame.command}_resp", now, sequence)
            return self.close("terminated") if frame.command == "unbind" else []
        if frame.command == "unbind_resp" and self.stage is Stage.LEAVING:
            return self.close("left")
        return self._hear_word(sequence, frame)

    def _hear_word(self, sequence: int, frame: Any) -> list[Event]:
        if frame.command == "submit_sm_resp":
            return [self._match(sequence, frame.status, build_name(frame.message_id))]
        if frame.command == NACK:  # it was not even understood, so it was not taken
            return [self._match(sequence, frame.status or NOT_UNDERSTOOD, "")]
        if frame.command == DELIVER:
            return [Delivered(sequence, frame)]
        return [] if frame.command in IDLE else self.close("out_of_order")

    def _judge(self, frame: Any) -> list[Event]:
        if frame.command not in ("bind_transceiver_resp", NACK):
            return self.close("out_of_order")
        if frame.status or frame.command == NACK:
            return self.close(f"refused_{frame.status}")
        self.stage = Stage.BOUND
        return [Bound(True)]

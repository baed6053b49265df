"""The SMPP 3.4 session: the bind, and the PDUs between (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from sms_port.links.session.events import Bound, Delivered, Event, Stage, Stray, Timers, UnknownCommand
from sms_port.links.session.protocol import TIMERS, ProtocolSession
from sms_port.links.smpp import decoder
from sms_port.links.smpp.codes import INVALID_COMMAND, NOT_UNDERSTOOD
from sms_port.links.smpp.decoder import RESPONSE, Pdu, decode_all
from sms_port.links.smpp.pdus import ENQUIRE, GOODBYE, OutgoingPdu, build_bind, build_nack, build_response, encode
from sms_port.message_reference import UNNAMED, normalise_id

IGNORED = frozenset({decoder.ENQUIRE_LINK | RESPONSE, decoder.ALERT, decoder.OUTBIND})


@dataclass(frozen=True)
class Account:
    """Our account at the gateway: system_id and password."""

    system_id: str
    secret: str = field(repr=False)


class SmppSession(ProtocolSession):
    """One session of one account, a transceiver."""

    alive: ClassVar[OutgoingPdu] = ENQUIRE
    goodbye: ClassVar[OutgoingPdu] = GOODBYE
    last_sequence: ClassVar[int] = 0x7FFFFFFF

    def __init__(self, account: Account, timers: Timers = TIMERS, window: int = 16) -> None:
        super().__init__(account.secret, timers, window)
        self._account = account

    def open(self, now: float) -> None:
        """Send bind_transceiver."""
        self._received_at = now
        self._write(build_bind(self._account.system_id, self._account.secret), now)

    def acknowledge(self, delivered: Delivered, now: float) -> None:
        """Send deliver_sm_resp or data_sm_resp."""
        if self.stage in (Stage.BOUND, Stage.LEAVING):
            self._write(build_response(delivered.frame.command), now, delivered.sequence)

    def _frames(self, buffer: bytearray) -> Iterator[tuple[int, Pdu]]:
        return decode_all(buffer)

    def _encode(self, frame: OutgoingPdu, sequence: int) -> bytes:
        return encode(frame, sequence)

    def _receive(self, sequence: int, frame: Pdu, now: float) -> list[Event]:
        if frame.command == decoder.ENQUIRE_LINK:
            self._write(build_response(frame.command), now, sequence)
            return []
        if frame.command == decoder.UNBIND:
            self._write(build_response(frame.command), now, sequence)
            return self.close("terminated")
        if frame.command == decoder.UNBIND | RESPONSE and self.stage is Stage.LEAVING:
            return self.close("left")
        if self.stage is Stage.CONNECTING and (frame.command in decoder.BINDS or frame.command == decoder.NACK):
            return self._judge_bind(frame)
        return self._receive_content(sequence, frame, now)

    def _receive_content(self, sequence: int, frame: Pdu, now: float) -> list[Event]:
        if frame.command == decoder.SUBMIT | RESPONSE:
            return [self._match(sequence, frame.status, _part_id(frame.message_id))]
        if frame.command == decoder.NACK:  # the gateway did not even understand it, so it did not take it
            return [self._match(sequence, frame.status or NOT_UNDERSTOOD, "")]
        if frame.command in (decoder.DELIVER, decoder.DATA):
            return [Delivered(sequence, frame)]
        if frame.command in IGNORED:
            return []
        if frame.command & RESPONSE:
            return [Stray()]
        self._write(build_nack(INVALID_COMMAND), now, sequence)
        return [UnknownCommand(frame.command)]

    def _judge_bind(self, frame: Pdu) -> list[Event]:
        if frame.status or frame.command == decoder.NACK:
            return self.close(f"refused_{frame.status}")
        self.stage = Stage.BOUND
        return [Bound(True)]


def _part_id(raw: bytes) -> str:
    return normalise_id(raw.decode("latin-1")) or UNNAMED

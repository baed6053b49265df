"""The SMPP 3.4 link, for gateways abroad: our submit_sm, and what statuses, receipts and texts mean.

docs/sms-smpp-link.md tells an operator how to set it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from config.telemetry.log import get_logger
from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Receipt
from sms_port.links.gateway_text import parse_number
from sms_port.links.link import Dispatch
from sms_port.links.session.events import Timers
from sms_port.links.session.link import SessionLink
from sms_port.links.session.outbox import PartResult, Refused
from sms_port.links.smpp.codes import (
    QUEUE_FULL,
    THROTTLED,
    Kind,
    addresses_of,
    is_permanent,
    kind_of,
    parse_receipt,
    parse_text,
)
from sms_port.links.smpp.decoder import Pdu
from sms_port.links.smpp.pdus import OutgoingPdu, build_submit
from sms_port.links.smpp.protocol import Account, SmppSession
from sms_port.segments import build_contents

log = get_logger(__name__)


class SmppLink(SessionLink):
    """One account at a gateway that speaks SMPP 3.4."""

    standard_port: ClassVar[int] = 2775

    def open_session(self, now: float) -> SmppSession:
        """Return a session that has sent bind_transceiver."""
        entry, secret = self._entry, self.choose_secret()
        account, timers = Account(entry.account, secret), Timers(entry.idle_s, entry.read_s)
        session = SmppSession(account, timers, entry.window)
        session.open(now)
        return session

    def build_frames(self, dispatch: Dispatch, joint: int) -> Sequence[OutgoingPdu]:
        """Return a submit_sm for each part."""
        contents, long = build_contents(dispatch.parts, joint), len(dispatch.parts) > 1
        service, sender, validity = self._entry.service_id, self.sender_of(dispatch), self.validity_of(dispatch)
        return [
            build_submit(service, sender, dispatch.to, content, long=long, validity=validity) for content in contents
        ]

    def judge(self, result: int) -> PartResult | None:
        """Return the result of a refusal; None for a full queue and "throttled", which ask for a slower rate."""
        if result in (THROTTLED, QUEUE_FULL):
            return None
        return Refused(f"{result:#x}", is_permanent(result, self._entry.retryable))

    def read(self, delivered: Pdu) -> Receipt | Inbound | None:
        """Return a receipt or a citizen's text; None for acknowledgements of other phones."""
        match kind_of(delivered):
            case Kind.RECEIPT:
                return self._receipt(delivered)
            case Kind.TEXT:
                return self._inbound(delivered)
        log.info("delivery_ignored", link=self._entry.code, esm_class=delivered.esm_class)
        return None

    def _receipt(self, pdu: Pdu) -> Receipt | None:
        report = parse_receipt(pdu)
        if report is None:
            log.warning("report_unreadable", link=self._entry.code)
            return None
        _, port = addresses_of(pdu)
        return self.receipt_of(report, port)

    def _inbound(self, pdu: Pdu) -> Inbound:
        phone, to = (one.decode("latin-1") for one in (pdu.source, pdu.destination))
        text, segment = parse_text(pdu)
        return Inbound(self._entry.code, "", parse_number(phone), to, text, segment)
